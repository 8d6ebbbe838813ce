"""Where the tokens of a transformer lie in its input: asked of the network, by changing one place and seeing which token moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from netlens.errors import ModelError
from netlens.explain.question import Question
from netlens.seeding import generator

MOST_OTHERS = 16  # class, distillation and register tokens
DRAWS, ALIKE = 4, 0.5
Read = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Places:
    """Which tokens stand for places of the input: after `before` others, one for each place of `grid`, row by row; then `after` others.

    `grid` is (h, w) for images, else (steps,).
    """

    grid: tuple[int, ...]
    before: int = 0
    after: int = 0

    @property
    def told(self) -> str:
        """The layout in words."""
        count = 1
        for side in self.grid:
            count *= side
        kind = f"{' x '.join(map(str, self.grid))} patches" if len(self.grid) == 2 else f"{count} steps"
        others = [
            f"{number} {side} them without a place" for number, side in ((self.before, "before"), (self.after, "after")) if number
        ]
        return f"{count + self.before + self.after} tokens: {', '.join([kind, *others])}"

    def cut(self, values: torch.Tensor, axis: int = 1) -> torch.Tensor:
        """Of values with one entry a token along `axis`, those of places."""
        return values.narrow(axis, self.before, values.shape[axis] - self.before - self.after)

    def laid_out(self, values: torch.Tensor) -> torch.Tensor:
        """Values of tokens (B, T) as a map of the input: (B, 1, h, w), or (B, steps)."""
        placed = self.cut(values)
        return placed.view(len(values), 1, *self.grid) if len(self.grid) == 2 else placed


def places(question: Question, tokens: int, read: Read) -> Places | None:
    """Find the layout of so many tokens; None when no layout stands the test. Asked once for a network and a shape.

    Parameters
    ----------
    read : gives the tokens (B, T, D) of some inputs at an early layer.

    Notes
    -----
    A layout is guessed from numbers and then tried: the first place, its neighbours and the last place of one input are changed, and
    the token that the layout says must move, and none twice as far: patches may overlap. Cost: 20 forward passes of one input for
    each guess.
    """
    known, key = question.known, ("places", tokens, question.inputs.shape[1:], question.inputs.dtype)
    if key not in known:
        guesses = _guesses(tuple(question.inputs.shape[1:]), tokens)
        known[key] = next((guess for guess in guesses if _stands(question, guess, read)), None)
    found: Places | None = known[key]
    return found


def _guesses(shape: tuple[int, ...], tokens: int) -> list[Places]:
    """Layouts whose numbers fit, the likeliest first: of the image's own proportions, and with few tokens besides."""
    if len(shape) != 3:
        others = tokens - shape[0]
        return (
            [Places((shape[0],), others, 0), Places((shape[0],), 0, others)][: 2 if others else 1]
            if 0 <= others <= MOST_OTHERS
            else []
        )
    height, width = shape[1:]
    found = []
    for others in range(min(MOST_OTHERS, tokens - 2) + 1):
        count = tokens - others
        for rows in range(1, min(count, height) + 1):
            columns = count // rows
            if rows * columns == count and columns <= width:
                strange = abs(rows * width - columns * height) / (rows * width + columns * height)
                found.append((strange > 0.05, others, strange, rows, columns))
    best = sorted(found)[:12]
    return [
        Places((rows, columns), before, others - before)
        for _, others, _, rows, columns in best
        for before in dict.fromkeys((others, 0))
    ]


def _stands(question: Question, guess: Places, read: Read) -> bool:
    """Whether the token that the layout says moves, and none moves twice as far, wherever the input is changed.

    No layout stands the test of a network that refuses an input with one place changed.
    """
    count = 1
    for side in guess.grid:
        count *= side
    tried = sorted({0, 1 % count, guess.grid[-1] % count, count - 1})
    moved = torch.zeros(len(tried), count + guess.before + guess.after, dtype=torch.float64)
    for draw in range(DRAWS):
        row, other = _two(question.inputs[:1], draw)
        rows = torch.cat([row, *(_changed(row, other, guess.grid, place) for place in tried)])
        try:
            with torch.no_grad():
                seen = read(rows).double().flatten(2).cpu()
        except ModelError:
            return False
        if seen.shape[:2] != (len(rows), moved.shape[1]):
            return False
        moved += (seen[1:] - seen[:1]).norm(dim=2)
    said = moved[torch.arange(len(tried)), torch.tensor(tried) + guess.before]
    return bool((said > 0).all() and (said >= ALIKE * moved.amax(1)).all())


def _two(row: torch.Tensor, draw: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two inputs (1, ...) that differ everywhere: one input, each time with other noise; for ids of tokens, with other tokens."""
    if not row.is_floating_point():
        most, least = row.max(), row.min()
        least = least if most > least else (most - 1).abs()  # one token, again and again
        return row, torch.where(row == most, least, most)
    size = row.std() if row.numel() > 1 and float(row.std()) > 0 else 1.0
    noise = torch.randn(2, *row.shape, generator=generator(draw)).to(row) * size
    return row + noise[0], row + noise[1]


def _changed(row: torch.Tensor, other: torch.Tensor, grid: tuple[int, ...], place: int) -> torch.Tensor:
    """A copy of one input (1, ...) in which one place of the grid is that of another."""
    if len(grid) == 1:
        where: tuple[slice, ...] = (slice(None), slice(place, place + 1))
    else:
        edges = [
            slice(-(-at * size // side), max(-(-(at + 1) * size // side), -(-at * size // side) + 1))
            for at, side, size in zip(divmod(place, grid[1]), grid, row.shape[2:], strict=True)
        ]
        where = (slice(None), slice(None), *edges)
    changed = row.clone()
    changed[where] = other[where]
    return changed
