"""A share of cases and how far chance alone could have moved it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """`hits` out of `n` cases: `value`, and the 95 % interval from `low` to `high`. Without cases, the three are NaN."""

    hits: int
    n: int
    value: float
    low: float
    high: float


def wilson(hits: int, n: int, z: float = 1.959963984540054) -> Rate:
    """Compute the Wilson score interval of a share.

    Parameters
    ----------
    hits, n : how many of how many.
    z : the normal quantile; 1.96 gives 95 %.

    References
    ----------
    Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if not 0 <= hits <= n:
        raise ValueError(f"wilson: {hits} of {n} is no share")
    if n == 0:
        return Rate(0, 0, math.nan, math.nan, math.nan)
    share, weight = hits / n, z * z / n
    centre = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / n + weight / (4 * n))
    low = 0.0 if hits == 0 else centre - half  # exact at the ends, where rounding would leave 0.9999999999999998
    high = 1.0 if hits == n else centre + half
    return Rate(hits, n, share, low, high)
