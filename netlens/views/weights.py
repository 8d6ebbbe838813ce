"""Weights: pictures where they are pictures, and numbers where they are not."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.internals.filters import Filters
from netlens.internals.weights import Weights, frame
from netlens.views.base import ACCENT, MUTED, PALETTE, SIGNED, WIDTH, View, new_figure, percent
from netlens.views.prose import Prose, say
from netlens.views.table import Table

MOST = 64
COLUMNS = 16


def filters(found: Filters, most: int = MOST) -> View | Prose:
    """Show the weights of the layer that sees the image, one picture a unit; or say why a picture would mean nothing.

    Notes
    -----
    Of one channel: red is positive, blue negative, one scale for all. Of three: the channels are shown as red, green and blue, grey is
    zero.
    """
    if found.pictures is None:
        return say(f"**A picture would mean nothing here.** {found.reason}")
    pictures = found.pictures[:most]
    limit = float(np.abs(found.pictures).max()) or 1.0
    sizes = np.sqrt((found.pictures.reshape(len(found.pictures), -1) ** 2).sum(1))
    table = pd.DataFrame({"unit": range(len(sizes)), "norm": sizes, "largest": found.pictures.reshape(len(sizes), -1).max(1)})
    columns = min(COLUMNS, len(pictures))
    rows = math.ceil(len(pictures) / columns)

    def draw() -> Figure:
        figure = new_figure(WIDTH, rows * (WIDTH - 0.6) / columns + 0.15)
        grid = figure.subplots(rows, columns, squeeze=False)
        image = None
        for place, axes in enumerate(grid.flat):
            axes.set_axis_off()
            if place < len(pictures):
                one = pictures[place]
                shown = one[0] if len(one) == 1 else np.moveaxis(one, 0, -1) / (2 * limit) + 0.5
                image = axes.imshow(shown, cmap=SIGNED, vmin=-limit, vmax=limit)
        if pictures.shape[1] == 1 and image is not None:
            bar = figure.colorbar(image, ax=grid, aspect=10 * rows, pad=0.01)
            bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.2g}", "0", f"{limit:.2g}"])
            bar.outline.set_visible(False)
            bar.ax.tick_params(labelsize=7, length=2)
        return figure

    size = "×".join(map(str, pictures.shape[2:]))
    strongest, weakest = int(sizes.argmax()), int(sizes.argmin())
    some = "" if len(pictures) == len(sizes) else f"The first {len(pictures)} are shown. "
    spans = f"Their norms go from {sizes.min():.2g} (unit {weakest}) to {sizes.max():.2g} (unit {strongest})."
    colours = "red is positive and blue negative" if pictures.shape[1] == 1 else "the channels are the colours and grey is zero"
    alt = f"The {len(sizes)} filters of {found.path}, {size} pixels each. {some}{spans}"
    caption = f"What each of the {len(sizes)} units of `{found.path}` looks for, {size} pixels; {colours}, one scale for all. {some}{spans}"
    return View(draw, table, alt, caption)


def weight_histograms(found: Sequence[Weights]) -> View:
    """Show how the weights of each layer are spread."""
    table = pd.DataFrame(
        {"weights": [one.path for one in found], "mean": [one.mean for one in found], "spread": [one.spread for one in found]}
    )
    columns = min(4, len(found))
    shown = list(found)[:12]
    rows = math.ceil(len(shown) / columns)

    def draw() -> Figure:
        figure = new_figure(WIDTH, 1.55 * rows + 0.1)
        for place, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
            if place >= len(shown):
                axes.set_axis_off()
                continue
            one = shown[place]
            axes.stairs(one.counts / one.counts.sum(), one.edges, fill=True, color=ACCENT, alpha=0.85)
            axes.axvline(0, color=MUTED, linewidth=0.7)
            axes.set_title(one.path.removesuffix(".weight"), fontsize=8.5)
            axes.set_yticks([])
            axes.tick_params(labelsize=7)
            axes.spines["left"].set_visible(False)
        return figure

    widest, narrowest = (way(found, key=lambda one: one.spread) for way in (max, min))
    some = "" if len(shown) == len(found) else f" The first {len(shown)} of {len(found)} are drawn."
    said = f"The standard deviation goes from {narrowest.spread:.2g} (`{narrowest.path}`) to {widest.spread:.2g} (`{widest.path}`).{some}"
    return View(
        draw,
        table,
        f"Histograms of the weights of {len(shown)} layers. {said}".replace("`", ""),
        f"The weights of each layer; every axis has its own scale. {said}",
    )


def spectra(found: Sequence[Weights]) -> View:
    """Show the singular values of each layer's weights, as shares of the largest, and its effective rank."""
    shown = [one for one in found if one.singular.size]
    table = frame(list(found))

    def draw() -> Figure:
        figure = new_figure(height=2.8)
        left, right = figure.subplots(1, 2, width_ratios=[1.35, 1])
        colours = [PALETTE[place % len(PALETTE)] for place in range(len(shown))]
        for one, colour in zip(shown, colours, strict=True):
            left.plot(
                np.linspace(0, 1, len(one.singular)),
                one.singular / (one.singular[0] or 1.0),
                color=colour,
                label=one.path.removesuffix(".weight"),
            )
        left.set_title("Singular values, over the largest")
        left.set_xlabel("place in order, from the first to the last")
        left.set_ylim(0, 1.03)
        left.grid(axis="y")
        if len(shown) <= 8:
            left.legend(fontsize=7.5)
        shares = [one.effective_rank / min(one.matrix) for one in shown]
        right.barh(range(len(shown)), shares, color=colours, height=0.6)
        if len(shown) <= 16:
            right.set_yticks(range(len(shown)), [one.path.removesuffix(".weight") for one in shown], fontsize=7.5)
            for place, (one, share) in enumerate(zip(shown, shares, strict=True)):
                right.text(
                    min(share, 0.98) - 0.02,
                    place,
                    f"{one.effective_rank:.0f} of {min(one.matrix)}",
                    ha="right",
                    va="center",
                    fontsize=7,
                    color="white",
                )
        else:
            right.set_yticks([])
        right.invert_yaxis()
        right.set_xlim(0, 1)
        right.set_title("Effective rank, of the most")
        return figure

    least = min(shown, key=lambda one: one.effective_rank / min(one.matrix))
    said = f"`{least.path}` uses the least of its room: an effective rank of {least.effective_rank:.0f} of {min(least.matrix)}, {percent(least.effective_rank / min(least.matrix), 0)}."
    alt = f"Singular values of {len(shown)} arrays of weights, and their effective ranks. {said}".replace("`", "")
    caption = f"A flat curve uses all directions alike, a steep one few. {said} Kernels of a convolution are read as the rows of a matrix."
    return View(draw, table, alt, caption)


def weight_table(found: Sequence[Weights]) -> Table:
    """List the weights with norms and ranks."""
    return Table(
        frame(list(found)), "Effective rank: the exponential of the entropy of the singular values (Roy and Vetterli 2007)."
    )
