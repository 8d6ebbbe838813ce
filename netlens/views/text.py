"""Explanations of text: words in the colour of what they say, and a cloud of the words that weigh most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

from netlens.errors import ShapeError
from netlens.explain import Attribution
from netlens.views.base import COOL, INK, SIGNED, WARM, WIDTH, View, new_figure

LETTER, SIZE, LINE = 0.6021, 10.0, 0.32  # DejaVu Sans Mono: width of a letter as a share of its size, its size, inches a line
LETTERS = int(WIDTH * 72 / (SIZE * LETTER)) - 2  # that fit on a line


UNSIGNED = {"length": "logits for a step of length 1", "attention": "of the attention"}  # of values without a sign, the unit
CLOSE_BEFORE, CLOSE_AFTER = frozenset(".,;:!?)]}…’”%"), frozenset("([{‘“")  # marks that stand at a word


def word_values(attribution: Attribution, words: Sequence[str] | None = None, row: int = 0) -> NDArray[np.float64]:
    """One value a word: as `explain.text` gives them; without, those of a step (N, T, D) are summed.

    Raises
    ------
    ShapeError : there is not one word for each step.
    """
    if words is None:
        told = attribution.params.get("words")
        if told is None:
            remedy = "Give the words, or use explain.text."
            raise ShapeError("views.words", f"the attribution of {attribution.method} names no words", remedy=remedy)
        found: NDArray[np.float64] = attribution.params["feature_values"][row][: len(told[row])].double().numpy()
        return found
    values = attribution.values[row].double().numpy()
    values = values.sum(tuple(range(1, values.ndim)))
    if len(values) != len(words):
        raise ShapeError(
            "views.words", f"there are {len(words)} words", expected=f"{len(values)}, one for each step of the input"
        )
    added: NDArray[np.float64] = values
    return added


def words(attribution: Attribution, tokens: Sequence[str] | None = None, row: int = 0, *, subject: str = "the answer") -> View:
    """Show a text with a coloured ground under each word: red speaks for the answer, blue against it.

    `tokens` : the words; those of `explain.text` know theirs. Words whose sign is not certain, because they are less than two standard
    errors from zero, are slanted. A method that tells sizes alone, such as the gradient or attention, has no blue.
    """
    values = word_values(attribution, tokens, row)
    unsure = unsure_words(attribution, values, row) if tokens is None else np.zeros(len(values), dtype=bool)
    unit = UNSIGNED.get(str(attribution.params.get("over")), "logits")
    signed = unit == "logits"
    tokens = list(attribution.params["words"][row]) if tokens is None else tokens
    limit = float(np.abs(values).max()) or 1.0
    table = pd.DataFrame({"word": list(tokens), "value": values})
    lines = lines_of(tokens, LETTERS)

    def draw() -> Figure:
        figure = new_figure(WIDTH, LINE * len(lines) + 0.75)
        axes = _page(figure, len(lines))
        paint(axes, tokens, values, limit, unsure)
        scale_bar(figure, [axes], limit, signed=signed)
        return figure

    order = np.argsort(-np.abs(values), kind="stable")[:3]
    strongest = ", ".join(f"“{tokens[place]}” {values[place]:{'+' if signed else ''}.2g}" for place in order)
    nothing = "" if (values > 0).any() else " No word speaks for it."
    if unsure.any():
        nothing += f" Slanted, {int(unsure.sum())} of {len(values)}: less than two standard errors from zero, so that even the sign is not certain."
    alt = f"A text of {len(tokens)} words. For {subject} the strongest words are {strongest} {unit}.{nothing}"
    colours = f"Red speaks for {subject}, blue against it."
    if not signed:
        colours = f"The redder a word, the more {subject} depends on it, either way."
    if attribution.params.get("over") == "attention":
        colours, nothing = "The redder a word, the more the network looked at it, whichever class is asked about.", ""
    caption = f"{colours} The strongest words: {strongest} {unit}.{nothing}"
    return View(draw, table, alt, caption)


def paint(axes: Axes, tokens: Sequence[str], values: NDArray[np.float64], limit: float, unsure: NDArray[np.bool_]) -> None:
    """Write a text into axes made by `_page`, each word on a ground in the colour of its value; the unsure ones slanted."""
    shade, scale = Normalize(-limit, limit), colormaps[SIGNED]
    for line, entries in enumerate(lines_of(tokens, LETTERS)):
        for column, place in entries:
            dark = abs(values[place]) > 0.6 * limit
            axes.text(
                column * SIZE * LETTER / (WIDTH * 72), line + 0.5, tokens[place], fontsize=SIZE, family="DejaVu Sans Mono",
                va="center", color="white" if dark else INK, style="italic" if unsure[place] else "normal",
                bbox={"facecolor": scale(shade(values[place])), "edgecolor": "none", "pad": 1.6},
            )  # fmt: skip


def scale_bar(figure: Figure | SubFigure, axes: Sequence[Axes], limit: float, *, signed: bool) -> None:
    """Put the scale of the colours under the texts."""
    mappable = ScalarMappable(Normalize(-limit, limit), SIGNED)
    bar = figure.colorbar(mappable, ax=list(axes), location="bottom", shrink=0.35, aspect=24, pad=0.03)
    bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.2g}", "0", f"{limit:.2g}"])
    bar.outline.set_visible(False)
    if not signed:
        bar.ax.set_xlim(0, limit)


def cloud(
    tokens: Sequence[str], values: Sequence[float], *, subject: str = "the answer", top: int = 40, at_least: int = 1
) -> View:
    """Show the words that weigh most, each as large as its mean value; words that occur more than once are taken together.

    `at_least` : how often a word must occur to be shown.
    """
    table = pd.DataFrame({"word": list(tokens), "value": values}).groupby("word", sort=False)["value"].agg(["mean", "count"])
    table = (
        table[table["count"] >= at_least]
        .reset_index()
        .sort_values("mean", key=np.abs, ascending=False, kind="stable")
        .head(top)
        .reset_index(drop=True)
    )
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


def lines_of(tokens: Sequence[str], width: int) -> list[list[tuple[float, int]]]:
    """Break tokens into lines of at most `width` letters: for each, its column and its place."""
    lines: list[list[tuple[float, int]]] = [[]]
    column = 0.0
    for place, token in enumerate(tokens):
        close = place > 0 and (token in CLOSE_BEFORE or tokens[place - 1] in CLOSE_AFTER)
        if close and column:
            column -= 0.5
        if column and column + len(token) > width and not close:
            lines.append([])
            column = 0.0
        lines[-1].append((column, place))
        column += len(token) + 1
    return lines


def unsure_words(attribution: Attribution, values: NDArray[np.float64], row: int) -> NDArray[np.bool_]:
    """Which words are less than two standard errors from zero, though not zero."""
    if "feature_spread" not in attribution.params or attribution.params.get("over") in UNSIGNED:
        return np.zeros(len(values), dtype=bool)
    error = attribution.params["feature_spread"][row][: len(values)].double().numpy()
    found: NDArray[np.bool_] = (values != 0) & (np.abs(values) < 2 * error)
    return found


def _width(word: str, size: float) -> float:
    """Inches that a word takes, with a gap."""
    return (
        (TextPath((0, 0), word, size=100, prop=FontProperties(family="DejaVu Sans")).get_extents().width / 100 + 0.7) * size / 72
    )


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
