"""Wilson intervals against SciPy's."""

import math

import pytest
from scipy.stats import binomtest, norm

from netlens.behaviour import wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 30), (30, 30), (1, 7), (53, 100), (987, 1000), (9999, 10000)])
@pytest.mark.parametrize("level", [0.95, 0.5, 0.995])
def test_the_interval_is_scipys(hits, n, level):
    expected = binomtest(hits, n).proportion_ci(level, method="wilson")
    rate = wilson(hits, n, z=float(norm.ppf(0.5 + level / 2)))
    assert (rate.hits, rate.n, rate.value) == (hits, n, hits / n)
    assert rate.low == pytest.approx(expected.low, abs=1e-12)
    assert rate.high == pytest.approx(expected.high, abs=1e-12)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1


def test_95_percent_is_the_default():
    expected = binomtest(40, 50).proportion_ci(0.95, method="wilson")
    assert (wilson(40, 50).low, wilson(40, 50).high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_nothing_out_of_nothing_is_unknown():
    rate = wilson(0, 0)
    assert (rate.hits, rate.n) == (0, 0)
    assert all(math.isnan(value) for value in (rate.value, rate.low, rate.high))


@pytest.mark.parametrize(("hits", "n"), [(3, 2), (-1, 2), (1, 0)])
def test_what_is_no_share_is_refused(hits, n):
    with pytest.raises(ValueError, match=f"wilson: {hits} of {n} is no share"):
        wilson(hits, n)
