"""Accuracy against the size of a planned change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import ACCENT, MUTED, WARM, View, new_figure, percent


def attack_curve(found: Mapping[str, Any]) -> View:
    """Draw accuracy against epsilon; `found` is the evidence of the check NL651."""
    curve, clean = found["curve"], found["clean"]
    ways = {
        "noise": ("random noise of the same size", MUTED, ":"),
        "one step": ("an attack in one step", ACCENT, "--"),
        "many steps": ("an attack in 20 steps", WARM, "-"),
    }
    table = pd.DataFrame([{"epsilon": one["epsilon"], **{way: one[way]["value"] for way in ways}} for one in curve])
    faults = found["faults"]

    def draw() -> Figure:
        figure = new_figure(width=5.4, height=2.8)
        axes = figure.subplots()
        places = [0.0, *(one["epsilon"] for one in curve)]
        for way, (label, colour, line) in ways.items():
            rates = [clean, *(one[way] for one in curve)]
            axes.fill_between(
                places, [rate["low"] for rate in rates], [rate["high"] for rate in rates], color=colour, alpha=0.12, linewidth=0
            )
            axes.plot(
                places, [rate["value"] for rate in rates], color=colour, linestyle=line, marker="o", markersize=3.5, label=label
            )
        axes.set_ylim(-0.02, 1.05)
        axes.set_xlabel("largest change of a pixel, as a share of the scale")
        axes.set_ylabel("share of right answers")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: percent(value))
        axes.grid(axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), fontsize=8, ncols=2)
        if faults:
            axes.text(0.5, 0.5, "VOID", transform=axes.transAxes, fontsize=40, color=MUTED, alpha=0.5, ha="center", va="center")
        return figure

    listed = "; ".join(f"{percent(one['many steps']['value'], 0)} at {percent(one['epsilon'])}" for one in curve) or "nothing"
    sound = f"The attack is void: {faults[0]}" if faults else "The attack passed its own tests"
    alt = f"Curves of accuracy against the largest change of a pixel. Without a change {percent(clean['value'])}; after 20 steps {listed}. {sound}."
    caption = (
        f"Every pixel may be changed by so much, in the direction that harms most. Left over after 20 steps: {listed}. {sound}. Random noise of the same size is "
        f"drawn for comparison; bands are 95 % intervals from {clean['n']:,} images."
    )
    return View(draw, table, alt, caption)
