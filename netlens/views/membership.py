"""How well an attacker tells known from new samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import ACCENT, MUTED, View, new_figure, percent


def membership_roc(found: Mapping[str, Any]) -> View:
    """Draw the ROC curve of membership inference; `found` is the evidence of the check NL901."""
    table = pd.DataFrame({"falsely accused": found["false"], "rightly found": found["true"]})
    area, chance, caught = found["auc"], found["chance"], found["caught"]

    def draw() -> Figure:
        figure = new_figure(width=4.2, height=3.6)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1, label="a guess")
        axes.fill_between(
            table["falsely accused"], table["falsely accused"], table["rightly found"], color=ACCENT, alpha=0.2, linewidth=0
        )
        axes.plot(table["falsely accused"], table["rightly found"], color=ACCENT, label="by the size of the loss")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_box_aspect(1)
        axes.set_xlabel("new samples that are falsely accused")
        axes.set_ylabel("training samples that are found")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: percent(value, 0))
        axes.legend(loc="lower right", fontsize=8)
        return figure

    beyond = "more than chance explains" if area["value"] > chance else "no more than chance explains"
    value = f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})"
    alt = f"ROC curve of an attack that tells training samples from new ones. Area {value}, {beyond}; a guess has 0.5."
    caption = (
        f"The area under the curve is {value}: {beyond} (up to {chance:.3f}). At 1 % of false accusations {percent(caught['value'])} of the training samples are found. "
        "A lower bound: stronger attacks exist."
    )
    return View(draw, table, alt, caption)
