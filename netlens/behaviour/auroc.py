"""How well a number tells two kinds of samples apart: the area under the ROC curve, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.paired import Z95
from netlens.errors import ShapeError


@dataclass(frozen=True)
class Auroc:
    """`value`: the chance that a positive sample has the greater number (ties count half), with its 95 % interval; 0.5 is a guess.

    `n`, `other_n` : how many positive and how many negative samples.
    """

    value: float
    low: float
    high: float
    n: int
    other_n: int


def auroc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> Auroc:
    """Compare the numbers of positive samples (P,) with those of negative ones (N,).

    Raises
    ------
    ShapeError : one of the two is empty or holds NaN.

    References
    ----------
    Hanley and McNeil 1982 for the area; Newcombe 2006, "Confidence intervals for an effect size measure based on the Mann-Whitney
    statistic. Part 2", method 5, for an interval that also holds near 1.
    """
    from scipy.stats import rankdata

    high, low = np.asarray(positive, dtype=float), np.asarray(negative, dtype=float)
    if min(len(high), len(low)) == 0 or np.isnan(high).any() or np.isnan(low).any():
        problem = f"there are {len(high)} positive and {len(low)} negative numbers, {np.isnan(high).sum() + np.isnan(low).sum()} of them NaN"
        raise ShapeError("AUROC", problem, expected="at least one number on each side")
    ranks = rankdata(np.concatenate([high, low]))
    value = float((ranks[: len(high)].sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))
    return Auroc(value, *score_interval(value, len(high), len(low)), len(high), len(low))


def score_interval(value: float, n: int, other_n: int, z: float = Z95) -> tuple[float, float]:
    """All areas that `value` does not contradict: those within z standard errors, taken at the area itself."""
    spare = (n + other_n) / 2 - 1

    def gap(area: float) -> float:
        variance = area * (1 - area) * (1 + spare * (1 - area) / (2 - area) + spare * area / (1 + area)) / (n * other_n)
        return abs(area - value) - z * math.sqrt(variance)

    return _edge(gap, value, 0.0), _edge(gap, value, 1.0)


def _edge(gap: object, value: float, end: float) -> float:
    """Where `gap` turns positive between `value` and `end`, by halving; `end` when it never does."""
    assert callable(gap)
    inside, outside = value, end
    if value == end or gap(end) < 0:
        return end
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if gap(middle) <= 0 else (inside, middle)
    return (inside + outside) / 2


def roc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The ROC curve: for each threshold from the strictest on, the share of negatives and of positives at or above it."""
    cuts = np.unique(np.concatenate([positive, negative]))[::-1]
    false, true = (np.searchsorted(np.sort(-np.asarray(side)), -cuts, side="right") / len(side) for side in (negative, positive))
    return np.concatenate([[0.0], false]), np.concatenate([[0.0], true])
