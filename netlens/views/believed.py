"""What follows from measuring explanations: the table of known answers, the price of quality, the stamps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.errors import UsageError
from netlens.quality.known_answers import KnownAnswers
from netlens.quality.ranking import Ranking
from netlens.quality.stamp import Policy, Stamp
from netlens.views.base import INK, MUTED, UNSIGNED, View, new_figure
from netlens.views.quality import COLOURS, name_of, signed
from netlens.views.table import Table

COLUMNS = {"mass": "share of the map inside the truth", "rank": "rank accuracy", "pointing": "pointing game"}
MARKERS = {"supported": "o", "weak": "s", "not evidence": "X"}


def known_answers(result: KnownAnswers, measure: str = "mass") -> View:
    """Show how much of each method's map lies where the evidence was planted: methods in rows, truths in columns."""
    table = result.frame()
    table["method"] = [name_of(name) for name in table["method"]]
    names = [truth.name for truth in result.truths]
    grid = table.pivot_table(index="method", columns="truth", values=measure, sort=False, dropna=False)[names]
    chance = [truth.chance for truth in result.truths]

    def draw() -> Figure:
        figure = new_figure(width=6.4, height=0.75 + 0.3 * len(grid))
        axes = figure.subplots()
        values = grid.to_numpy(dtype=float)
        axes.imshow(np.ma.masked_invalid(values), cmap=UNSIGNED, vmin=0, vmax=1, aspect="auto")
        for (row, column), value in np.ndenumerate(values):
            missing = bool(np.isnan(value))
            colour = MUTED if missing else "white" if value < 0.6 else INK
            axes.text(
                column, row, "does not apply" if missing else f"{value:.2f}", ha="center", va="center", fontsize=8, color=colour
            )
        heads = [f"{name}\nchance {part:.2f}" if measure != "error" else name for name, part in zip(names, chance, strict=True)]
        axes.set_xticks(range(len(names)), heads)
        axes.set_yticks(range(len(grid)), list(grid.index))
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return figure

    best = "; ".join(f"{name}: {_extremes(grid[name])}" for name in names)
    alt = f"Table of colours: {COLUMNS.get(measure, measure)}, {len(grid)} methods by {len(names)} truths. {best}."
    caption = (
        f"The {COLUMNS.get(measure, measure)}, from 0 to 1, mean over {int(table['n'].max())} inputs. Chance is what a map of equal "
        f"values gets. {best}."
    )
    return View(draw, table, alt, caption)


def pareto(result: Ranking, across: str = "passes") -> View:
    """Show what quality costs: faithfulness against the passes, or the seconds, for one input; the front is ringed."""
    table = result.frame()
    shown = table[table["faithfulness"].notna()].sort_values(across)
    if shown.empty:
        raise UsageError(
            "views.pareto", "no method gave an answer", remedy="views.ranking lists the methods, and why they gave none."
        )
    names = [name_of(name) for name in shown["method"]]
    told = "forward-pass equivalents for one input" if across == "passes" else "seconds for one input"
    heights = _apart(np.log10(shown[across].to_numpy(dtype=float)), shown["faithfulness"].to_numpy(dtype=float))

    def draw() -> Figure:
        figure = new_figure(width=6.4, height=3.2)
        axes = figure.subplots()
        ring: dict[str, Any] = {"markersize": 12, "markerfacecolor": "none", "markeredgecolor": INK, "linestyle": "none"}
        for name, height, row in zip(names, heights, shown.to_dict("records"), strict=True):
            colour, x, y = COLOURS[row["verdict"]], row[across], row["faithfulness"]
            axes.errorbar(x, y, yerr=[[y - row["low"]], [row["high"] - y]], color=colour, elinewidth=0.8)
            axes.plot(x, y, MARKERS[row["verdict"]], color=colour, markersize=6)
            if row["pareto"]:
                axes.plot(x, y, "o", **ring)
            axes.annotate(name, (x, height), (10, 0), textcoords="offset points", fontsize=7.5, va="center")
        for verdict, colour in COLOURS.items():
            axes.plot([], [], MARKERS[verdict], color=colour, label=verdict)
        axes.plot([], [], "o", label="on the front", **ring)
        axes.set_xscale("log")
        axes.margins(x=0.18)
        axes.axhline(0, color=MUTED, linewidth=0.6)
        axes.set_xlabel(told)
        axes.set_title("Gap of the deletion area over random rankings")
        axes.grid(axis="y")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        return figure

    listed = "; ".join(
        f"{name} {signed(row['faithfulness'])} for {row[across]:,.3g}, {row['verdict']}"
        for name, row in zip(names, shown.to_dict("records"), strict=True)
    )
    ringed = ", ".join(name for name, best in zip(names, shown["pareto"], strict=True) if best) or "none"
    alt = f"Scatter plot of faithfulness against {told}: {listed}. On the front: {ringed}."
    caption = (
        f"Up is more faithful, left is cheaper, with 95 % intervals over {result.n} inputs. Colour and shape give the stamp. Ringed: no other "
        f"method that may be believed is as good in faithfulness, stability and passes, and better in one. On the front: {ringed}."
    )
    return View(draw, table, alt, caption)


