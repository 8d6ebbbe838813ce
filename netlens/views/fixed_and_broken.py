"""What a new model fixed and what it broke."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import ACCENT, INK, WARM, View, new_figure, percent, plural

MOST = 20


def fixed_and_broken(found: Mapping[str, Any]) -> View:
    """Show fixed and broken answers by class; `found` is the evidence of the check NL951."""
    table = pd.DataFrame([{"class": name, **one} for name, one in found["by class"].items()])
    shown = (
        table.assign(moved=table["fixed"] + table["broken"]).nlargest(MOST, "moved").sort_index() if len(table) > MOST else table
    )
    overall = found["overall"]

    def draw() -> Figure:
        figure = new_figure(width=5.8, height=0.8 + 0.26 * len(shown))
        axes = figure.subplots()
        places = np.arange(len(shown))
        axes.barh(places, shown["fixed"], color=ACCENT, height=0.62, label="fixed")
        axes.barh(places, -shown["broken"], color=WARM, height=0.62, label="newly broken")
        axes.axvline(0, color=INK, linewidth=0.8)
        most = max(1, int(shown[["fixed", "broken"]].to_numpy().max()))
        axes.set_xlim(-1.1 * most, 1.1 * most)
        axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        axes.set_yticks(places, shown["class"])
        axes.invert_yaxis()
        axes.set_xlabel("answers")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=8)
        return figure

    p = overall["p"]
    said = f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
    numbers = f"{plural(overall['gained'], 'answer')} fixed, {overall['lost']} newly broken; accuracy {percent(overall['before'])} before and {percent(overall['after'])} now"
    alt = f"Bars of fixed and broken answers by class. {numbers} ({said})."
    caption = f"{numbers}. {_chance(p) if overall['gained'] + overall['lost'] else ''}{percent(found['moved'])} of all answers changed, rightly or wrongly."
    return View(draw, table, alt, caption)


def _chance(p: float) -> str:
    """Say what the p value of McNemar's exact test means."""
    often = f"{100 * p:.1f}".removesuffix(".0") if p >= 0.001 else "fewer than 0.1"
    return f"Were it neither better nor worse than before, they would be shared out as unevenly as this, or more so, in {often} of 100 cases. "
