"""What disturbed images cost: six kinds, three strengths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from netlens.views.base import MUTED, PALETTE, View, new_figure, percent


def corruption_grid(found: Mapping[str, Any]) -> View:
    """Show the accuracy under each disturbance as a map and as curves; `found` is the evidence of the check NL601."""
    kinds: Mapping[str, Any] = found["kinds"]
    names = sorted(kinds, key=lambda kind: kinds[kind]["kept"][-1])
    clean = found["clean"]
    table = pd.DataFrame(
        [
            {"disturbance": kind, "strength": place + 1, "accuracy": one["accuracy"][place], "kept": one["kept"][place], "low": one["low"][place], "high": one["high"][place]}
            for kind, one in kinds.items()
            for place in range(len(one["kept"]))
        ]
    )  # fmt: skip

    def draw() -> Figure:
        figure = new_figure(height=2.7)
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        grid = np.array([kinds[kind]["accuracy"] for kind in names])
        marks = np.array([[f"{100 * value:.0f}" for value in row] for row in grid])
        sns.heatmap(
            grid,
            annot=marks,
            fmt="",
            cmap="viridis",
            vmin=0,
            vmax=1,
            ax=left,
            cbar=False,
            linewidths=1,
            linecolor="white",
            annot_kws={"size": 9},
        )
        left.set_xticks(np.arange(grid.shape[1]) + 0.5, [str(place + 1) for place in range(grid.shape[1])])
        left.set_yticks(np.arange(len(names)) + 0.5, names, rotation=0)
        left.tick_params(length=0)
        left.set_xlabel("strength")
        left.set_title("Right answers of 100")
        steps = np.arange(grid.shape[1] + 1)
        for colour, kind in zip(PALETTE, names, strict=False):
            one = kinds[kind]
            right.fill_between(steps[1:], one["low"], one["high"], color=colour, alpha=0.12, linewidth=0)
            right.plot(steps, [1.0, *one["kept"]], color=colour, marker="o", markersize=3, label=kind)
        right.axhline(1, color=MUTED, linestyle="--", linewidth=1)
        least = min(value for one in kinds.values() for value in one["low"])
        right.set_ylim(max(0.0, np.floor(10 * least) / 10 - 0.2), 1.02)
        right.set_xticks(steps, ["clean", *(str(step) for step in steps[1:])])
        right.set_xlabel("strength")
        right.set_title("Share of the right answers that is kept")
        right.yaxis.set_major_formatter(lambda value, _: percent(value, 0))
        right.grid(axis="y")
        right.legend(loc="lower left", fontsize=7, ncols=2)
        return figure

    listed = "; ".join(f"{kind} {percent(kinds[kind]['kept'][-1], 0)}" for kind in names)
    worst = kinds[names[0]]
    values = f"{percent(worst['kept'][-1], 0)} ({percent(worst['low'][-1], 0)} to {percent(worst['high'][-1], 0)})"
    alt = f"Left, a map of the accuracy by disturbance and strength; right, curves of the share that is kept. Clean: {percent(clean)}. Kept at the highest strength: {listed}."
    caption = (
        f"Clean, {percent(clean)} of {found['n']:,} images are answered rightly. At the highest strength **{names[0]}** hurts most: {values} of the right answers are "
        "kept. Bands: 95 % intervals, from the same images with and without the disturbance."
    )
    return View(draw, table, alt, caption)
