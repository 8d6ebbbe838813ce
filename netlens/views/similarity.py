"""How alike layers are, as a table of colours."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.internals.similarity import Similarity
from netlens.views.base import INK, UNSIGNED, View, new_figure


def similarity(found: Similarity) -> View:
    """Show linear CKA between layers: bright where two layers say the same up to rotation and scale."""
    table = found.frame().reset_index(names="layer")
    values = found.values
    few = max(values.shape) <= 12

    def draw() -> Figure:
        side = 0.36 if few else max(0.09, 4.2 / max(values.shape))
        figure = new_figure(1.9 + side * values.shape[1] + (0.8 if few else 0), 1.1 + side * values.shape[0])
        axes = figure.subplots()
        image = axes.imshow(values, cmap=UNSIGNED, vmin=0, vmax=1)
        if few:
            for (row, column), value in np.ndenumerate(values):
                written, ink = ("–", INK) if np.isnan(value) else (f"{value:.2f}", "white" if value < 0.6 else INK)
                axes.text(column, row, written, ha="center", va="center", fontsize=6.2, color=ink)
        step = 1 if few else -(-max(values.shape) // 24)
        axes.set_xticks(
            range(0, len(found.columns), step),
            found.columns[::step],
            rotation=60,
            ha="right",
            rotation_mode="anchor",
            fontsize=7.5,
        )
        axes.set_yticks(range(0, len(found.rows), step), found.rows[::step], fontsize=7.5)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=14)
        bar.set_label("linear CKA")
        bar.outline.set_visible(False)
        return figure

    same = found.names[0] == found.names[1] and found.rows == found.columns
    away = values.copy()
    if same and len(found.rows) > 1:
        np.fill_diagonal(away, np.nan)
    said = _said(found, away, same=same)
    alt = f"Table of colours: linear CKA of {len(found.rows)} by {len(found.columns)} layers on {found.n:,} samples. {said}"
    caption = f"Linear CKA on {found.n:,} samples: 1 where two layers hold the same up to rotation and scale, 0 where they have nothing in common. {said}"
    return View(draw, table, alt, caption)


def _said(found: Similarity, away: NDArray[np.float64], *, same: bool) -> str:
    """In words, where the layers differ most, and which of them give the same for all samples."""
    said = []
    if not np.isnan(away).all():
        low = np.unravel_index(int(np.nanargmin(away)), away.shape)
        said.append(f"The least alike are {found.rows[low[0]]} and {found.columns[low[1]]}, {away[low]:.2f}.")
    breaks = np.diagonal(found.values, 1)
    if same and not np.isnan(breaks).all():
        at = int(np.nanargmin(breaks))
        said.append(
            f"From one layer to the next the largest change is between {found.rows[at]} and {found.rows[at + 1]}, {breaks[at]:.2f}."
        )
    silent = [layer for layer, row in zip(found.rows, found.values, strict=True) if np.isnan(row).all()]
    if silent:
        said.append(f"The same for all samples, and so like no other: {', '.join(silent)}.")
    return " ".join(said)
