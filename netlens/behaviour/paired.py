"""The same samples answered twice: what was lost, what was gained, and whether chance explains it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.intervals import wilson
from netlens.errors import ShapeError

Z95 = 1.959963984540054


@dataclass(frozen=True)
class Paired:
    """Two rounds of right and wrong answers to the same `n` samples.

    `before`, `after` : the shares of right answers. `lost` : right before and wrong after; `gained` : the other way round.
    `change` : `after` less `before`, with its 95 % interval `low` to `high`. `kept` : `after` as a share of `before`, with its
    interval `kept_low` to `kept_high`; NaN when nothing was right before. `p` : McNemar's exact p value, two-sided.
    """

    n: int
    before: float
    after: float
    lost: int
    gained: int
    change: float
    low: float
    high: float
    kept: float
    kept_low: float
    kept_high: float
    p: float


def paired(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Paired:
    """Compare right answers (N,) before and after, sample by sample.

    Raises
    ------
    ShapeError : there is no sample, or the two do not hold the same number.

    References
    ----------
    McNemar 1947; Bonett and Price 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based on paired
    data"; Bonett and Price 2006, "Confidence intervals for a ratio of binomial proportions based on paired data".
    """
    from scipy.stats import binomtest

    first, second = np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)
    if first.shape != second.shape or first.ndim != 1 or len(first) == 0:
        problem = f"there are {first.shape} answers before and {second.shape} after"
        raise ShapeError("comparison of answers", problem, expected="one answer before and one after for each sample")
    n, both = len(first), int((first & second).sum())
    lost, gained = int((first & ~second).sum()), int((~first & second).sum())
    low, high = _difference(lost, gained, n)
    kept_low, kept_high = _ratio(both, lost, gained)
    return Paired(
        n=n,
        before=float(first.mean()),
        after=float(second.mean()),
        lost=lost,
        gained=gained,
        change=(gained - lost) / n,
        low=low,
        high=high,
        kept=(both + gained) / (both + lost) if both + lost else math.nan,
        kept_low=kept_low,
        kept_high=kept_high,
        p=float(binomtest(gained, lost + gained).pvalue) if lost + gained else 1.0,
    )


def _difference(lost: int, gained: int, n: int) -> tuple[float, float]:
    """The adjusted Wald interval of a paired difference: one lost and one gained sample are imagined."""
    down, up = (lost + 1) / (n + 2), (gained + 1) / (n + 2)
    half = Z95 * math.sqrt((down + up - (up - down) ** 2) / (n + 2))
    return max(-1.0, up - down - half), min(1.0, up - down + half)


def _ratio(both: int, lost: int, gained: int) -> tuple[float, float]:
    """The hybrid Wilson interval of a paired ratio, from the samples that were right at least once."""
    n = both + lost + gained
    if both + lost == 0:
        return math.nan, math.nan
    marginals = [both + gained, both + lost]
    together = math.sqrt((lost + gained + 2) / ((marginals[0] + 1) * (marginals[1] + 1)))
    apart = sum(math.sqrt((1 - (count + 1) / (n + 2)) / (count + 1)) for count in marginals)
    new, old = (wilson(count, n, z=Z95 * together / apart) for count in marginals)
    return new.low / old.high, new.high / old.low if old.low > 0 else math.inf
