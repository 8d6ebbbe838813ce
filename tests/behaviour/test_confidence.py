"""Selective answers, the Brier score, the worst bin, membership inference, the drop, the change: by hand and by simulation."""

import math

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from netlens.behaviour import calibration
from netlens.behaviour.brier import brier, worst_bin
from netlens.behaviour.change import change
from netlens.behaviour.generalisation import generalisation
from netlens.behaviour.membership import losses, membership
from netlens.behaviour.selective import selective
from netlens.errors import ShapeError


def test_error_against_coverage_by_hand():
    found = selective(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]), coverage=(0.5, 0.75, 1.0))
    assert [(one.hits, one.n) for one in found.error] == [(0, 2), (1, 3), (1, 4)]
    assert found.area == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)
    assert found.best == pytest.approx(1 / 4 / 4)
    assert found.blind == 0.25
    assert found.knows.value == pytest.approx(2 / 3)


def test_the_order_of_equal_confidences_does_not_matter():
    confidence, right = np.full(10, 0.5), np.array([True] * 5 + [False] * 5)
    one, other = selective(confidence, right), selective(confidence, right[::-1])
    assert one.area == other.area == one.blind
    assert one.knows.value == 0.5


def test_all_right_leaves_nothing_to_know():
    assert selective(np.array([0.9, 0.8]), np.array([True, True])).knows is None
    with pytest.raises(ShapeError, match="one of each"):
        selective(np.array([0.9]), np.array([True, False]))


def test_brier():
    probabilities, labels = np.array([[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]]), np.array([0, 1, 1])
    found = brier(probabilities, labels)
    assert found.value == pytest.approx(2 * brier_score_loss(labels, probabilities[:, 1]))
    assert found.low < found.value < found.high
    assert found.guess == pytest.approx(1 - (1 / 9 + 4 / 9))
    assert math.isnan(brier(probabilities[:1], labels[:1]).low)


def test_the_worst_bin():
    sure = np.concatenate([np.full(100, 0.95), np.full(100, 0.65), np.full(5, 0.55)])
    right = np.concatenate([np.ones(95), np.zeros(5), np.ones(30), np.zeros(70), np.zeros(5)]).astype(bool)
    probabilities = np.stack([sure, 1 - sure], 1)
    result = calibration(probabilities, np.where(right, 0, 1))
    found = worst_bin(result)
    assert (found.rate.hits, found.rate.n, found.chance) == (30, 100, False)
    assert found.value == pytest.approx(0.35)
    assert worst_bin(result, enough=1000) is None


def test_the_worst_bin_of_a_perfect_model_is_rarely_called_more_than_chance():
    # Nine bins hold enough answers, and the worst of nine lies outside its own 95 % band in a third of all tries.
    found = []
    for seed in range(200):
        draw = np.random.default_rng(seed)
        sure = draw.uniform(0.4, 1, 600)
        rest = (1 - sure) / 9
        labels = np.where(draw.random(600) < sure, 0, 1)
        found.append(worst_bin(calibration(np.column_stack([sure, *[rest] * 9]), labels, simulations=2)))
    assert np.mean([not one.chance for one in found]) <= 0.08


def drawn(seed, n=300, by=0.0):
    draw = np.random.default_rng(seed)
    return draw.exponential(1, n) * (1 - by), draw.exponential(1, n)


def test_losses():
    found = losses(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 1]))
    assert found[0] == pytest.approx(math.log(2))
    assert np.isfinite(found[1])


def test_a_model_that_forgets_is_rarely_accused():
    alarms = np.mean([membership(*drawn(seed), simulations=100, seed=seed).auc.value > 0.5 + 0.04 for seed in range(60)])
    above = np.mean([(one := membership(*drawn(seed), simulations=100, seed=seed)).auc.value > one.null for seed in range(60)])
    assert alarms <= 0.12
    assert 0 <= above <= 0.15


def test_a_model_that_remembers_is_caught():
    found = membership(*drawn(0, by=0.7))
    assert found.auc.low > 0.6
    assert found.auc.value > found.null
    assert (found.false[0], found.true[-1]) == (0, 1)


def test_the_strict_rate_by_hand():
    members, others = np.array([0.0] * 30 + [5.0] * 70), np.arange(1.0, 201.0)
    found = membership(members, others, simulations=20)
    # 1 % of 200 others may be accused: the two with the smallest loss, 1 and 2; so a loss below 3 is a member
    assert (found.caught.hits, found.caught.n) == (30, 100)
    assert found.caught_null < 0.1
    with pytest.raises(ShapeError, match="at least 1"):
        membership(members, others, simulations=0)


def test_the_drop():
    found = generalisation(np.array([True] * 95 + [False] * 5), np.array([True] * 76 + [False] * 24))
    assert found.drop == pytest.approx(0.2)
    assert 0.05 < found.low < 0.2 < found.high < 0.35


def test_a_change_by_hand():
    before, after, labels = np.array([0, 1, 1, 0, 0]), np.array([0, 0, 1, 1, 0]), np.array([0, 0, 1, 0, 1])
    found = change(before, after, labels, ("a", "b", "c"))
    assert (found.fixed.tolist(), found.broken.tolist()) == ([1], [3])
    assert list(found.by_class) == ["a", "b"]
    assert (found.by_class["a"].gained, found.by_class["a"].lost, found.by_class["b"].n) == (1, 1, 2)
    assert found.moved == 0.4
    assert found.overall.p == 1
    with pytest.raises(ShapeError, match="one of each"):
        change(before, after[:2], labels, ("a", "b", "c"))
