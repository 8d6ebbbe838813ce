"""Two rounds of answers: by hand, against scipy, and the intervals' promise by simulation."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from netlens.behaviour.paired import paired
from netlens.behaviour.unpaired import unpaired, wider
from netlens.errors import ShapeError


def rounds(both, lost, gained, neither):
    before = [True] * (both + lost) + [False] * (gained + neither)
    after = [True] * both + [False] * lost + [True] * gained + [False] * neither
    return np.array(before), np.array(after)


def test_by_hand():
    found = paired(*rounds(70, 20, 5, 5))
    assert (found.n, found.before, found.after, found.lost, found.gained) == (100, 0.9, 0.75, 20, 5)
    assert found.change == pytest.approx(-0.15)
    assert found.kept == pytest.approx(75 / 90)
    assert found.p == binomtest(5, 25).pvalue
    down, up = 21 / 102, 6 / 102
    half = 1.959964 * math.sqrt((down + up - (up - down) ** 2) / 102)
    assert (found.low, found.high) == (pytest.approx(up - down - half), pytest.approx(up - down + half))
    assert found.low < found.change < found.high
    assert found.kept_low < found.kept < found.kept_high


def test_nothing_changed():
    found = paired(*rounds(90, 0, 0, 10))
    assert (found.change, found.kept, found.p) == (0, 1, 1)
    assert found.low < 0 < found.high
    assert found.kept_low < 1 < found.kept_high


def test_nothing_was_right_before():
    found = paired(*rounds(0, 0, 3, 7))
    assert math.isnan(found.kept)
    assert math.isnan(found.kept_low)
    assert found.change == 0.3


def test_everything_was_lost():
    found = paired(*rounds(0, 50, 0, 0))
    assert (found.kept, found.change) == (0, -1)
    assert found.low == -1
    assert 0 <= found.kept_low < 0.01 < found.kept_high < 0.2


@pytest.mark.parametrize("kept", [0.95, 0.7])
def test_the_intervals_hold_the_truth_in_95_of_100_cases(kept):
    draw = np.random.default_rng(0)
    inside = np.zeros((400, 2))
    for row in inside:
        before = draw.random(150) < 0.9
        after = np.where(before, draw.random(150) < kept, draw.random(150) < 0.1)
        truth = 0.9 * kept + 0.1 * 0.1
        found = paired(before, after)
        row[:] = found.low <= truth - 0.9 <= found.high, found.kept_low <= truth / 0.9 <= found.kept_high
    assert (inside.mean(0) >= 0.925).all()
    assert (inside.mean(0) <= 0.99).all()


@pytest.mark.parametrize(("before", "after"), [([], []), ([True], [True, False])])
def test_answers_that_do_not_fit(before, after):
    with pytest.raises(ShapeError, match="one answer before and one after"):
        paired(np.array(before, dtype=bool), np.array(after, dtype=bool))


def test_different_samples_by_hand():
    # Newcombe 1998, table II, example (a): 56/70 against 48/80, method 10
    found = unpaired(56, 70, 48, 80)
    assert found.difference == pytest.approx(0.2)
    assert (found.low, found.high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    assert found.ratio == pytest.approx(0.8 / 0.6)
    assert found.ratio_low < found.ratio < found.ratio_high


def test_the_ratio_holds_the_truth_in_95_of_100_cases():
    draw = np.random.default_rng(0)
    tries = [unpaired(int(draw.binomial(120, 0.4)), 120, int(draw.binomial(200, 0.5)), 200) for _ in range(500)]
    inside = np.mean([one.ratio_low <= 0.8 <= one.ratio_high for one in tries])
    assert 0.93 <= inside <= 0.98


def test_empty_groups_say_nothing():
    found = unpaired(0, 0, 3, 5)
    assert math.isnan(found.difference)
    assert math.isnan(found.ratio_high)
    assert math.isnan(unpaired(2, 5, 0, 5).ratio)


def test_bonferroni():
    assert wider(1) == pytest.approx(1.959964)
    assert wider(10) == pytest.approx(norm.ppf(1 - 0.0025))
