"""What a model still knows when the object is hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import ACCENT, MUTED, WARM, View, new_figure, percent


def masking_curve(found: Mapping[str, Any]) -> View:
    """Draw accuracy against the part of the image that is hidden; `found` is the evidence of the check NL802."""
    sides, chance = found["sides"], found["chance"]
    table = pd.DataFrame([{"hidden part of each side": one["side"], **one["accuracy"]} for one in sides])
    decisive = next(one["accuracy"] for one in sides if one["side"] == found["decisive"])

    def draw() -> Figure:
        figure = new_figure(height=2.6)
        left, right = figure.subplots(1, 2, width_ratios=(1.4, 1))
        left.fill_between(table["hidden part of each side"], table["low"], table["high"], color=ACCENT, alpha=0.2, linewidth=0)
        left.plot(table["hidden part of each side"], table["value"], color=ACCENT, marker="o", markersize=4)
        left.axhline(chance, color=MUTED, linestyle="--", linewidth=1)
        left.text(0.26, chance + 0.02, "chance", color=MUTED, fontsize=8, va="bottom")
        left.axvline(found["decisive"], color=WARM, linestyle=":", linewidth=1.2)
        left.set_ylim(0, 1.05)
        left.set_xlabel("hidden part of each side")
        left.set_title("Right answers with the middle hidden")
        for axis in (left.xaxis, left.yaxis):
            axis.set_major_formatter(lambda value, _: percent(value, 0))
        left.grid(axis="y")
        known = sorted(found["recognised"].items(), key=lambda item: -item[1][0])[:8]
        for place, (_, (value, low, high)) in enumerate(known):
            right.errorbar(
                value,
                place,
                xerr=[[max(value - low, 0)], [max(high - value, 0)]],
                fmt="o",
                color=ACCENT,
                markersize=4.5,
                elinewidth=2,
            )
        right.axvline(0, color=MUTED, linestyle="--", linewidth=1)
        right.set_yticks(np.arange(len(known)), [name for name, _ in known])
        right.invert_yaxis()
        right.set_title("Recognised above chance")
        right.set_xlabel(f"by class, with {percent(found['decisive'], 0)} of each side hidden")
        right.xaxis.set_major_formatter(lambda value, _: percent(value, 0))
        right.grid(axis="x")
        return figure

    share = f"{percent(decisive['value'])} ({percent(decisive['low'])} to {percent(decisive['high'])})"
    best = max(found["recognised"], key=lambda name: found["recognised"][name][0], default="")
    more = (
        f" Best recognised without its object: {best}, {100 * found['recognised'][best][0]:.0f} points above chance."
        if best
        else ""
    )
    alt = f"A curve of accuracy against the hidden part of the image. With {percent(found['decisive'], 0)} of each side hidden {share}; chance gives {percent(chance)}.{more}"
    caption = (
        f"The middle is hidden behind the mean of all images. With {percent(found['decisive'], 0)} of each side hidden (dotted), {share} are still answered rightly; "
        f"chance gives {percent(chance)}.{more} What it still knows then comes from somewhere else."
    )
    return View(draw, table, alt, caption)
