"""Learned or learned by heart: how much worse a model is on new samples than on those it was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.intervals import Rate, wilson
from netlens.behaviour.unpaired import unpaired


@dataclass(frozen=True)
class Drop:
    """`train` and `test` accuracy; `drop` how much lower the second is, as a share of the first, with its 95 % interval."""

    train: Rate
    test: Rate
    drop: float
    low: float
    high: float


def generalisation(train: NDArray[np.bool_], test: NDArray[np.bool_]) -> Drop:
    """Compare right answers to training samples with those to test samples."""
    seen, new = (wilson(int(np.sum(right)), len(right)) for right in (train, test))
    by = unpaired(new.hits, new.n, seen.hits, seen.n)
    return Drop(seen, new, 1 - by.ratio, 1 - by.ratio_high, 1 - by.ratio_low)
