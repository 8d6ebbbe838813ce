"""Explanations of tables: several measures of each column side by side, and what spoke in single rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from netlens.data import Batch
from netlens.explain import Attribution
from netlens.explain.importance import Importance
from netlens.views.base import ACCENT, COOL, INK, MUTED, WARM, WIDTH, View, new_figure, plural
from netlens.views.importance import features as values_of
from netlens.views.titles import title_of

LONGEST, NARROW = 34, 22  # characters of a column's name: in a wide figure, and where two stand side by side


def importances(
    measures: Sequence[Importance], features: Sequence[str], *, truth: Sequence[float] | None = None, top: int = 12
) -> View:
    """Show several measures of the same columns side by side, each in its own unit.

    Parameters
    ----------
    truth : the true effect of each column, where it is known; drawn first, and the columns are put in its order. Without it, in the
        order of the mean share over all measures.
    """
    sizes = np.mean([one.shares for one in measures], 0) if truth is None else np.asarray(truth, dtype=float)
    order = np.argsort(-sizes, kind="stable")[:top]
    names = [features[at] for at in order]
    table = pd.DataFrame({"column": names})
    if truth is not None:
        table["truth"] = sizes[order]
    for one in measures:
        table[one.measure] = one.values[order]
        if np.isfinite(one.errors).any():
            table[f"{one.measure}, standard error"] = one.errors[order]

    def draw() -> Figure:
        count = len(measures) + (truth is not None)
        figure = new_figure(WIDTH if count > 2 else 5.4, 0.85 + 0.23 * len(order))
        panels = figure.subplots(1, count, sharey=True, squeeze=False)[0]
        if truth is not None:
            _panel(panels[0], sizes[order], np.full(len(order), np.nan), "the truth", "in log-odds", INK)
        for axes, one in zip(panels[truth is not None :], measures, strict=True):
            _panel(axes, one.values[order], one.errors[order], one.measure, one.unit, ACCENT)
        panels[0].set_yticks(np.arange(len(order)), [_short(name) for name in names])
        panels[0].invert_yaxis()
        return figure

    largest = [features[int(np.argmax(np.abs(one.values)))] for one in measures]
    firsts = ", ".join(f"{one.measure} {name}" for one, name in zip(measures, largest, strict=True))
    firsts = f"First by each: {firsts}" if len(measures) > 1 else f"The largest: {largest[0]}"
    known = f"The truth puts {names[0]} first. " if truth is not None else ""
    hidden = f" The {len(order)} of {len(features)} columns that matter most are shown." if len(order) < len(features) else ""
    alt = f"Bars of {plural(len(order), 'column')} by {plural(len(measures), 'measure')}. {known}{firsts}."
    compared = (
        "Each panel answers another question and has its own unit; compare the order, and what is near zero. "
        if len(measures) > 1
        else f"The question: {measures[0].asks} "
    )
    caption = f"{compared}{known}{firsts}. Lines: two standard errors. Hatched: less than two standard errors from zero.{hidden}"
    return View(draw, table, alt, caption)


def _panel(
    axes: Axes,
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
    errors: np.ndarray[tuple[int], np.dtype[np.float64]],
    title: str,
    unit: str,
    colour: str,
) -> None:
    places = np.arange(len(values))
    unsure = np.abs(values) < 2 * np.nan_to_num(errors)
    drawn = axes.barh(places, values, height=0.7, color=colour)
    for bar, doubt in zip(drawn, unsure, strict=True):
        if doubt:
            bar.set(facecolor="white", edgecolor=colour, hatch="////", linewidth=0.8)
    if np.isfinite(errors).any():
        axes.errorbar(values, places, xerr=2 * errors, fmt="none", ecolor=MUTED, elinewidth=1)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_title(title, fontsize=8.5)
    axes.set_xlabel(unit, fontsize=8)
    axes.tick_params(axis="x", labelsize=7)
    axes.locator_params(axis="x", nbins=3)
    axes.tick_params(axis="y", length=0)


def columns_by_samples(
    attribution: Attribution,
    batch: Batch,
    features: Sequence[str],
    classes: Sequence[str],
    *,
    titles: Sequence[str] = (),
    top: int = 8,
) -> View:
    """Show for each row of a table the `top` columns that spoke most, with the value that the row has there.

    Parameters
    ----------
    titles : what each row is called; without them, its position.
    """
    called = list(titles) or [f"row {int(at)}" for at in batch.ids]
    tables = [values_of(attribution, row, features).head(top) for row in range(len(batch))]
    raw = {name: batch.raw[:, at] for at, name in enumerate(features)}
    target = [classes[int(at)] for at in attribution.target]
    table = pd.concat([part.assign(row=name, target=to) for name, to, part in zip(called, target, tables, strict=True)])

    def draw() -> Figure:
        across = min(2, len(batch))
        down = -(-len(batch) // across)
        figure = new_figure(WIDTH if across == 2 else 5.4, down * (0.75 + 0.22 * min(top, len(features))) + 0.1)
        panels = figure.subplots(down, across, squeeze=False).flatten()
        for row, (axes, part) in enumerate(zip(panels, tables, strict=False)):
            labels = [f"{_short(name, NARROW if across == 2 else LONGEST)} = {raw[name][row]:.3g}" for name in part["feature"]]
            _signed(axes, part, labels, f"{called[row]}: why “{target[row]}”?")
        for axes in panels[len(batch) :]:
            axes.set_axis_off()
        return figure

    firsts = "; ".join(
        f"{name} ({to}): {part.iloc[0]['feature']} {part.iloc[0]['value']:+.2f}"
        for name, to, part in zip(called, target, tables, strict=True)
    )
    method = title_of(attribution).replace("\n", " ")
    shown = f"the {top} largest of {len(features)} columns" if top < len(features) else f"all {len(features)} columns"
    alt = f"{method} for {plural(len(batch), 'row')} of a table, {shown} each. The largest, in logits: {firsts}."
    caption = (
        f"{method}: red speaks for the class, blue against it; {shown}, each with the value that it has in the row. The largest: {firsts}. "
        "Hatched: the sign is not certain. Each panel has its own scale."
    )
    return View(draw, table.reset_index(drop=True), alt, caption)


def _signed(axes: Axes, part: pd.DataFrame, labels: Sequence[str], title: str) -> None:
    values, errors = part["value"].to_numpy(), part["standard error"].fillna(0).to_numpy()
    colours = [WARM if value > 0 else COOL for value in values]
    places = np.arange(len(values))
    drawn = axes.barh(places, values, color=colours, height=0.72)
    for bar, colour, doubt in zip(drawn, colours, np.abs(values) <= 2 * errors, strict=True):
        if doubt:
            bar.set(facecolor="white", edgecolor=colour, hatch="////", linewidth=0.8)
    if errors.any():
        axes.errorbar(values, places, xerr=2 * errors, fmt="none", ecolor=INK, elinewidth=1)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(places, labels, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("logits", fontsize=8)
    axes.set_title(title, fontsize=8.5)


def _short(name: str, longest: int = LONGEST) -> str:
    return name if len(name) <= longest else f"{name[: longest - 1].rstrip()}…"
