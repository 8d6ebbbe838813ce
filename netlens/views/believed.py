"""What follows from measuring explanations: the table of known answers, the price of quality, the stamps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.quality.known_answers import KnownAnswers
from netlens.quality.ranking import Ranking
from netlens.quality.stamp import Policy, Reason, Stamp
from netlens.views.base import INK, MUTED, UNSIGNED, View, new_figure
from netlens.views.quality import COLOURS, name_of
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
    """Show what quality costs: faithfulness against the passes, or the seconds, for one input; the front is joined by a line."""
    table = result.frame()
    shown = table[table["faithfulness"].notna()].sort_values(across)
    names = [name_of(name) for name in shown["method"]]
    told = "forward-pass equivalents for one input" if across == "passes" else "seconds for one input"
    ahead: list[int] = []
    best = -np.inf
    for place, value in enumerate(shown["faithfulness"]):
        if value > best:
            ahead, best = [*ahead, place], value

    def draw() -> Figure:
        figure = new_figure(width=6.4, height=3.2)
        axes = figure.subplots()
        front = shown.iloc[ahead]
        axes.plot(front[across], front["faithfulness"], color=MUTED, linewidth=1, linestyle="--", drawstyle="steps-post")
        for place, (name, row) in enumerate(zip(names, shown.to_dict("records"), strict=True)):
            colour = COLOURS[row["verdict"]]
            error = np.array([[row["faithfulness"] - row["low"]], [row["high"] - row["faithfulness"]]])
            axes.errorbar(row[across], row["faithfulness"], yerr=error, color=colour, elinewidth=0.8)
            axes.plot(row[across], row["faithfulness"], MARKERS[row["verdict"]], color=colour, markersize=6)
            axes.annotate(
                name, (row[across], row["faithfulness"]), (6, (6, -11, 17)[place % 3]), textcoords="offset points", fontsize=7.5
            )
        for verdict, colour in COLOURS.items():
            axes.plot([], [], MARKERS[verdict], color=colour, label=verdict)
        axes.set_xscale("log")
        axes.margins(x=0.12)
        axes.axhline(0, color=MUTED, linewidth=0.6)
        axes.set_xlabel(told)
        axes.set_title("Gap of the deletion area over random rankings")
        axes.grid(axis="y")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        return figure

    listed = "; ".join(
        f"{name} {row['faithfulness']:.2f} for {row[across]:,.3g}, {row['verdict']}".replace("-", "−")
        for name, row in zip(names, shown.to_dict("records"), strict=True)
    )
    alt = f"Scatter plot of faithfulness against {told}: {listed}."
    caption = (
        f"Up is more faithful, left is cheaper; the line joins the methods that no cheaper one beats. Colour and shape give the stamp, with 95 % "
        f"intervals over {result.n} inputs."
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
            "stability": table["stability"].map("{:.2f}".format),
            "sanity": table["sanity"].map("{:.2f}".format),
            "agreement": table["agreement"].map("{:.2f}".format),
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
    rows = [
        {"method": name_of(one.method), "stamp": one.verdict, "why": "; ".join(reason.told for reason in _deciding(one))}
        for one in given
    ]
    return Table(
        pd.DataFrame(rows),
        "In brackets: the 95 % interval over the inputs. Of a stamp that is not the best, only what decided it is listed.",
    )


def policy(rules: Policy) -> Table:
    """Print the thresholds of the stamps, each with its reason."""
    return Table(rules.frame(), "The policy of the stamps.")


def _deciding(one: Stamp) -> list[Reason]:
    return [reason for reason in one.reasons if reason.verdict == one.verdict]


def _extremes(column: pd.Series) -> str:
    known = column.dropna()
    if known.empty:
        return "no method applies"
    return f"from {known.min():.2f} ({known.idxmin()}) to {known.max():.2f} ({known.idxmax()})"
