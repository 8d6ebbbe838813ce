"""If the least sure answers went to a person: how wrong is the rest?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import ACCENT, MUTED, View, new_figure, percent


def error_coverage(found: Mapping[str, Any]) -> View:
    """Draw the error against the share of answers that are kept; `found` is the evidence of the check NL402."""
    rates, coverage = found["error"], found["coverage"]
    table = pd.DataFrame([{"answered": share, **rate} for share, rate in zip(coverage, rates, strict=True)])
    whole, n = rates[-1]["value"], rates[-1]["n"]
    best = [max(0.0, (whole * n - (n - share * n)) / (share * n)) for share in coverage]

    def draw() -> Figure:
        figure = new_figure(width=5.4, height=2.6)
        axes = figure.subplots()
        axes.fill_between(coverage, table["low"], table["high"], color=ACCENT, alpha=0.2, linewidth=0)
        axes.plot(coverage, table["value"], color=ACCENT, marker="o", markersize=4, label="this model, with 95 % interval")
        axes.axhline(whole, color=MUTED, linestyle="--", linewidth=1, label="if answers were declined at random")
        axes.plot(coverage, best, color=MUTED, linestyle=":", linewidth=1.4, label="if it knew all its errors")
        axes.set_xlabel("share of cases that the model answers, the surest first")
        axes.set_ylabel("share of wrong answers")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: percent(value))
        axes.set_ylim(bottom=0)
        axes.grid(axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), fontsize=8, ncols=2)
        return figure

    shares = {share: rate["value"] for share, rate in zip(coverage, rates, strict=True)}
    half, most = percent(shares[0.5]), percent(shares[0.8])
    alt = f"A line of the error against the share of cases answered: {half} wrong on the surest half, {most} on the surest 80 %, {percent(whole)} on all."
    caption = (
        f"When it answers all cases, {percent(whole)} are wrong; of the surest 80 %, {most}; of the surest half, {half}. The lower the line lies below the "
        "dashed one, the better the model knows when it errs."
    )
    return View(draw, table, alt, caption)
