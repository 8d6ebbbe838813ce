"""Several methods on one text: the value of each word, with its error, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.errors import ShapeError
from netlens.explain import Attribution
from netlens.explain.wording import joined
from netlens.quality.stamp import Stamp
from netlens.views.base import INK, MUTED, PALETTE, WIDTH, View, new_figure
from netlens.views.text import UNSIGNED, word_values
from netlens.views.titles import title_of

MARKERS = "osD^vPX<>"


def methods_by_words(
    attributions: Sequence[Attribution],
    row: int = 0,
    *,
    names: Sequence[str] = (),
    subject: str = "the answer",
    stamps: Mapping[str, Stamp] | None = None,
    top: int = 24,
) -> View:
    """Show what several methods say of each word of a text: words from top to bottom, a mark a method, lines of two standard errors.

    `names` : what the methods are called. `stamps` : by method; one that is no evidence says so, and its marks are hollow. All methods
    must give logits. `top` : of a long text only so many words are drawn, those with the largest values, in the order of the text.

    Raises
    ------
    ShapeError : the methods explain different texts, or one of them gives no logits.
    """
    names = list(names) or [title_of(one).replace("\n", " ") for one in attributions]
    told = list(attributions[0].params.get("words", ((),) * (row + 1))[row])
    for one in attributions:
        if one.params.get("words", ((),) * (row + 1))[row] != tuple(told) or one.params.get("over") in UNSIGNED:
            problem = f"{one.method} explains another text, or gives no logits"
            raise ShapeError("views.methods_by_words", problem, expected="explanations of one text by explain.text, in logits")
    values = np.stack([word_values(one, row=row) for one in attributions])
    errors = np.stack([_errors(one, row, len(told)) for one in attributions])
    refused = [
        stamps is not None and one.method in stamps and stamps[one.method].verdict == "not evidence" for one in attributions
    ]
    table = pd.DataFrame(
        [
            {"word": word, "method": name, "value": values[number, place], "standard error": errors[number, place]}
            for place, word in enumerate(told)
            for number, name in enumerate(names)
        ]
    )

    drawn = np.sort(np.argsort(-np.abs(values).max(0), kind="stable")[:top])
    words, dots, lines_of = [told[place] for place in drawn], values[:, drawn], errors[:, drawn]

    def draw() -> Figure:
        figure = new_figure(WIDTH, 0.9 + 0.26 * len(words))
        axes = figure.subplots()
        offsets = np.linspace(-0.27, 0.27, len(names)) if len(names) > 1 else np.zeros(1)
        for number, name in enumerate(names):
            colour = PALETTE[number % len(PALETTE)]
            axes.errorbar(
                dots[number],
                np.arange(len(words)) + offsets[number],
                xerr=2 * np.nan_to_num(lines_of[number]),
                fmt=MARKERS[number % len(MARKERS)],
                color=colour,
                markerfacecolor="white" if refused[number] else colour,
                markersize=4.5,
                elinewidth=1,
                label=f"{name}, not evidence" if refused[number] else name,
            )
        for place in range(0, len(words), 2):
            axes.axhspan(place - 0.5, place + 0.5, color="#f4f6f8", zorder=0)
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.set_yticks(range(len(words)), words)
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_ylim(len(words) - 0.5, -0.5)
        axes.set_xlabel("logits")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        return figure

    tops = [told[int(np.argmax(np.abs(line)))] for line in values]
    groups = [(top, [name for name, own in zip(names, tops, strict=True) if own == top]) for top in dict.fromkeys(tops)]
    firsts = "; ".join(f"“{top}” for {joined(several)}" for top, several in groups)
    same = f"All put “{tops[0]}” first." if len(groups) == 1 else f"The largest: {firsts}."
    apart = int(np.argmax(np.ptp(values, axis=0)))
    gap = (
        f"They differ most on “{told[apart]}”, from {values[:, apart].min().round(2) + 0.0:+.2f} to {values[:, apart].max().round(2) + 0.0:+.2f}."
        if len(names) > 1
        else ""
    )
    alt = f"Values of {len(told)} words for {subject} by {', '.join(names)}. {same} {gap}".rstrip()
    lines = " Lines: two standard errors." if np.nansum(errors) > 0 else ""
    shorter = f" Drawn: the {top} of {len(told)} words with the largest values." if len(told) > top else ""
    hollow = " Hollow: not evidence on this network." if any(refused) else ""
    return View(
        draw,
        table,
        alt,
        f"To the right of zero a word speaks for {subject}, to the left against it.{lines}{hollow}{shorter} {same} {gap}".rstrip(),
    )


def _errors(attribution: Attribution, row: int, count: int) -> np.ndarray:
    spread = attribution.params.get("feature_spread")
    return np.full(count, np.nan) if spread is None else np.asarray(spread[row][:count], dtype=float)
