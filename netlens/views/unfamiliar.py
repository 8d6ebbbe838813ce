"""How sure a model is of inputs that belong to no class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import ACCENT, MUTED, WARM, View, new_figure, percent

SURE = 0.9


def unfamiliar_confidence(found: Mapping[str, Any]) -> View:
    """Show the confidence on familiar and on junk inputs; `found` is the evidence of the check NL451."""
    kinds: Mapping[str, Any] = found["kinds"]
    rows = [{"inputs": "test images", "over 90 % sure": found["sure"]}]
    rows += [
        {
            "inputs": kind,
            "over 90 % sure": one["sure"]["value"],
            "low": one["sure"]["low"],
            "high": one["sure"]["high"],
            "AUROC": one["auroc"]["value"],
        }
        for kind, one in kinds.items()
    ]

    def draw() -> Figure:
        figure = new_figure(height=0.62 * (len(kinds) + 1) + 0.5)
        axes = figure.subplots(len(kinds) + 1, 1, sharex=True)
        strips = {"test images": found["familiar"], **{kind: one["histogram"] for kind, one in kinds.items()}}
        for row, (name, counts) in enumerate(strips.items()):
            shares = np.asarray(counts) / max(1, sum(counts))
            edges = np.linspace(0, 1, len(counts) + 1)
            axes[row].stairs(shares, edges, fill=True, color=ACCENT if row == 0 else WARM, alpha=0.75)
            axes[row].axvline(SURE, color=MUTED, linestyle="--", linewidth=1)
            axes[row].set_yticks([])
            axes[row].spines["left"].set_visible(False)
            axes[row].set_ylabel(
                f"{name}\n{percent(rows[row]['over 90 % sure'], 0)} over 90 %", rotation=0, ha="right", va="center", fontsize=8
            )
        axes[-1].set_xlim(0, 1)
        axes[-1].set_xlabel("probability that the model gives its answer")
        axes[-1].xaxis.set_major_formatter(lambda value, _: percent(value, 0))
        return figure

    listed = "; ".join(f"{kind} {percent(one['sure']['value'])}" for kind, one in kinds.items())
    worst = max(kinds, key=lambda kind: kinds[kind]["sure"]["value"])
    alt = (
        f"Histograms of the confidence. Share of answers that are over 90 % sure: test images {percent(found['sure'])}; {listed}."
    )
    caption = (
        f"Top: real images. Below: junk that belongs to no class and should be answered with doubt. Right of the dashed line the model is over 90 % sure: "
        f"of **{worst}** in {percent(kinds[worst]['sure']['value'])} of cases. Each histogram has its own height."
    )
    return View(draw, pd.DataFrame(rows), alt, caption)
