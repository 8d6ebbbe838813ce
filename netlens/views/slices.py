"""Where a model is weakest: segments of the data with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import ACCENT, MUTED, WARM, View, new_figure, percent, plural

LEVEL = 0.05


def slice_forest(found: Mapping[str, Any]) -> View:
    """Show the weakest segments; `found` is the evidence of the check NL351."""
    rows, accuracy = found["weakest"], found["accuracy"]
    table = pd.DataFrame(rows)
    real = [row["q"] < LEVEL for row in rows]

    def draw() -> Figure:
        figure = new_figure(height=0.8 + 0.24 * len(rows))
        axes = figure.subplots()
        axes.axvline(accuracy, color=MUTED, linestyle="--", linewidth=1)
        for place, (row, weak) in enumerate(zip(rows, real, strict=True)):
            ends = [[max(row["value"] - row["low"], 0)], [max(row["high"] - row["value"], 0)]]
            axes.errorbar(row["value"], place, xerr=ends, fmt="o", color=WARM if weak else ACCENT, markersize=5, elinewidth=2)
        axes.set_yticks(np.arange(len(rows)), [f"{row['name']}  (n = {row['n']:,})" for row in rows])
        axes.invert_yaxis()
        axes.set_xlabel("share of right answers, with 95 % interval")
        axes.xaxis.set_major_formatter(lambda value, _: percent(value, 0))
        axes.grid(axis="x")
        return figure

    first, weak = rows[0], sum(real)
    values = f"{first['name']}, {percent(first['value'])} ({percent(first['low'])} to {percent(first['high'])}, {first['n']:,} samples)"
    verdict = (
        f"{plural(weak, 'segment')} {'is' if weak == 1 else 'are'} weaker than chance explains"
        if weak
        else "chance alone explains the differences"
    )
    looks = plural(found["segments"], "segment")
    alt = f"Dots with intervals for the {len(rows)} weakest of {looks}. Weakest: {values}. Over all samples: {percent(accuracy)}. {verdict[0].upper()}{verdict[1:]}."
    caption = (
        f"The {len(rows)} weakest of {looks}; dashed: over all samples, {percent(accuracy)}. Weakest: **{values}**. After the correction for looking "
        f"at many, {verdict}" + (" (red)." if weak else ".")
    )
    return View(draw, table, alt, caption)
