"""The pictures of an audit."""

from __future__ import annotations

import math
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from netlens.views.base import ACCENT, INK, WIDTH, View, new_figure

COLOURS = {"PASS": "#d5ead8", "WARN": "#fbe7c6", "FAIL": "#f6cfca", "NOT SHOWN": "#e4e7eb"}
MARKS = {"PASS": "✓", "WARN": "!", "FAIL": "✗", "NOT SHOWN": "?"}


def verdicts(findings: pd.DataFrame) -> View:
    """Show one box a check; `findings` has the columns `check`, `what it asks` and `verdict`."""
    table = findings[["check", "what it asks", "verdict"]]
    rows = table.to_dict("records")

    def draw() -> Figure:
        columns = 3
        lines = math.ceil(len(rows) / columns)
        figure = new_figure(WIDTH, 0.8 * lines)
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_xlim(0, columns)
        axes.set_ylim(lines, 0)
        for place, row in enumerate(rows):
            line, column = divmod(place, columns)
            box = FancyBboxPatch(
                (column + 0.04, line + 0.1), 0.92, 0.8, boxstyle="round,pad=0,rounding_size=0.05", facecolor=COLOURS[row["verdict"]], edgecolor="none"
            )  # fmt: skip
            axes.add_patch(box)
            axes.text(
                column + 0.1,
                line + 0.33,
                f"{MARKS[row['verdict']]} {row['verdict']}",
                fontsize=9,
                fontweight="bold",
                va="center",
                color=INK,
            )
            axes.text(column + 0.9, line + 0.33, row["check"], fontsize=7, va="center", ha="right", color=INK)
            axes.text(
                column + 0.1, line + 0.66, fill(row["what it asks"], 30), fontsize=7, va="center", color=INK, linespacing=1.1
            )
        return figure

    listed = "; ".join(f"{row['what it asks']}: {row['verdict']}" for row in rows)
    alt = f"One box for each of {len(rows)} checks. {listed}."
    caption = "Each check and its verdict. PASS and FAIL need evidence that chance cannot explain; WARN means that the evidence points both ways."
    return View(draw, table, alt, caption)


def class_counts(train: dict[str, int], test: dict[str, int]) -> View:
    """Show how many samples of each class there are to train and to test on."""
    table = pd.DataFrame({"class": list(train), "training": list(train.values()), "test": [test[name] for name in train]})

    def draw() -> Figure:
        figure = new_figure(height=1.9)
        axes = figure.subplots(1, 2)
        for place, (side, counts) in enumerate((("training", train), ("test", test))):
            axes[place].bar(np.arange(len(counts)), list(counts.values()), color=ACCENT, alpha=0.85)
            axes[place].set_xticks(np.arange(len(counts)), list(counts))
            axes[place].set_title(f"{side.capitalize()} samples of each class")
            axes[place].grid(axis="y")
        return figure

    parts = []
    for side, counts in (("training", train), ("test", test)):
        low, high = min(counts, key=lambda name: counts[name]), max(counts, key=lambda name: counts[name])
        if counts[low] == counts[high]:
            parts.append(f"every class has {counts[low]} {side} samples")
        else:
            parts.append(f"{side} samples go from {counts[low]} ({low}) to {counts[high]} ({high})")
    sentence = " and ".join(parts)
    alt = f"Two bar charts of {len(train)} classes: {sentence}."
    caption = f"{sentence[0].upper()}{sentence[1:]}. Fewer test samples mean wider intervals."
    return View(draw, table, alt, caption)
