"""The area under the ROC curve: by hand, against scikit-learn, and its interval by simulation."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from netlens.behaviour.auroc import auroc, roc, score_interval
from netlens.errors import ShapeError


def test_by_hand():
    assert auroc(np.array([3.0, 1.0]), np.array([2.0, 0.0])).value == 0.75
    assert auroc(np.array([1.0]), np.array([1.0, 0.0])).value == 0.75  # a tie counts half


def test_scikit_learn_agrees():
    draw = np.random.default_rng(0)
    high, low = draw.normal(0.5, 1, 80).round(1), draw.normal(0, 1, 120).round(1)
    found = auroc(high, low)
    assert found.value == pytest.approx(roc_auc_score([1] * 80 + [0] * 120, np.concatenate([high, low])))
    assert (found.n, found.other_n) == (80, 120)
    false, true = roc(high, low)
    assert np.trapezoid(true, false) == pytest.approx(found.value)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)


def test_perfect_separation_still_has_an_interval():
    found = auroc(np.arange(10.0) + 100, np.arange(10.0))
    assert (found.value, found.high) == (1, 1)
    assert 0.6 < found.low < 0.95


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.5])
def test_the_interval_holds_the_truth_in_95_of_100_cases(shift):
    draw = np.random.default_rng(1)
    truth = norm.cdf(shift / np.sqrt(2))
    found = [auroc(draw.normal(shift, 1, 60), draw.normal(0, 1, 60)) for _ in range(300)]
    inside = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.92 <= inside <= 0.99


def test_the_interval_shrinks_with_the_number():
    few, many = score_interval(0.8, 20, 20), score_interval(0.8, 2000, 2000)
    assert few[0] < many[0] < 0.8 < many[1] < few[1]


@pytest.mark.parametrize(("high", "low"), [([], [1.0]), ([1.0], []), ([float("nan")], [1.0])])
def test_nothing_to_compare(high, low):
    with pytest.raises(ShapeError, match="at least one number on each side"):
        auroc(np.array(high), np.array(low))
