"""A table as plain text: columns that wrap to a width, or one block a row where the width is too small for columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

GAP = 2


def lines(headings: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Set a table in lines of at most `width` characters; a word that is longer than that stands alone.

    >>> print("\\n".join(lines(["name", "meaning"], [["a", "the first letter"]], 15)))
    name  meaning
    ----  ---------
    a     the first
          letter
    >>> print("\\n".join(lines(["name", "meaning"], [["a", "the first letter"]], 12)))
    a
        meaning  the first
                 letter
    """
    columns = list(zip(headings, *rows, strict=True))
    widths = _widths(columns, width)
    if widths is None:
        return [line for row in rows for line in _block(headings, row, width)]
    ruled = [headings, ["-" * one for one in widths], *rows]
    return [line for row in ruled for line in _row(row, widths)]


def _widths(columns: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """A width for each column, the widest shrunk first; None when the longest words do not fit."""
    widths = [max(map(len, column)) for column in columns]
    least = [max(len(piece.strip()) for cell in column for piece in _pieces(cell)) for column in columns]
    room = width - GAP * (len(columns) - 1)
    if sum(least) > room:
        return None
    while sum(widths) > room:
        widest = max((one for one in range(len(widths)) if widths[one] > least[one]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _row(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    cells = [_wrapped(cell, one) for cell, one in zip(row, widths, strict=True)]
    return [
        (" " * GAP).join(part.ljust(one) for part, one in zip(parts, widths, strict=True)).rstrip()
        for parts in zip_longest(*cells, fillvalue="")
    ]


def _block(headings: Sequence[str], row: Sequence[str], width: int) -> list[str]:
    """A row under its first cell, one line or more for each other cell."""
    label = max(map(len, headings[1:]))
    shown = [row[0]]
    for heading, cell in zip(headings[1:], row[1:], strict=True):
        first = f"    {heading:<{label}}  "
        parts = _wrapped(cell, max(1, width - len(first)))
        shown += [first + parts[0], *(" " * len(first) + part for part in parts[1:])]
    return shown


def _wrapped(cell: str, width: int) -> list[str]:
    """The cell in lines, cut between words and after the slash of an address."""
    lines = [""]
    for piece in _pieces(cell):
        if len(lines[-1] + piece) <= width or not lines[-1]:
            lines[-1] += piece
        else:
            lines.append(piece.strip())
    return lines


def _pieces(cell: str) -> list[str]:
    """The parts of a cell that stay whole, each with the space before it."""
    return re.findall(r"\s*[^\s/]*/|\s*[^\s/]+", cell) or [""]
