"""Two shares of different samples: how far apart they are, and how far chance could have moved them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from netlens.behaviour.intervals import wilson
from netlens.behaviour.paired import Z95


@dataclass(frozen=True)
class Unpaired:
    """A share of one group against that of another.

    `difference` : the first less the second, with its interval `low` to `high`. `ratio` : the first over the second, with its interval
    `ratio_low` to `ratio_high`. NaN where a group is empty, or where the ratio has no meaning. `n` : the size of the smaller group.
    """

    difference: float
    low: float
    high: float
    ratio: float
    ratio_low: float
    ratio_high: float
    n: int


def unpaired(hits: int, n: int, other_hits: int, other_n: int, z: float = Z95) -> Unpaired:
    """Compare `hits` of `n` with `other_hits` of `other_n`.

    Parameters
    ----------
    z : the normal quantile; 1.96 gives 95 %, a larger one makes up for several comparisons.

    References
    ----------
    Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10. Walter 1975, "The distribution
    of Levin's measure of attributable risk", for the ratio with half a case added.
    """
    one, other = wilson(hits, n, z), wilson(other_hits, other_n, z)
    if n == 0 or other_n == 0:
        nothing = math.nan
        return Unpaired(nothing, nothing, nothing, nothing, nothing, nothing, min(n, other_n))
    difference = one.value - other.value
    down = math.hypot(one.value - one.low, other.high - other.value)
    up = math.hypot(one.high - one.value, other.value - other.low)
    ratio = one.value / other.value if other_hits else math.nan
    centre = math.log((hits + 0.5) / (n + 0.5)) - math.log((other_hits + 0.5) / (other_n + 0.5))
    half = z * math.sqrt(1 / (hits + 0.5) - 1 / (n + 0.5) + 1 / (other_hits + 0.5) - 1 / (other_n + 0.5))
    low, high = math.exp(centre - half), math.exp(centre + half)
    return Unpaired(difference, difference - down, difference + up, ratio, low, high, min(n, other_n))


def wider(comparisons: int) -> float:
    """The normal quantile that keeps a 95 % promise over several comparisons, by Bonferroni."""
    from scipy.stats import norm

    return float(norm.ppf(1 - 0.025 / max(1, comparisons)))
