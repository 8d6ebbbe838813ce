"""If the model may decline: how wrong it is on the cases that it is surest of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.auroc import Auroc, auroc
from netlens.behaviour.intervals import Rate, wilson
from netlens.errors import ShapeError

COVERAGES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Selective:
    """Error against coverage.

    `coverage` : the shares of samples that are answered, the surest first; `error` one Rate for each. `area` : the mean error over all
    coverages; `best` and `blind` : the area of a model that knows its errors, and of one that declines at random.
    `knows` : how well confidence tells right from wrong answers; None when all are right or all are wrong.
    """

    coverage: tuple[float, ...]
    error: tuple[Rate, ...]
    area: float
    best: float
    blind: float
    knows: Auroc | None


def selective(confidence: NDArray[np.float64], right: NDArray[np.bool_], coverage: tuple[float, ...] = COVERAGES) -> Selective:
    """Measure the error of the surest answers.

    Parameters
    ----------
    confidence, right : (N,). Among equal confidences the error is spread evenly, so that the order of the samples does not matter.

    Raises
    ------
    ShapeError : there is no sample, or the shapes differ.

    References
    ----------
    El-Yaniv and Wiener 2010, "On the foundations of noise-free selective classification"; Geifman and El-Yaniv 2017, arXiv:1705.08500.
    """
    right = np.asarray(right, dtype=bool)
    if len(right) == 0 or len(right) != len(confidence):
        problem = f"there are {len(confidence)} confidences and {len(right)} answers"
        raise ShapeError("error against coverage", problem, expected="one of each for every sample")
    order = np.argsort(-confidence, kind="stable")
    wrong = _evened(confidence[order], ~right[order])
    n, total = len(right), int((~right).sum())
    counts = [max(1, round(share * n)) for share in coverage]
    errors = np.cumsum(wrong)
    rates = tuple(wilson(round(errors[count - 1]), count) for count in counts)
    perfect = np.concatenate([np.zeros(n - total), np.ones(total)])
    areas = [float((np.cumsum(line) / np.arange(1, n + 1)).mean()) for line in (wrong, perfect)]
    knows = auroc(confidence[right], confidence[~right]) if 0 < total < n else None
    return Selective(coverage, rates, areas[0], areas[1], total / n, knows)


def _evened(confidence: NDArray[np.float64], wrong: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The mean error of each run of equal confidences, in the place of each of its samples."""
    _, place, count = np.unique(confidence, return_inverse=True, return_counts=True)
    return (np.bincount(place, weights=wrong) / count)[place]
