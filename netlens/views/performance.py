"""How often a classifier is right, with the uncertainty that the number of samples leaves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from netlens.behaviour import Performance, Rate, wilson
from netlens.behaviour.unpaired import wider
from netlens.views.base import ACCENT, MUTED, PALETTE, View, new_figure, percent, plural, times


def confusion(result: Performance) -> View:
    """Show which label is read as which class."""
    table = pd.DataFrame(result.confusion, index=list(result.classes), columns=list(result.classes))
    table.index.name, table.columns.name = "label", "answer"
    wrong = result.confusion.copy()
    np.fill_diagonal(wrong, 0)
    most = max(1, int(wrong.max()))
    classes = len(result.classes)

    def draw() -> Figure:
        size = min(6.6, 1.5 + 0.25 * classes)
        figure = new_figure(width=size + 0.8, height=size)
        axes = figure.subplots()
        marks = np.where(result.confusion > 0, result.confusion.astype(str), "")
        annotations = marks if classes <= 20 else False
        sns.heatmap(
            wrong, annot=annotations, fmt="", cmap="OrRd", vmin=0, vmax=most, ax=axes, square=True, linewidths=0.5, linecolor="#e4e7eb",
            annot_kws={"size": 7.5}, cbar_kws={"label": "wrong answers", "shrink": 0.7, "ticks": MaxNLocator(integer=True, nbins=5)},
        )  # fmt: skip
        axes.set_xticks(np.arange(classes) + 0.5, result.classes, rotation=90 if max(map(len, result.classes)) > 3 else 0)
        axes.set_yticks(np.arange(classes) + 0.5, result.classes, rotation=0)
        axes.set_xlabel("answer of the model")
        axes.set_ylabel("label")
        return figure

    pairs = result.confusions()
    total = int(wrong.sum())
    listed = "; ".join(f"{label} read as {answer}, {times(count)}" for label, answer, count in pairs[:3]) or "none"
    alt = f"Confusion matrix of {classes} classes and {result.accuracy.n} samples with {plural(total, 'wrong answer')}. Most frequent: {listed}."
    caption = (
        "Rows are labels, columns are answers. Only wrong answers are coloured, so that the diagonal does not hide them. "
        f"{total} of {result.accuracy.n} answers {'is' if total == 1 else 'are'} wrong"
        + (f"; most often {listed}." if pairs else ".")
    )
    return View(draw, table, alt, caption)


def forest(result: Performance) -> View:
    """Show recall and precision of each class with their 95 % intervals."""
    rows = []
    for name, recall, precision in zip(result.classes, result.recall, result.precision, strict=True):
        rows.append({"class": name, **_columns("recall", recall), **_columns("precision", precision)})
    table = pd.DataFrame(rows)

    def draw() -> Figure:
        figure = new_figure(height=0.9 + 0.26 * len(result.classes))
        left, right = figure.subplots(1, 2, sharex=True, sharey=True)
        places = np.arange(len(result.classes))
        for axes, rates, title in (
            (left, result.recall, "Found: of all samples of a class"),
            (right, result.precision, "Right: of all answers of a class"),
        ):
            values = np.array([rate.value for rate in rates])
            ends = np.array([[rate.value - rate.low, rate.high - rate.value] for rate in rates]).T
            axes.axvline(result.accuracy.value, color=MUTED, linestyle="--", linewidth=1)
            axes.errorbar(values, places, xerr=np.maximum(ends, 0), fmt="o", color=ACCENT, markersize=5, capsize=0, elinewidth=2)
            axes.set_title(title)
            axes.xaxis.set_major_formatter(lambda value, _: percent(value, 0))
            axes.grid(axis="x")
        left.set_yticks(places, result.classes)
        left.invert_yaxis()
        return figure

    known = [(rate, name) for rate, name in zip(result.recall, result.classes, strict=True) if rate.n]
    (low, worst), (high, best) = (pick(known, key=lambda pair: pair[0].value) for pick in (min, max))
    ends = f"lowest for {worst}, {percent(low.value)} ({percent(low.low)} to {percent(low.high)}), and highest for {best}, {percent(high.value)}"
    ends = ends if low.value < high.value else f"{percent(low.value)} for each"
    alt = f"Recall and precision of {len(result.classes)} classes with 95 % intervals. Recall is {ends}."
    wide = [wilson(rate.hits, rate.n, wider(len(known))) for rate in (low, high)]  # of many equal classes two often lie apart
    if low.value == high.value:
        said = f"Every class is found equally often, {percent(low.value)}."
    elif wide[0].high >= wide[1].low:
        said = f"Widened for looking at every class, its interval overlaps that of {best}, the highest: chance alone could explain the gap."
    else:
        said = f"The highest, {best}, lies above it by more than chance explains."
    first = f"Found least often: **{worst}**, {percent(low.value)} ({percent(low.low)} to {percent(low.high)}, {plural(low.n, 'sample')}). "
    caption = (
        f"Dots: the share; lines: its 95 % interval; dashed: right answers over all, {percent(result.accuracy.value)}. "
        f"{first if low.value < high.value else ''}{said}"
    )
    return View(draw, table, alt, caption)


def outputs(result: Performance) -> View:
    """Show what the outputs look like: the probability of the answer, for right and for wrong answers."""
    right = result.predictions == result.labels
    sure = result.probabilities.max(1)
    edges = np.linspace(0, 1, 21)
    counts = {name: np.histogram(sure[mask], edges)[0] for name, mask in (("right", right), ("wrong", ~right))}
    table = pd.DataFrame({"from": edges[:-1], "to": edges[1:], **counts})

    def draw() -> Figure:
        figure = new_figure(height=2.4)
        left, axes = figure.subplots(1, 2, width_ratios=(1, 1))
        means = np.full((len(result.classes), len(result.classes)), np.nan)  # stays so for a class without samples
        for label in np.unique(result.labels):
            means[label] = result.probabilities[result.labels == label].mean(0)
        sns.heatmap(
            means,
            cmap="viridis",
            vmin=0,
            vmax=1,
            ax=left,
            cbar_kws={"label": "mean probability"},
            xticklabels=result.classes,
            yticklabels=result.classes,
        )
        left.set_xlabel("class")
        left.set_ylabel("label")
        left.set_title("Mean output for each label")
        left.tick_params(axis="y", rotation=0)
        for name, colour in (("right", ACCENT), ("wrong", PALETTE[1])):
            axes.stairs(counts[name], edges, fill=True, color=colour, alpha=0.75, label=f"{name} answers")
        axes.set_yscale("symlog", linthresh=1)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("probability of the answer")
        axes.set_title("How sure it is, samples in each bin")
        axes.legend(loc="upper left")
        axes.grid(axis="y")
        return figure

    share = {
        name: float((sure[mask] > 0.95).mean()) if mask.any() else 0.0 for name, mask in (("right", right), ("wrong", ~right))
    }
    alt = (
        f"Left, a heat map of the mean probability of each class for each label, bright on the diagonal. Right, a histogram of the "
        f"probability of the answer: {percent(share['right'])} of the right answers and {percent(share['wrong'])} of the wrong ones are "
        "above 95 %."
    )
    caption = (
        f"The network gives one probability a class. {percent(share['right'])} of its right answers are more than 95 % sure, and "
        f"{percent(share['wrong'])} of its {int((~right).sum())} wrong ones: a high probability is no proof. The counts are on a logarithmic axis."
    )
    return View(draw, table, alt, caption)


def _columns(name: str, rate: Rate) -> dict[str, float | int]:
    return {name: rate.value, f"{name} low": rate.low, f"{name} high": rate.high, f"{name} n": rate.n}
