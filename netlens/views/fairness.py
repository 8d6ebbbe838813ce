"""Rates of groups, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import ACCENT, MUTED, View, new_figure, percent

MEANING = {
    "right": "right answers",
    "selected": "get the favourable answer",
    "found": "of those who merit it, get it",
    "falsely selected": "of those who do not, get it",
}


def fairness_rates(found: Mapping[str, Any]) -> View:
    """Show the rates of each group with their intervals; `found` is the evidence of the check NL701."""
    attributes: Mapping[str, Any] = found["attributes"]
    few = {tuple(one) for one in found["too few"]}
    table = pd.DataFrame(
        [
            {"attribute": attribute, "rate": rate, "group": group, **value, "compared": (attribute, rate, group) not in few}
            for attribute, rates in attributes.items()
            for rate, groups in rates.items()
            for group, value in groups.items()
        ]
    )
    names = list(dict.fromkeys(table["rate"]))
    lines = [(attribute, group) for attribute, rates in attributes.items() for group in rates[names[0]]]

    def draw() -> Figure:
        figure = new_figure(height=1.1 + 0.28 * len(lines))
        panels = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
        for axes, name in zip(panels, names, strict=True):
            for place, (attribute, group) in enumerate(lines):
                rate = attributes[attribute][name][group]
                if rate["n"]:
                    ends = [[max(rate["value"] - rate["low"], 0)], [max(rate["high"] - rate["value"], 0)]]
                    colour = MUTED if (attribute, name, group) in few else ACCENT
                    axes.errorbar(rate["value"], place, xerr=ends, fmt="o", color=colour, markersize=5, elinewidth=2)
            axes.set_title(fill(MEANING[name], 30 if len(names) < 3 else 15), fontsize=8.5)
            axes.xaxis.set_major_formatter(lambda value, _: percent(value, 0))
            axes.tick_params(axis="x", labelsize=8)
            axes.grid(axis="x")
            axes.margins(y=0.5 / len(lines))
        counts = [attributes[attribute][names[0]][group]["n"] for attribute, group in lines]
        panels[0].set_yticks(
            np.arange(len(lines)),
            [f"{attribute}: {group} (n = {n:,})" for (attribute, group), n in zip(lines, counts, strict=True)],
        )
        panels[0].invert_yaxis()
        return figure

    gaps = found["gaps"]
    said = "No two groups have enough cases to be compared."
    if gaps:
        widest = min(gaps, key=lambda gap: gap["difference"][0])
        difference, _, high = widest["difference"]
        said = (
            "The groups that could be compared have equal shares."
            if difference == 0
            else (
                f"Widest gap, {MEANING[widest['rate']]}: {widest['lower']} lie {abs(100 * difference):.1f} points below {widest['higher']}; "
                f"{'chance alone does not explain it' if high < 0 else 'chance alone could explain it'}."
            )
        )
    alt = f"Dots with intervals for {len(lines)} groups and {len(names)} rates. {said}"
    caption = f"{said} Dots: the share; lines: its 95 % interval. Grey: too few cases to be compared. The comparison corrects for looking at many pairs."
    return View(draw, table, alt, caption)
