"""The pictures of an audit."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from netlens.views.base import ACCENT, INK, WIDTH, View, new_figure, plural

COLOURS = {"PASS": "#d5ead8", "WARN": "#fbe7c6", "FAIL": "#f6cfca", "NOT SHOWN": "#e4e7eb"}
MARKS = {"PASS": "✓", "WARN": "!", "FAIL": "✗", "NOT SHOWN": "?"}


def verdicts(areas: pd.DataFrame) -> View:
    """Show one field an area; `areas` has the columns `title`, `verdict` and `told`, which says how many checks passed."""
    table = areas[["title", "verdict", "told"]].rename(columns={"title": "area", "told": "checks"})
    rows = areas.to_dict("records")

    def draw() -> Figure:
        columns = 5
        lines = math.ceil(len(rows) / columns)
        figure = new_figure(WIDTH, 0.72 * lines)
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_xlim(0, columns)
        axes.set_ylim(lines, 0)
        for place, row in enumerate(rows):
            line, column = divmod(place, columns)
            box = FancyBboxPatch(
                (column + 0.05, line + 0.08), 0.9, 0.84, boxstyle="round,pad=0,rounding_size=0.04", facecolor=COLOURS[row["verdict"]], edgecolor="none"
            )  # fmt: skip
            axes.add_patch(box)
            mark = f"{MARKS[row['verdict']]} {row['verdict']}"
            axes.text(column + 0.1, line + 0.28, row["title"], fontsize=7.5, fontweight="bold", va="center", color=INK)
            axes.text(column + 0.1, line + 0.53, mark, fontsize=8, fontweight="bold", va="center", color=INK)
            axes.text(column + 0.1, line + 0.77, row["told"], fontsize=6.5, va="center", color=INK)
        return figure

    listed = "; ".join(f"{row['title']}: {row['verdict']}, {row['told']}" for row in rows)
    alt = f"One field for each of {len(rows)} areas. {listed}."
    caption = "Each area and its gravest verdict. PASS and FAIL need evidence that chance cannot explain; WARN means that it shows neither."
    return View(draw, table, alt, caption)


def class_counts(train: dict[str, int] | None, test: dict[str, int], noun: str = "sample") -> View:
    """Show how many samples of each class there are to train on, where that is known, and to test on; `noun` is what one is called."""
    sides = {"training": train, "test": test} if train is not None else {"test": test}
    counted = {side: counts for side, counts in sides.items() if counts is not None}
    table = pd.DataFrame({"class": list(test), **{side: [counts[name] for name in test] for side, counts in counted.items()}})
    classes = list(test)
    turned = max(map(len, classes)) > 3 or len(classes) > 12

    def draw() -> Figure:
        figure = new_figure(height=2.3 if turned else 1.9)
        panels = figure.subplots(1, len(counted), squeeze=False)[0]
        for axes, (side, counts) in zip(panels, counted.items(), strict=True):
            axes.bar(np.arange(len(counts)), list(counts.values()), color=ACCENT, alpha=0.85)
            if len(classes) <= 30:
                axes.set_xticks(np.arange(len(counts)), classes, rotation=90 if turned else 0)
            axes.set_title(f"{side.capitalize()} {noun}s of each class")
            axes.grid(axis="y")
        return figure

    parts = []
    for side, counts in counted.items():
        low, high = min(counts, key=lambda name: counts[name]), max(counts, key=lambda name: counts[name])
        if counts[low] == counts[high]:
            parts.append(f"every class has {plural(counts[low], f'{side} {noun}')}")
        else:
            parts.append(f"{side} {noun}s go from {counts[low]} ({low}) to {counts[high]} ({high})")
    sentence = " and ".join(parts)
    alt = f"{'Two bar charts' if len(counted) == 2 else 'A bar chart'} of {len(test)} classes: {sentence}."
    caption = f"{sentence[0].upper()}{sentence[1:]}. Fewer test {noun}s mean wider intervals."
    return View(draw, table, alt, caption)