def ranking(result: Ranking) -> Table:
    """List methods by faithfulness, with stability, sanity, agreement, cost and stamp."""
    table = result.frame()
    rows = pd.DataFrame(
        {
            "method": [name_of(name) for name in table["method"]],
            "stamp": table["verdict"],
            "faithfulness": [f"{row.faithfulness:.3f} ({row.low:.3f} to {row.high:.3f})" for row in table.itertuples()],
            "stability": table["stability"].map(signed),
            "sanity": table["sanity"].map(signed),
            "agreement": table["agreement"].map(signed),
            "passes": table["passes"].map("{:,.0f}".format),
            "ms": (1000 * table["seconds"]).map("{:.1f}".format),
            "front": ["yes" if part else "" for part in table["pareto"]],
        }
    )
    caption = (
        f"Over {result.n} inputs. Faithfulness: gap of the deletion area over random rankings, with its 95 % interval, higher is better. Stability: "
        "rank correlation under small noise, higher. Sanity: what the map of a broken network keeps beyond a control, lower. Agreement: with the "
        "other methods, no merit in itself. Passes: forward-pass equivalents for one input. Front: no other method is as good in "
        "faithfulness, stability and passes and better in one, among those that may be believed."
    )
    return Table(rows.replace("nan", "–").replace("nan (nan to nan)", "–"), caption)


def stamps(given: Sequence[Stamp]) -> Table:
    """List each method's stamp, and the measures that decided it."""
    rows = [{"method": name_of(one.method), "stamp": one.verdict, "why": _why(one)} for one in given]
    caption = "In brackets: the 95 % interval over the inputs. Of a stamp that is not the best, only what decided it is listed."
    return Table(pd.DataFrame(rows), caption)


def policy(rules: Policy) -> Table:
    """Print the thresholds of the stamps, each with its reason."""
    return Table(rules.frame(), "The policy of the stamps.")


def _why(one: Stamp) -> str:
    """What decided a stamp, with its rule; of the best stamp only the numbers."""
    if one.verdict == "supported":
        return "; ".join(reason.told.split(";")[0] for reason in one.reasons)
    return "; ".join(reason.told for reason in one.reasons if reason.verdict == one.verdict)


def _apart(across: NDArray[np.float64], heights: NDArray[np.float64], near: float = 0.6) -> NDArray[np.float64]:
    """Heights for labels: those whose points are near each other are moved apart, in order, so that none covers another."""
    gap = 0.07 * max(float(np.ptp(heights)), float(np.abs(heights).max()), 1e-9)
    placed = heights.astype(float).copy()
    order = np.argsort(heights)
    for position, place in enumerate(order):
        below = [placed[other] for other in order[:position] if abs(across[other] - across[place]) < near]
        if below:
            placed[place] = max(placed[place], max(below) + gap)
    return placed


def _extremes(column: pd.Series) -> str:
    known = column.dropna()
    if known.empty:
        return "no method applies"
    if known.max() - known.min() < 0.005:
        return f"{known.max():.2f} for all that apply"
    return f"from {known.min():.2f} ({known.idxmin()}) to {known.max():.2f} ({known.idxmax()})"
