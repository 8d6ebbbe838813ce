"""Weighted least squares over coalitions, with the standard error that comes from having drawn only some of them."""

from __future__ import annotations

from collections.abc import Callable
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


def constrained(coalitions: Coalitions, gain: torch.Tensor, total: float) -> Fit:
    """Fit `gain` (S,), the score of each coalition less that of the empty one, by values that add up to `total` exactly.

    The solution of the weighted least-squares problem whose weights are the Shapley kernel: the Shapley values, where every
    coalition is there.
    """
    shown = coalitions.masks.double()
    if shown.shape[1] < 2:
        values = torch.full((shown.shape[1],), total, dtype=torch.float64)
        return Fit(values, torch.zeros_like(values), 1.0)

    def solve(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        inverse = torch.linalg.pinv(shown.T @ (weights.unsqueeze(1) * shown), hermitian=True)
        by_one = inverse.sum(1)
        project = inverse - by_one.unsqueeze(1) * by_one / by_one.sum()
        return project @ (shown.T @ (weights * gain)) + by_one / by_one.sum() * total, project

    values, project = solve(coalitions.weights)
    values = values + (total - values.sum()) / len(values)  # rounding
    spread = _spread(coalitions, coalitions.weights, shown, gain - shown @ values, project)
    return Fit(values, spread, _stability(coalitions, lambda weights: solve(weights)[0]))


def ridge(coalitions: Coalitions, scores: torch.Tensor, weights: torch.Tensor, penalty: float) -> Fit:
    """Fit `scores` (S,) by a weighted linear model with an intercept that is not penalised, as scikit-learn's Ridge does."""
    if coalitions.masks.shape[1] == 0:
        return Fit(torch.zeros(0).double(), torch.zeros(0).double(), 1.0)
    shown = torch.cat([coalitions.masks.double(), torch.ones(len(scores), 1, dtype=torch.float64)], 1)
    penalties = torch.full((shown.shape[1],), penalty, dtype=torch.float64)
    penalties[-1] = 0

    def solve(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        inverse = torch.linalg.pinv(shown.T @ (weights.unsqueeze(1) * shown) + torch.diag(penalties), hermitian=True)
        return inverse @ (shown.T @ (weights * scores)), inverse

    values, inverse = solve(weights)
    residual = scores - shown @ values
    centred = scores - (weights * scores).sum() / weights.sum()
    unexplained = float((weights * residual**2).sum() / (weights * centred**2).sum().clamp(min=1e-300))
    spread = _spread(coalitions, weights, shown, residual, inverse)
    stability = _stability(coalitions, lambda half: solve(half * weights / coalitions.weights)[0][:-1])
    return Fit(values[:-1], spread[:-1], stability, float(values[-1]), 1 - unexplained)


def _spread(
    coalitions: Coalitions, weights: torch.Tensor, shown: torch.Tensor, residual: torch.Tensor, inverse: torch.Tensor
) -> torch.Tensor:
    """The jackknife estimate of the standard error, by pair; coalitions that are complete add nothing to it.

    Each pair's residual is divided by one less its leverage, so that the estimate holds where pairs are few (CR3).
    """
    rows, pulls = shown.view(-1, 2, shown.shape[1]), (weights * coalitions.sampled).view(-1, 2, 1)
    leverage = weights.view(-1, 1, 2) * (rows @ inverse @ rows.mT)
    left_out = torch.eye(2, dtype=torch.float64) * (1 + 1e-9) - leverage
    errors = torch.linalg.solve(left_out, residual.view(-1, 2, 1))
    pairs: torch.Tensor = (pulls * errors * rows).sum(1)
    return (pairs @ inverse).square().sum(0).sqrt()


def _stability(coalitions: Coalitions, solve: Callable[[torch.Tensor], torch.Tensor]) -> float:
    """The rank correlation of the fits to every other pair drawn; 1 where nothing was drawn."""
    if coalitions.exact:
        return 1.0
    drawn = coalitions.sampled.view(-1, 2)[:, 0]
    odd = (drawn.cumsum(0) % 2 == 1).repeat_interleave(2)
    halves = []
    for half in (odd, ~odd):
        kept = torch.where(coalitions.sampled, 2.0 * half, 1.0)
        halves.append(solve(coalitions.weights * kept))
    return rank_correlation(*halves)
