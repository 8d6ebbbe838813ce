"""Confidence against how often the model is right."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.behaviour import Calibration
from netlens.views.base import ACCENT, MUTED, RULE, View, new_figure, percent, plural


def reliability(result: Calibration) -> View:
    """Draw the reliability diagram, with the band in which a perfectly calibrated model would lie by chance."""
    counts = np.array([rate.n for rate in result.accuracy])
    filled = np.flatnonzero(counts)
    table = pd.DataFrame(
        {
            "from": result.edges[filled],
            "to": result.edges[filled + 1],
            "samples": counts[filled],
            "confidence": result.confidence[filled],
            "accuracy": [result.accuracy[i].value for i in filled],
            "low": [result.accuracy[i].low for i in filled],
            "high": [result.accuracy[i].high for i in filled],
            "chance low": result.band[filled, 0],
            "chance high": result.band[filled, 1],
        }
    )

    def draw() -> Figure:
        figure = new_figure(width=5.4, height=3.1)
        axes, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1)
        width = np.diff(result.edges)[filled]
        axes.bar(
            table["from"] + width / 2, table["chance high"] - table["chance low"], width * 0.96, bottom=table["chance low"], color=RULE, alpha=0.6,
            label="where a model would lie that is right as often as it says",
        )  # fmt: skip
        errors = np.maximum([table["accuracy"] - table["low"], table["high"] - table["accuracy"]], 0)
        axes.errorbar(
            table["confidence"],
            table["accuracy"],
            yerr=errors,
            fmt="o",
            color=ACCENT,
            markersize=5,
            label="this model, with 95 % interval",
        )
        axes.set_ylabel("share of right answers")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), fontsize=8)
        axes.set_ylim(-0.02, 1.05)
        below.stairs(counts, result.edges, fill=True, color=ACCENT, alpha=0.7)
        below.set_yscale("symlog", linthresh=1)
        below.set_ylim(bottom=0)
        below.set_ylabel("samples")
        below.set_xlabel("probability that the model gives its answer")
        below.set_xlim(0, 1)
        return figure

    beyond = result.ece > result.null
    chance = percent(max(result.null, 0.001))
    verdict = "more than chance explains" if beyond else "no more than chance explains"
    outside = [i for i in filled if not result.band[i, 0] <= result.accuracy[i].value <= result.band[i, 1]]
    alt = (
        f"Reliability diagram with {plural(len(filled), 'bin')} that {'holds' if len(filled) == 1 else 'hold'} samples. The expected calibration error is {percent(result.ece)}, {verdict}: "
        f"a perfectly calibrated model would show no more than {chance} in 95 of 100 cases. {plural(len(outside), 'bin')} {'lies' if len(outside) == 1 else 'lie'} outside the band."
    )
    caption = (
        f"Each dot is a bin of answers given with similar probability; on the dashed line it would be right as often as it says. The gap, averaged over samples, "
        f"is {percent(result.ece)}: {verdict} (a model that is right as often as it says shows no more than {chance} in 95 of 100 cases). Below: samples in each bin; each "
        "step of that scale is ten times the one before."
    )
    return View(draw, table, alt, caption)
