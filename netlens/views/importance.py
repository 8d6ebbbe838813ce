"""Explanations of few features as charts: bars, a waterfall and a force plot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.explain import Attribution
from netlens.views.base import COOL, INK, MUTED, WARM, WIDTH, View, new_figure, percent
from netlens.views.titles import title_of


def features(attribution: Attribution, row: int = 0, names: Sequence[str] | None = None) -> pd.DataFrame:
    """The value of each feature of one sample, with its standard error (NaN where there is none), the largest size first.

    `names` : one a feature; without them words are named, other features are numbered. A method that hides features tells their values; for any other, each
    element of the input is a feature.
    """
    params = attribution.params
    values = params["feature_values"][row] if "feature_values" in params else attribution.values[row].flatten()
    errors = params.get("feature_spread") if "feature_values" in params else attribution.spread
    spread = errors[row].flatten() if errors is not None else np.full(len(values), np.nan)
    table = pd.DataFrame({"value": np.asarray(values, dtype=float), "standard error": np.asarray(spread, dtype=float)})
    if names is None and "words" in params:
        names = [*params["words"][row], *[""] * (len(table) - len(params["words"][row]))]
    table.insert(0, "feature", list(names) if names is not None else [str(i) for i in range(len(table))])
    table = table[table["value"].notna()]
    return table.sort_values("value", key=np.abs, ascending=False, kind="stable").reset_index(drop=True)


def bars(
    attribution: Attribution, row: int = 0, *, names: Sequence[str] | None = None, subject: str = "the answer", top: int = 12
) -> View:
    """Show the `top` features with the largest values, with error bars of two standard errors."""
    table = features(attribution, row, names)
    shown = table.head(top)
    sure = (shown["value"].abs() > 2 * shown["standard error"].fillna(0)).to_numpy()

    def draw() -> Figure:
        figure = new_figure(width=5.4, height=0.7 + 0.24 * len(shown))
        axes = figure.subplots()
        places = np.arange(len(shown))
        colours = [WARM if value > 0 else COOL for value in shown["value"]]
        drawn = axes.barh(places, shown["value"], color=colours, height=0.72)
        for bar, certain in zip(drawn, sure, strict=True):
            if not certain:
                bar.set(facecolor="white", edgecolor=bar.get_facecolor(), hatch="////")
        if shown["standard error"].notna().any():
            axes.errorbar(shown["value"], places, xerr=2 * shown["standard error"], fmt="none", ecolor=INK, elinewidth=1)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.set_yticks(places, shown["feature"])
        axes.invert_yaxis()
        axes.set_xlabel("logits")
        axes.set_title(f"{title_of(attribution).replace(chr(10), ' ')}: what speaks for {subject}")
        return figure

    first = shown.iloc[0]
    unsure = int((~sure).sum())
    hatched = (
        f" {unsure} hatched: less than two standard errors from zero, so that even the sign is not certain." if unsure else ""
    )
    positive = bool((table["value"] > 0).any())
    alt = (
        f"Bar chart of the {len(shown)} largest of {len(table)} feature values for {subject}. The largest is {first['feature']} with "
        f"{first['value']:+.2f} logits.{hatched}{'' if positive else ' No feature speaks for it.'}"
    )
    whole = table["value"].abs().sum()
    part = percent(float(shown["value"].abs().sum() / whole), 0) if whole else "0 %"
    caption = (
        f"Red speaks for {subject}, blue against it. The bars hold {part} of the total size of all {len(table)} values."
        f"{' Lines: two standard errors.' if shown['standard error'].notna().any() else ''}{hatched}"
        f"{'' if positive else ' **No positive evidence was found.**'}"
    )
    return View(draw, table, alt, caption)


def waterfall(
    attribution: Attribution, row: int = 0, *, names: Sequence[str] | None = None, subject: str = "the answer", top: int = 9
) -> View:
    """Show how the values add up, from everything hidden to the whole input; the smaller ones are taken together."""
    table = features(attribution, row, names)
    shown = table.head(top)[["feature", "value"]]
    if len(table) > top:
        rest = pd.DataFrame({"feature": [f"{len(table) - top} others"], "value": [table["value"][top:].sum()]})
        shown = pd.concat([shown, rest], ignore_index=True)
    ends = shown["value"].cumsum().to_numpy()
    starts = ends - shown["value"].to_numpy()

    def draw() -> Figure:
        figure = new_figure(width=5.8, height=0.8 + 0.27 * len(shown))
        axes = figure.subplots()
        places = np.arange(len(shown))
        axes.barh(places, shown["value"], left=starts, color=[WARM if v > 0 else COOL for v in shown["value"]], height=0.7)
        for place, (end, value) in enumerate(zip(ends, shown["value"], strict=True)):
            axes.plot([end, end], [place, place + 1], color=MUTED, linewidth=0.8)
            axes.annotate(
                f"{value:+.2f}", (max(end, end - value), place), (4, 0), textcoords="offset points", va="center", fontsize=8
            )
        axes.margins(x=0.14)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.set_yticks(places, shown["feature"])
        axes.invert_yaxis()
        axes.set_xlabel("change of the logit since everything was hidden")
        return figure

    total = float(ends[-1])
    alt = (
        f"Waterfall chart for {subject}: from 0 with everything hidden, the features add up to {total:+.2f} logits. "
        f"The largest step is {shown['feature'][0]}, {shown['value'][0]:+.2f}."
    )
    caption = f"Each bar begins where the one above ends. Together they carry the logit of {subject} by {total:+.2f}, from everything hidden to the input."
    return View(draw, table, alt, caption)


def force(attribution: Attribution, row: int = 0, *, names: Sequence[str] | None = None, subject: str = "the answer") -> View:
    """Show what pushes up against what pushes down, on one line."""
    table = features(attribution, row, names)
    up, down = table[table["value"] > 0], table[table["value"] < 0]
    total = float(table["value"].sum())

    def draw() -> Figure:
        figure = new_figure(width=WIDTH, height=1.35)
        axes = figure.subplots()
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_ylim(-0.9, 1.2)
        for side, colour, sign in ((up, WARM, -1), (down, COOL, 1)):
            place = total
            for name, size in zip(side["feature"], side["value"].abs(), strict=True):
                axes.barh(
                    0, size, left=place if sign > 0 else place - size, height=0.5, color=colour, edgecolor="white", linewidth=1.2
                )
                if size > 0.09 * (table["value"].abs().sum() or 1):
                    axes.text(place + sign * size / 2, 0, name, ha="center", va="center", color="white", fontsize=7.5)
                place += sign * size
        axes.axvline(total, color=INK, linewidth=1.4, ymin=0.15, ymax=0.78)
        axes.annotate(f"{total:+.2f}", (total, 0.85), ha="center", fontsize=9, fontweight="bold")
        axes.set_xlabel("change of the logit")
        return figure

    alt = (
        f"Force plot for {subject}: {len(up)} features push the logit up by {up['value'].sum():.2f}, {len(down)} push it down by "
        f"{down['value'].abs().sum():.2f}; together {total:+.2f}."
    )
    caption = (
        f"Red pushes towards {subject}, from the left; blue pushes back, from the right. They meet at {total:+.2f} logits. "
        "Only pieces wide enough for it carry their name."
    )
    return View(draw, table, alt, caption)
