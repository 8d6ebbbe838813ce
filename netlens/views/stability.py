"""Does the same question get the same answer twice?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import PALETTE, View, new_figure


def seeds(counts: Sequence[int], correlations: Mapping[str, Sequence[float]]) -> View:
    """Show how well two seeds agree, against the passes spent.

    Parameters
    ----------
    counts : forward passes for one input.
    correlations : for each method, the mean rank correlation between two seeds at each of `counts`.
    """
    table = pd.DataFrame({"passes": counts, **correlations})

    def draw() -> Figure:
        figure = new_figure(width=5.4, height=2.6)
        axes = figure.subplots()
        for (name, values), colour in zip(correlations.items(), PALETTE, strict=False):
            axes.plot(counts, values, "o-", color=colour, label=name)
        axes.set_xscale("log")
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.minorticks_off()
        axes.set_ylim(min(0.0, float(table.iloc[:, 1:].min().min()) - 0.03), 1.03)
        axes.set_xlabel("forward passes for one image")
        axes.set_title("Rank correlation between two seeds")
        axes.grid(axis="y")
        axes.legend(loc="lower right")
        return figure

    last = "; ".join(
        f"{name}: {values[0]:.2f} with {counts[0]} passes, {values[-1]:.2f} with {counts[-1]}"
        for name, values in correlations.items()
    )
    alt = f"Line chart of the rank correlation between two seeds against the number of passes. {last}."
    caption = f"1 means that two seeds put the pieces into the same order, 0 that the orders have nothing in common. {last}."
    return View(draw, table, alt, caption)
