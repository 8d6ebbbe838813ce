"""How far back recurrent layers remember."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.internals.memory import Memory
from netlens.views.base import MUTED, PALETTE, View, new_figure, percent, plural


def remembered(memories: Mapping[str, Memory], share: float = 0.05) -> View:
    """Show how much of a nudge to the state is left so many steps later, on a logarithmic scale, for several networks."""
    lines = {name: (one.gain / one.gain[:, :1]).double().numpy() for name, one in memories.items()}
    middle = {name: np.nanmedian(values, axis=0) for name, values in lines.items()}
    reach = {name: float(one.reach(share).double().median()) for name, one in memories.items()}
    table = pd.DataFrame({name: pd.Series(values) for name, values in middle.items()}).rename_axis("steps back").reset_index()

    def draw() -> Figure:
        figure = new_figure(width=6.2, height=2.7)
        axes = figure.subplots()
        for (name, values), colour in zip(lines.items(), PALETTE, strict=False):
            low, high = np.nanpercentile(values, (10, 90), axis=0)
            axes.fill_between(range(len(low)), low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(middle[name], color=colour, label=name)
        axes.axhline(share, color=MUTED, linewidth=0.8, linestyle="--")
        axes.text(0, share * 0.72, percent(share), fontsize=7.5, color=MUTED, va="top")
        axes.set_yscale("log")
        axes.set_xlabel("steps back from the last one")
        axes.set_title("What is left of a nudge to the state")
        axes.grid(axis="y")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        return figure

    listed = "; ".join(f"{name}: {plural(int(value), 'step')}" for name, value in reach.items())
    last = "; ".join(f"{name} {values[-1]:.1g}" for name, values in middle.items())
    alt = f"Line chart, logarithmic: the gain from a state to the last one, against the steps between. At the largest distance: {last}. Above {percent(share)} for, {listed}."
    caption = (
        f"Norm of the derivative of the last hidden state with respect to an earlier state, as a share of its own start; median over samples, and the band of "
        f"eight in ten. It stays above {percent(share)} for: {listed}."
    )
    return View(draw, table, alt, caption)
