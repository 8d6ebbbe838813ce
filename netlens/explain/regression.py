"""Weighted least squares over coalitions, with the standard error that comes from having drawn only some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from netlens.explain.coalitions import Coalitions
from netlens.explain.precision import rank_correlation


@dataclass(frozen=True)
class Fit:
    """Coefficients (M,), their standard error (M,), and the rank correlation between two fits to half of the pairs each.

    `explained` : the weighted share of the variance of the scores that the fit explains.
    """

    values: torch.Tensor
    spread: torch.Tensor
    stability: float
    intercept: float = 0.0
    explained: float = 1.0


def by_design(
    make: Callable[[int], Coalitions],
    counts: Sequence[int],
    score: Callable[[Sequence[torch.Tensor]], list[torch.Tensor]],
    fit: Callable[[Coalitions, torch.Tensor, torch.Tensor], list[Fit]],
) -> list[Fit]:
    """Fit each row; rows of as many players share their coalitions, and what is computed from those.

    Parameters
    ----------
    make : the coalitions of so many players. `counts` : the players of each row.
    score : scores the masks (S, players) of every row, (S,) each.
    fit : fits the rows with these numbers, (N,), to their scores (N, S).
    """
    designs = {count: make(count) for count in set(counts)}
    scores = score([designs[count].masks for count in counts])
    fits: dict[int, Fit] = {}
    for count, coalitions in designs.items():
        rows = [row for row, players in enumerate(counts) if players == count]
        found = fit(coalitions, torch.tensor(rows), torch.stack([scores[row] for row in rows]))
        fits |= zip(rows, found, strict=True)
    return [fits[row] for row in range(len(counts))]


def constrained(coalitions: Coalitions, gains: torch.Tensor, totals: torch.Tensor) -> list[Fit]:
    """Fit each row of `gains` (N, S), the scores of the coalitions less that of the empty one, by values that add up to its total.

    The solution of the weighted least-squares problem whose weights are the Shapley kernel: the Shapley values, where every
    coalition is there. `totals` (N,), float64. All rows share the matrix that solves it.
    """
    shown = coalitions.masks.double()
    if shown.shape[1] < 2:
        return [Fit(total.repeat(shown.shape[1]), torch.zeros(shown.shape[1]).double(), 1.0) for total in totals]

    def solve(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weighted = weights.unsqueeze(1) * shown
        inverse = torch.linalg.pinv(shown.T @ weighted, hermitian=True)
        share = inverse.sum(1) / inverse.sum()
        project = inverse - inverse.sum(1).unsqueeze(1) * share
        return gains @ (weighted @ project) + totals.unsqueeze(1) * share, project

    values, project = solve(coalitions.weights)
    values = values + ((totals - values.sum(1)) / values.shape[1]).unsqueeze(1)  # rounding
    spread = _spread(coalitions, coalitions.weights, shown, gains - values @ shown.T, project)
    stability = _stability(coalitions, lambda weights: solve(weights)[0])
    return [Fit(*fit) for fit in zip(values, spread, stability, strict=True)]


def ridge(coalitions: Coalitions, scores: torch.Tensor, weights: torch.Tensor, penalty: float) -> list[Fit]:
    """Fit each row of `scores` (N, S) by a weighted linear model with an intercept that is not penalised, as scikit-learn's Ridge does."""
    if coalitions.masks.shape[1] == 0:
        return [Fit(torch.zeros(0).double(), torch.zeros(0).double(), 1.0)] * len(scores)
    shown = torch.cat([coalitions.masks.double(), torch.ones(len(weights), 1, dtype=torch.float64)], 1)
    penalties = torch.full((shown.shape[1],), penalty, dtype=torch.float64)
    penalties[-1] = 0

    def solve(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weighted = weights.unsqueeze(1) * shown
        inverse = torch.linalg.pinv(shown.T @ weighted + torch.diag(penalties), hermitian=True)
        return scores @ (weighted @ inverse), inverse

    values, inverse = solve(weights)
    residual = scores - values @ shown.T
    centred = scores - (scores @ weights / weights.sum()).unsqueeze(1)
    explained = 1 - (residual**2 @ weights) / (centred**2 @ weights).clamp(min=1e-300)
    spread = _spread(coalitions, weights, shown, residual, inverse)
    stability = _stability(coalitions, lambda half: solve(half * weights / coalitions.weights)[0][:, :-1])
    rows = zip(values[:, :-1], spread[:, :-1], stability, values[:, -1].tolist(), explained.tolist(), strict=True)
    return [Fit(*fit) for fit in rows]


def _spread(
    coalitions: Coalitions, weights: torch.Tensor, shown: torch.Tensor, residual: torch.Tensor, inverse: torch.Tensor
) -> torch.Tensor:
    """The jackknife estimate of the standard error (N, M), by pair; coalitions that are complete add nothing to it.

    Each pair's residual is divided by one less its leverage, so that the estimate holds where pairs are few (CR3).
    """
    rows, pulls = shown.view(-1, 2, shown.shape[1]), (weights * coalitions.sampled).view(-1, 2, 1)
    leverage = weights.view(-1, 1, 2) * (rows @ inverse @ rows.mT)
    left_out = torch.eye(2, dtype=torch.float64) * (1 + 1e-9) - leverage
    influence = torch.linalg.solve(left_out.mT, pulls * (rows @ inverse))  # of each residual on the values, (S / 2, 2, M)
    return torch.stack([(one.view(-1, 1, 2) @ influence).square().sum((0, 1)).sqrt() for one in residual])


def _stability(coalitions: Coalitions, solve: Callable[[torch.Tensor], torch.Tensor]) -> list[float]:
    """The rank correlation of each row's fits to every other pair drawn; 1 where nothing was drawn."""
    drawn = coalitions.sampled.view(-1, 2)[:, 0]
    odd = (drawn.cumsum(0) % 2 == 1).repeat_interleave(2)
    kept = [torch.where(coalitions.sampled, 2.0 * half, 1.0) for half in (odd, ~odd)]
    halves = [solve(coalitions.weights * part) for part in kept]
    return [1.0 if coalitions.exact else rank_correlation(*pair) for pair in zip(*halves, strict=True)]
