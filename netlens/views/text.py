"""Explanations of text: words in the colour of what they say, and a cloud of the words that weigh most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.errors import ShapeError
from netlens.explain import Attribution
from netlens.views.base import COOL, INK, SIGNED, WARM, WIDTH, View, new_figure

LETTER = 0.6021  # width of a letter of DejaVu Sans Mono, as a share of its size


def word_values(attribution: Attribution, words: Sequence[str], row: int = 0) -> NDArray[np.float64]:
    """One value a word: those of a step (N, T, D) are summed.

    Raises
    ------
    ShapeError : there is not one word for each step.
    """
    values = attribution.values[row].double().numpy()
    values = values.sum(tuple(range(1, values.ndim)))
    if len(values) != len(words):
        raise ShapeError(
            "views.words", f"there are {len(words)} words", expected=f"{len(values)}, one for each step of the input"
        )
    found: NDArray[np.float64] = values
    return found


def words(attribution: Attribution, tokens: Sequence[str], row: int = 0, *, subject: str = "the answer") -> View:
    """Show a text with a coloured ground under each word: red speaks for the answer, blue against it."""
    values = word_values(attribution, tokens, row)
    limit = float(np.abs(values).max()) or 1.0
    table = pd.DataFrame({"word": list(tokens), "value": values})
    size = 10.0
    lines = _lines(tokens, int(WIDTH * 72 / (size * LETTER)) - 2)

    def draw() -> Figure:
        figure = new_figure(WIDTH, 0.32 * len(lines) + 0.75)
        axes = _page(figure, len(lines))
        scale = colormaps[SIGNED]
        shade = Normalize(-limit, limit)
        for line, entries in enumerate(lines):
            for column, place in entries:
                dark = abs(values[place]) > 0.6 * limit
                axes.text(
                    column * size * LETTER / (WIDTH * 72), line + 0.5, tokens[place], fontsize=size, family="DejaVu Sans Mono",
                    va="center", color="white" if dark else INK, bbox={"facecolor": scale(shade(values[place])), "edgecolor": "none", "pad": 1.6},
                )  # fmt: skip
        mappable = axes.imshow([[0.0]], cmap=SIGNED, norm=shade, extent=(2, 3, 0, 1), aspect="auto")
        axes.set_xlim(0, 1)
        axes.set_ylim(len(lines), 0)
        bar = figure.colorbar(mappable, ax=axes, location="bottom", shrink=0.35, aspect=24, pad=0.03)
        bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.2g}", "0", f"{limit:.2g}"])
        return figure

    order = np.argsort(-np.abs(values), kind="stable")[:3]
    strongest = ", ".join(f"“{tokens[place]}” {values[place]:+.2g}" for place in order)
    nothing = "" if (values > 0).any() else " No word speaks for it."
    alt = f"A text of {len(tokens)} words. For {subject} the strongest words are {strongest} logits.{nothing}"
    caption = f"Red speaks for {subject}, blue against it. The strongest words: {strongest} logits.{nothing}"
    return View(draw, table, alt, caption)


def cloud(tokens: Sequence[str], values: Sequence[float], *, subject: str = "the answer", top: int = 40) -> View:
    """Show the words that weigh most, each as large as its mean value; words that occur more than once are taken together."""
    table = pd.DataFrame({"word": list(tokens), "value": values}).groupby("word", sort=False)["value"].agg(["mean", "count"])
    table = table.reset_index().sort_values("mean", key=np.abs, ascending=False, kind="stable").head(top).reset_index(drop=True)
    share = table["mean"].abs() / (table["mean"].abs().max() or 1.0)
    sizes = 7 + 23 * np.sqrt(share.to_numpy())
    rows = _shelves([str(word) for word in table["word"]], sizes)

    def draw() -> Figure:
        heights = [max(sizes[place] for place in row) * 1.35 / 72 for row in rows]
        figure = new_figure(WIDTH, sum(heights) + 0.1)
        axes = _page(figure, 1)
        top_edge = 0.0
        for row, height in zip(rows, heights, strict=True):
            width = sum(_width(str(table["word"][place]), sizes[place]) for place in row)
            left = (WIDTH - width) / 2
            for place in row:
                word, value = str(table["word"][place]), float(table["mean"][place])
                colour = WARM if value > 0 else COOL
                axes.text(
                    left / WIDTH, (top_edge + height / 2) / sum(heights), word, fontsize=sizes[place], va="center", color=colour
                )
                left += _width(word, sizes[place])
            top_edge += height
        axes.set_ylim(1, 0)
        return figure

    pushes = ", ".join(f"“{word}” {value:+.2g}" for word, value in zip(table["word"][:3], table["mean"][:3], strict=True))
    alt = f"A cloud of {len(table)} words. The largest are {pushes} logits for {subject}."
    caption = f"The size of a word is its mean value; red speaks for {subject}, blue against it. The largest: {pushes} logits. Place means nothing."
    return View(draw, table, alt, caption)


def _lines(tokens: Sequence[str], width: int) -> list[list[tuple[int, int]]]:
    """Break tokens into lines of at most `width` letters: for each, its column and its place."""
    lines: list[list[tuple[int, int]]] = [[]]
    column = 0
    for place, token in enumerate(tokens):
        if column and column + len(token) > width:
            lines.append([])
            column = 0
        lines[-1].append((column, place))
        column += len(token) + 1
    return lines


def _width(word: str, size: float) -> float:
    return (len(word) + 1.2) * size * 0.62 / 72


def _shelves(found: Sequence[str], sizes: NDArray[np.float64]) -> list[list[int]]:
    """Put words on shelves as wide as the page, the largest first."""
    rows: list[list[int]] = [[]]
    used = 0.0
    for place, word in enumerate(found):
        if rows[-1] and used + _width(word, sizes[place]) > WIDTH:
            rows.append([])
            used = 0.0
        rows[-1].append(place)
        used += _width(word, sizes[place])
    return rows


def _page(figure: Figure, lines: int) -> Axes:
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(lines, 0)
    return axes
