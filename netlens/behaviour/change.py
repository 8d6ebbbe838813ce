"""What a new model fixes and what it breaks, sample by sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.paired import Paired, paired
from netlens.errors import ShapeError


@dataclass(frozen=True)
class Change:
    """Two models on the same samples.

    `overall` : the comparison of right answers; its `p` is McNemar's. `by_class` : the same for each class with samples.
    `fixed`, `broken` : positions of the samples. `moved` : the share of samples with another answer, right or wrong.
    """

    overall: Paired
    by_class: dict[str, Paired]
    fixed: NDArray[np.int64]
    broken: NDArray[np.int64]
    moved: float


def change(before: NDArray[np.int64], after: NDArray[np.int64], labels: NDArray[np.int64], classes: tuple[str, ...]) -> Change:
    """Compare the answers (N,) of two models to the same samples.

    Raises
    ------
    ShapeError : the shapes differ, or there is no sample.

    References
    ----------
    McNemar 1947, "Note on the sampling error of the difference between correlated proportions or percentages".
    """
    if not len(before) == len(after) == len(labels) or len(labels) == 0:
        problem = f"there are {len(before)} answers before, {len(after)} after and {len(labels)} labels"
        raise ShapeError("change", problem, expected="one of each for every sample")
    old, new = before == labels, after == labels
    by_class = {
        name: paired(old[labels == label], new[labels == label]) for label, name in enumerate(classes) if (labels == label).any()
    }
    fixed, broken = np.flatnonzero(~old & new), np.flatnonzero(old & ~new)
    return Change(paired(old, new), by_class, fixed, broken, float((before != after).mean()))
