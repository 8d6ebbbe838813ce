"""Coalitions: which features to show together, chosen so that few passes tell most."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import torch

from netlens.errors import ShapeError
from netlens.seeding import generator


@dataclass(frozen=True)
class Coalitions:
    """A weighted sample of coalitions of M players.

    `masks` (S, M) bool, True where a player is shown; each is followed by its complement. `weights` (S,) float64, sum 1.
    `sampled` (S,) bool, False for the coalitions of a size that is complete, which carry no sampling error.
    """

    masks: torch.Tensor
    weights: torch.Tensor
    sampled: torch.Tensor

    @property
    def exact(self) -> bool:
        """Whether every coalition is there."""
        return not bool(self.sampled.any())


def shapley(players: int, n_samples: int, seed: int, operation: str) -> Coalitions:
    """Coalitions by the Shapley kernel: sizes 1 to M - 1, the mass of size s proportional to 1 / (s (M - s)).

    Parameters
    ----------
    n_samples : the most coalitions to give; all of them where they are no more.

    References
    ----------
    Lundberg and Lee 2017, arXiv:1705.07874; pairs: Covert and Lee 2021, arXiv:2012.01536.
    """
    sizes = torch.arange(players + 1, dtype=torch.float64)
    return _design(torch.where((sizes > 0) & (sizes < players), 1 / (sizes * (players - sizes)), 0.0), n_samples, seed, operation)


def uniform(players: int, n_samples: int, seed: int, operation: str) -> Coalitions:
    """Coalitions that show each player with probability one half, as LIME draws them."""
    sizes = torch.tensor([comb(players, size) / 2**players for size in range(players + 1)], dtype=torch.float64)
    return _design(sizes, n_samples, seed, operation)


def _design(mass: torch.Tensor, n_samples: int, seed: int, operation: str) -> Coalitions:
    """Draw coalitions whose sizes have the given mass, which is symmetric.

    Sizes whose coalitions are fewer than their share of the passes are complete. The rest is stratified by size, in pairs of a
    coalition and its complement, and within a size every player is shown about equally often.
    """
    players, budget, total = len(mass) - 1, n_samples // 2, float(mass.sum())
    if players == 0 or total == 0:
        return Coalitions(torch.zeros(0, players, dtype=torch.bool), torch.zeros(0).double(), torch.zeros(0, dtype=torch.bool))
    waiting = {size: float(mass[size] + mass[players - size]) / total for size in range(players // 2 + 1) if mass[size] > 0}
    if players % 2 == 0:
        waiting[players // 2] /= 2  # this size is its own complement
    counts = {size: comb(players, size) // (2 if 2 * size == players else 1) for size in waiting}
    if n_samples < 2 * players and sum(counts.values()) > budget:
        problem = f"{n_samples} samples are too few for {players} features that matter"
        raise ShapeError(operation, problem, expected=f"at least {2 * players}", remedy="Use more samples or fewer features.")
    masks, weights, left = [], [], 1.0
    for size in list(waiting):
        if budget * waiting[size] / left >= counts[size] * (1 - 1e-9):
            masks.append(_every(players, size))
            weights.append(torch.full((counts[size],), waiting[size] / counts[size], dtype=torch.float64))
            left, budget = left - waiting.pop(size), budget - counts[size]
    complete = sum(len(part) for part in masks)
    if waiting:
        draw = generator(seed)
        for size, count in zip(waiting, _allocated(list(waiting.values()), budget, draw), strict=True):
            masks.append(_some(players, size, count, draw))
        weights.append(torch.full((budget,), left / budget, dtype=torch.float64))
    first = torch.cat(masks)
    return Coalitions(
        torch.stack([first, ~first], 1).flatten(0, 1),
        torch.cat(weights).repeat_interleave(2) / 2,
        (torch.arange(len(first)) >= complete).repeat_interleave(2),
    )


def _every(players: int, size: int) -> torch.Tensor:
    """Every coalition of this size; of two that complement one another only the first."""
    chosen = torch.tensor(list(combinations(range(players), size)), dtype=torch.int64).view(comb(players, size), size)
    masks = torch.zeros(len(chosen), players, dtype=torch.bool).scatter_(1, chosen, True)
    return masks[: len(masks) // 2] if 2 * size == players else masks


def _some(players: int, size: int, count: int, draw: torch.Generator) -> torch.Tensor:
    """Random coalitions of this size, (count, players): each shuffle of the players is cut into as many as it gives."""
    if size == 0 or count == 0:
        return torch.zeros(count, players, dtype=torch.bool)
    each = players // size
    order = torch.rand(-(-count // each), players, generator=draw, dtype=torch.float64).argsort(1)
    return torch.zeros(count, players, dtype=torch.bool).scatter_(1, order[:, : each * size].reshape(-1, size)[:count], True)


def _allocated(mass: list[float], budget: int, draw: torch.Generator) -> list[int]:
    """How many pairs each size gets: its expected number, rounded up or down at random."""
    bounds = torch.tensor(mass, dtype=torch.float64).cumsum(0)
    points = (torch.arange(budget) + torch.rand(1, generator=draw, dtype=torch.float64)) / budget * bounds[-1]
    return torch.bincount(torch.bucketize(points, bounds[:-1], right=True), minlength=len(mass)).tolist()
