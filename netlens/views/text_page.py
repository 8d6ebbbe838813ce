"""Explained texts on a page: each with what the network reads in it and its words in colour, and bars where there is one text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.explain import Attribution
from netlens.views.base import COOL, INK, MUTED, WARM, WIDTH, View, new_figure, plural
from netlens.views.importance import features
from netlens.views.text import LETTERS, LINE, UNSIGNED, lines_of, paint, scale_bar, unsure_words, word_values

BARS = 10


def texts(attribution: Attribution, classes: Sequence[str], *, names: Sequence[str] = (), most: int = 8) -> View:
    """Show the words of the first `most` texts in colour, on one scale; under a single text also its largest values as bars.

    `names` : of the texts; without them only the class that is explained stands above each.
    """
    count = min(most, len(attribution.params["words"]))
    said = [list(attribution.params["words"][row]) for row in range(count)]
    values = [word_values(attribution, row=row) for row in range(count)]
    limit = max(float(np.abs(one).max()) for one in values) or 1.0
    signed = attribution.params.get("over") not in UNSIGNED
    titles = [f"why “{classes[int(attribution.target[row])]}”?" for row in range(count)]
    titles = [f"{name}: {title}" for name, title in zip(names, titles, strict=False)] or titles
    table = pd.DataFrame(
        [
            {"text": row + 1, "class explained": classes[int(attribution.target[row])], "word": word, "value": value}
            for row in range(count)
            for word, value in zip(said[row], values[row], strict=True)
        ]
    )
    heights = [LINE * len(lines_of(words, LETTERS)) + 0.12 for words in said]
    shown = features(attribution).head(BARS) if count == 1 else None

    def draw() -> Figure:
        above, below = sum(heights) + 0.28 * count + 0.6, 0.0 if shown is None else 0.55 + 0.22 * len(shown)
        figure = new_figure(WIDTH, above + below)
        parts: Any = figure.subfigures(2, 1, height_ratios=[above, below]) if shown is not None else [figure]
        axes = parts[0].subplots(count, 1, squeeze=False, height_ratios=heights)[:, 0]
        for row in range(count):
            axes[row].set_axis_off()
            paint(axes[row], said[row], values[row], limit, unsure_words(attribution, values[row], row))
            axes[row].set_xlim(0, 1)
            axes[row].set_ylim(len(lines_of(said[row], LETTERS)), 0)
            axes[row].set_title(titles[row], fontsize=8.5, color=INK)
        scale_bar(parts[0], list(axes), limit, signed=signed)
        if shown is not None:
            places, own = np.arange(len(shown)), parts[1].subplots()
            own.barh(places, shown["value"], color=[WARM if value > 0 else COOL for value in shown["value"]], height=0.7)
            if shown["standard error"].notna().any():
                own.errorbar(shown["value"], places, xerr=2 * shown["standard error"], fmt="none", ecolor=INK, elinewidth=1)
            own.axvline(0, color=MUTED, linewidth=0.8)
            own.set_yticks(places, shown["feature"])
            own.invert_yaxis()
            own.set_xlabel("logits" if signed else UNSIGNED[attribution.params["over"]])
        return figure

    tops = "; ".join(
        f"{title} “{words[int(np.abs(one).argmax())]}” {one[int(np.abs(one).argmax())]:{'+' if signed else ''}.2g}"
        for title, words, one in zip(titles, said, values, strict=True)
    )
    alt = f"{plural(count, 'text')} with {'their' if count > 1 else 'its'} words in colour. The largest value: {tops}."
    colours = (
        "Red speaks for the class that is explained, blue against it"
        if signed
        else "The redder a word, the more it weighs, either way"
    )
    return View(
        draw,
        table,
        alt,
        f"{colours}; one scale for all. Slanted: less than two standard errors from zero. The largest value: {tops}.",
    )
