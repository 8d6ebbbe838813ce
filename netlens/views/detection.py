"""What the audit's self-test planted, and what its checks said before and after."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from netlens.views.audit import COLOURS, MARKS
from netlens.views.base import INK, MUTED, WIDTH, View, new_figure, plural


def detection(table: pd.DataFrame) -> View:
    """Show for each planted fault the verdicts on the clean model and on the faulty one.

    `table` has one row a fault and check: `planted`, `what it is`, `check`, `before`, `after`, and `caught`, whether the check noticed.
    """
    rows = table.to_dict("records")
    faults = list(dict.fromkeys(table["planted"]))
    caught = [fault for fault in faults if table[table["planted"] == fault]["caught"].any()]

    def draw() -> Figure:
        figure = new_figure(WIDTH, 0.42 * len(rows) + 0.35)
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_xlim(0, 10)
        axes.set_ylim(len(rows), -0.7)
        for place, title in ((0, "planted"), (5.05, "check"), (6.55, "clean model"), (8.55, "faulty model")):
            axes.text(place, -0.3, title, fontsize=8, color=MUTED, va="center")
        for line, row in enumerate(rows):
            first = line == 0 or rows[line - 1]["planted"] != row["planted"]
            if first:
                axes.plot([0, 10], [line, line], color="#e4e7eb", linewidth=0.8)
                axes.text(0, line + 0.33, row["planted"], fontsize=9, fontweight="bold", color=INK, va="center")
                axes.text(0, line + 0.72, row["what it is"], fontsize=6.5, color=MUTED, va="center")
            axes.text(5.05, line + 0.5, row["check"], fontsize=8.5, color=INK, va="center")
            for start, verdict in ((6.5, row["before"]), (8.5, row["after"])):
                box = FancyBboxPatch(
                    (start, line + 0.17), 1.45, 0.66, boxstyle="round,pad=0,rounding_size=0.1", facecolor=COLOURS[verdict], edgecolor="none"
                )  # fmt: skip
                axes.add_patch(box)
                axes.text(start + 0.1, line + 0.5, f"{MARKS[verdict]} {verdict}", fontsize=8, fontweight="bold", va="center")
            axes.text(8.22, line + 0.5, "→" if row["caught"] else "=", fontsize=10, color=INK, va="center", ha="center")
        return figure

    listed = "; ".join(f"{row['planted']}, {row['check']}: {row['before']} before, {row['after']} after" for row in rows)
    missed = [fault for fault in faults if fault not in caught]
    told = f"{len(caught)} of {plural(len(faults), 'fault')} caught" + (f"; missed: {', '.join(missed)}" if missed else "")
    alt = f"What each check said of a clean model and of one with a planted fault. {told}. {listed}."
    caption = f"Each row is a fault that was planted on this machine, and a check that is there to find it. {told[0].upper()}{told[1:]}."
    return View(draw, table, alt, caption)
