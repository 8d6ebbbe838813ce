"""Where is a model weakest? Segments of the data, with a correction for having looked at many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.intervals import Rate, wilson
from netlens.behaviour.unpaired import wider
from netlens.errors import ShapeError

LEVEL = 0.05
ENOUGH = 30


@dataclass(frozen=True)
class Slice:
    """The samples whose `attribute` has this `value`.

    `rate` : the share of right answers, with its 95 % interval. `rest` : that of all other samples. `gap` : how far `rate` lies below
    the accuracy over all samples, as a share of it; `gap_low` and `gap_high` its interval, widened for the number of slices.
    `p` : how likely so weak a slice is by chance alone, one-sided. `q` : the same after the correction over all slices.
    """

    attribute: str
    value: str
    rate: Rate
    rest: Rate
    gap: float
    gap_low: float
    gap_high: float
    p: float
    q: float

    @property
    def name(self) -> str:
        """What the slice is called: `brightness: low`."""
        return f"{self.attribute}: {self.value}"


@dataclass(frozen=True)
class Slices:
    """Slices with at least `enough` samples, the weakest first. `skipped` : how many had fewer. `accuracy` : over all samples."""

    accuracy: Rate
    slices: tuple[Slice, ...]
    skipped: int
    enough: int

    @property
    def weak(self) -> tuple[Slice, ...]:
        """The slices that are weaker than chance explains, after the correction."""
        return tuple(one for one in self.slices if one.q < LEVEL)


def slices(right: NDArray[np.bool_], attributes: Mapping[str, NDArray[np.str_]], *, enough: int = ENOUGH) -> Slices:
    """Look for segments in which the answers are right less often.

    Parameters
    ----------
    right : (N,) whether each answer is right. attributes : one value a sample for each attribute.
    enough : the fewest samples of a slice, and of the rest.

    Raises
    ------
    ShapeError : there is no sample, or an attribute has another number of values.

    Notes
    -----
    A slice is compared with the rest by Fisher's exact test, one-sided; the p values are corrected by Benjamini and Hochberg 1995.
    """
    right = np.asarray(right, dtype=bool)
    for name, values in attributes.items():
        if len(values) != len(right):
            problem = f"the attribute '{name}' has {len(values)} values for {len(right)} samples"
            raise ShapeError("slices", problem, expected="one value for each sample")
    if len(right) == 0:
        raise ShapeError("slices", "there is no sample", expected="at least one")
    members = [
        (name, str(value), np.asarray(values) == value) for name, values in attributes.items() for value in np.unique(values)
    ]
    judged = [entry for entry in members if enough <= entry[2].sum() <= len(right) - enough]
    p = np.array([_weaker(right, inside) for _, _, inside in judged])
    accuracy, z = wilson(int(right.sum()), len(right)), wider(len(judged))
    found = [
        _slice(right, accuracy, entry, z, float(one), float(corrected))
        for entry, one, corrected in zip(judged, p, benjamini_hochberg(p), strict=True)
    ]
    return Slices(accuracy, tuple(sorted(found, key=lambda one: (one.rate.value, one.p))), len(members) - len(judged), enough)


def _slice(
    right: NDArray[np.bool_], accuracy: Rate, entry: tuple[str, str, NDArray[np.bool_]], z: float, p: float, q: float
) -> Slice:
    attribute, value, inside = entry
    hits, n = int(right[inside].sum()), int(inside.sum())
    wide, overall = wilson(hits, n, z), accuracy.value
    gap, gap_low, gap_high = (1 - share / overall if overall else 0.0 for share in (hits / n, wide.high, wide.low))
    rest = wilson(accuracy.hits - hits, accuracy.n - n)
    return Slice(attribute, value, wilson(hits, n), rest, gap, gap_low, gap_high, p, q)


def _weaker(right: NDArray[np.bool_], inside: NDArray[np.bool_]) -> float:
    """The chance of so few right answers among as many samples drawn from all of them."""
    from scipy.stats import hypergeom

    return float(hypergeom.cdf(right[inside].sum(), len(right), right.sum(), inside.sum()))


def benjamini_hochberg(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correct p values so that, of those called small, only a small share is so by chance."""
    order = np.argsort(p)[::-1]
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    found = np.empty_like(p)
    found[order] = np.minimum.accumulate(scaled) if len(p) else scaled
    return np.minimum(found, 1)
