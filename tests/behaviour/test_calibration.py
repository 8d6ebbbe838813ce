"""Calibration: bins by hand, and models whose calibration is known because they are made that way."""

import math

import numpy as np
import pytest

from netlens.behaviour import calibration, wilson

BY_HAND = np.array([[0.6, 0.4], [0.55, 0.45], [0.1, 0.9], [0.2, 0.8], [1.0, 0.0]])
LABELS = np.array([0, 1, 1, 1, 0])  # right, wrong, right, right, right


def simulated(n, seed, *, low=0.5, honest=True):
    """Answers of a model whose confidence is uniform between `low` and 1; an honest one is right exactly that often."""
    draw = np.random.default_rng(seed)
    sure = draw.uniform(low, 1, n)
    right = draw.random(n) < (sure if honest else sure - 0.2)
    return np.stack([sure, 1 - sure], 1), np.where(right, 0, 1)


def test_bins_by_hand():
    result = calibration(BY_HAND, LABELS, bins=4)
    assert result.edges.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert [rate.n for rate in result.accuracy] == [0, 0, 2, 3]
    assert result.accuracy[2:] == (wilson(1, 2), wilson(3, 3))
    assert np.isnan(result.confidence[:2]).all()
    assert result.confidence[2:] == pytest.approx([0.575, 0.9])


def test_the_expected_error_by_hand():
    # two samples whose rates differ by 0.075, three that differ by 0.1
    assert calibration(BY_HAND, LABELS, bins=4).ece == pytest.approx((2 * 0.075 + 3 * 0.1) / 5)


def test_a_confidence_on_an_edge_belongs_to_the_bin_below_it():
    result = calibration(np.array([[0.5, 0.5], [0.75, 0.25], [1.0, 0.0]]), np.zeros(3, int), bins=4)
    assert [rate.n for rate in result.accuracy] == [0, 1, 1, 1]


def test_one_bin_compares_the_means():
    result = calibration(BY_HAND, LABELS, bins=1)
    assert result.ece == pytest.approx(abs(0.8 - (0.6 + 0.55 + 0.9 + 0.8 + 1.0) / 5))


@pytest.mark.parametrize("n", [200, 1000])
def test_the_error_that_chance_alone_shows_is_the_one_of_theory(n):
    # A bin of m answers scatters by sqrt(p (1 - p) / m); the mean size of that is sqrt(2 / pi) of it. From 0.5 to 1 there are
    # 7.5 bins, and the mean of sqrt(p (1 - p)) is pi / 8. This gives 0.061 for 200 samples and 0.027 for 1,000.
    expected = math.sqrt(2 / math.pi) * math.pi / 8 * math.sqrt(7.5 / n)
    found = np.mean([calibration(*simulated(n, seed), simulations=2).ece for seed in range(200)])
    assert found == pytest.approx(expected, rel=0.06)


def test_a_calibrated_model_lies_below_the_null_about_95_times_in_100():
    tries = 200
    below = 0
    for seed in range(tries):
        result = calibration(*simulated(200, seed), simulations=300, seed=seed)
        below += result.ece <= result.null
    assert 0.90 <= below / tries <= 0.99


def test_an_over_confident_model_lies_above_the_null():
    result = calibration(*simulated(500, 0, honest=False))
    assert result.ece > result.null + 0.05
    assert result.ece == pytest.approx(0.2, abs=0.05)


def test_the_band_holds_95_percent_of_a_calibrated_models_bins():
    inside = []
    for seed in range(60):
        result = calibration(*simulated(600, seed), simulations=300, seed=seed)
        values = np.array([rate.value for rate in result.accuracy])
        many = np.array([rate.n for rate in result.accuracy]) >= 20
        inside += ((result.band[many, 0] <= values[many]) & (values[many] <= result.band[many, 1])).tolist()
    assert 0.93 <= np.mean(inside) <= 0.99


def test_bins_without_samples_have_no_band():
    result = calibration(BY_HAND, LABELS, bins=4)
    assert np.isnan(result.band).any(1).tolist() == [True, True, False, False]


def test_a_model_that_is_sure_and_always_right_has_no_error():
    result = calibration(np.array([[1.0, 0.0]] * 5), np.zeros(5, int))
    assert (result.ece, result.null) == (0, 0)


def test_one_seed_one_answer():
    data = simulated(100, 0)
    first, again, other = (calibration(*data, simulations=50, seed=seed) for seed in (1, 1, 2))
    assert first.null == again.null != other.null
    assert np.array_equal(first.band, again.band, equal_nan=True)
    assert first.ece == other.ece
