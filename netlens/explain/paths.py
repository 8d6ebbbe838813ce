"""Integrate the gradient along straight paths, and cut a path where its own check says that it was not followed well enough."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.explain.base import Question, relative_error
from netlens.explain.chunks import blocks

FIRST_CUT = 4  # pieces


@dataclass(frozen=True)
class Paths:
    """What the paths of all rows gave: `values` shaped like the inputs, `delta` (N,), and how many points each row took."""

    values: torch.Tensor
    delta: torch.Tensor
    steps: list[int]


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of one row's path, from share `low` to share `high`: its part of the values, and of the completeness error."""

    low: float
    high: float
    values: torch.Tensor
    delta: float


def integrate(question: Question, start: torch.Tensor, n_steps: int, tolerance: float, max_steps: int) -> Paths:
    """Integrate each row's gradient from `start` to its input, times the difference.

    A row that misses `tolerance` is cut into pieces of `n_steps` / 2 points each; the logit at both ends of a piece says how much
    that piece misses, and the worst are cut again. No row takes more than `max_steps` points.
    """
    difference = question.inputs - start
    with torch.no_grad():
        ends = (question.chunked(question.scores, points, question.target) for points in (question.inputs, start))
        change = next(ends) - next(ends)
    rows = torch.arange(len(start))
    zero, one = torch.zeros(len(rows)), torch.ones(len(rows))
    values = difference * _mean_gradients(question, start, difference, rows, zero, one, n_steps)
    delta, steps = values.flatten(1).sum(1) - change, [n_steps] * len(rows)
    for row in (relative_error(values, delta) > tolerance).nonzero().flatten().tolist():
        found, taken = _refine(question, start, row, n_steps, tolerance, max_steps)
        missed = found.sum() - change[row]
        if taken > n_steps and missed.abs() < delta[row].abs():
            values[row], delta[row] = found, missed
        steps[row] = taken
    return Paths(values, delta, steps)


def _refine(
    question: Question, start: torch.Tensor, row: int, n_steps: int, tolerance: float, max_steps: int
) -> tuple[torch.Tensor, int]:
    """The values of one row from a path in pieces, and the points taken."""
    points, taken = max(1, n_steps // 2), n_steps
    pieces: list[Piece] = []
    worst: list[Piece] = []
    cuts = [(share / FIRST_CUT, (share + 1) / FIRST_CUT) for share in range(FIRST_CUT)]
    total = torch.zeros_like(start[row])
    while taken + points * len(cuts) <= max_steps:
        fresh = _pieces(question, start, row, cuts, points)
        taken += points * len(cuts)
        pieces = [piece for piece in pieces if piece not in worst] + fresh
        total = torch.stack([piece.values for piece in pieces]).sum(0)
        missed = torch.tensor([sum(piece.delta for piece in pieces)], dtype=torch.float64)
        if relative_error(total.cpu().unsqueeze(0), missed) <= tolerance:
            break
        share = sum(abs(piece.delta) for piece in pieces) / len(pieces)
        worst = [piece for piece in pieces if abs(piece.delta) >= share]
        middles = [(piece, (piece.low + piece.high) / 2) for piece in worst]
        cuts = [cut for piece, middle in middles for cut in ((piece.low, middle), (middle, piece.high))]
    return total, taken


def _pieces(question: Question, start: torch.Tensor, row: int, cuts: list[tuple[float, float]], points: int) -> list[Piece]:
    """Integrate each cut of one row's path, and hold it against the change of the logit between its ends."""
    difference = question.inputs - start
    low, high = (torch.tensor(edge) for edge in zip(*cuts, strict=True))
    rows = torch.full((len(cuts),), row)
    values = difference[row] * _mean_gradients(question, start, difference, rows, low, high, points)
    places = torch.cat([low, high]).to(start).view(-1, *[1] * (start.ndim - 1))
    with torch.no_grad():
        ends = start[row] + places * difference[row]
        scores = question.chunked(question.scores, ends, question.target[row].expand(len(ends)))
    deltas = values.double().flatten(1).sum(1) - (scores[len(cuts) :] - scores[: len(cuts)])
    return [Piece(*cut, part, float(delta)) for cut, part, delta in zip(cuts, values, deltas, strict=True)]


def _mean_gradients(
    question: Question,
    start: torch.Tensor,
    difference: torch.Tensor,
    rows: torch.Tensor,
    low: torch.Tensor,
    high: torch.Tensor,
    points: int,
) -> torch.Tensor:
    """The integral of the gradient over the share of the path of `rows` from `low` to `high`, each (P,): (P, ...)."""
    nodes, weights = (torch.as_tensor(part).to(start) for part in gauss_legendre(points))
    low, width = low.to(start), (high - low).to(start)
    total = torch.zeros(len(rows), *start.shape[1:], dtype=torch.promote_types(start.dtype, torch.float32), device=start.device)
    for part, share in blocks(len(rows), points, question.rows):
        chosen, count = rows[part].to(start.device), share.stop - share.start
        places = (low[part] + nodes[share].unsqueeze(1) * width[part]).view(count, -1, *[1] * (start.ndim - 1))
        between = torch.addcmul(start[chosen], places, difference[chosen]).flatten(0, 1)
        gradients = question.gradients(between, question.target[chosen].repeat(count))
        total[part] += torch.tensordot(weights[share].to(gradients), gradients.view(count, -1, *start.shape[1:]), 1)
    return total * width.view(-1, *[1] * (start.ndim - 1))


@cache
def gauss_legendre(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of the Gauss-Legendre rule with `n` points on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return (nodes + 1) / 2, weights / 2
