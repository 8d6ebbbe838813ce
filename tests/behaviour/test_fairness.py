"""Groups: rates by hand, planted unfairness found, and identical groups left in peace."""

import numpy as np
import pytest

from netlens.behaviour.fairness import FALSE, FOUND, RIGHT, SELECTED, fairness
from netlens.errors import ShapeError


def same(n, seed, rate=0.5):
    """Two groups that differ in nothing, `n` cases each."""
    draw = np.random.default_rng(seed)
    labels = (draw.random(2 * n) < rate).astype(int)
    return (draw.random(2 * n) < rate).astype(int), labels, np.repeat(["a", "b"], n)


def test_rates_by_hand():
    predictions = np.array([1, 1, 0, 0, 1, 0, 0, 0])
    labels = np.array([1, 0, 1, 0, 1, 1, 0, 0])
    groups = np.array(["a"] * 4 + ["b"] * 4)
    found = fairness(predictions, labels, groups, favourable=1, enough=1)
    told = {rate: [(one.hits, one.n) for one in each.values()] for rate, each in found.rates.items()}
    assert told == {RIGHT: [(2, 4), (3, 4)], SELECTED: [(2, 4), (1, 4)], FOUND: [(1, 2), (1, 2)], FALSE: [(1, 2), (0, 2)]}
    assert found.gaps[0].rate == FALSE
    assert (found.gaps[0].lower, found.gaps[0].higher) == ("b", "a")


def test_a_naive_audit_of_two_groups_of_50_cries_wolf_in_47_of_100_cases():
    naive, ours = 0, 0
    for seed in range(400):
        predictions, labels, groups = same(50, seed, rate=0.4)
        shares = [predictions[groups == name].mean() for name in "ab"]
        naive += min(shares) / max(shares) < 0.8
        ours += any(one.real for one in fairness(predictions, labels, groups, favourable=1).gaps)
    assert 0.35 < naive / 400 < 0.6
    assert ours == 0  # fewer than 100 cases are not compared


@pytest.mark.parametrize("n", [100, 400])
def test_identical_groups_are_rarely_told_apart(n):
    real = [any(one.real for one in fairness(*same(n, seed), favourable=1, enough=30).gaps) for seed in range(300)]
    assert np.mean(real) <= 0.05


def test_planted_unfairness_is_found():
    predictions, labels, groups = same(400, 0)
    predictions[:400][np.random.default_rng(1).random(400) < 0.4] = 0
    first = fairness(predictions, labels, groups, favourable=1).gaps[0]
    assert first.real
    assert (first.lower, first.higher) == ("a", "b")
    assert first.by.ratio_high < 0.8


def test_without_a_favourable_answer_only_right_answers_are_compared():
    found = fairness(*same(150, 0))
    assert list(found.rates) == [RIGHT]
    assert len(found.gaps) == 1


def test_small_groups_are_named_and_not_compared():
    predictions, labels, groups = same(150, 0)
    groups = np.where(np.arange(300) < 20, "c", groups)
    found = fairness(predictions, labels, groups)
    assert found.few == ((RIGHT, "c"),)
    assert {(one.lower, one.higher) for one in found.gaps} <= {("a", "b"), ("b", "a")}


def test_more_groups_widen_the_intervals():
    predictions, labels, _ = same(300, 0)
    two, six = (fairness(predictions, labels, np.resize(np.array(list("abcdef")[:k]), 600)) for k in (2, 6))
    assert len(six.gaps) == 15

    def width(one):
        return (one.by.high - one.by.low) / (1 / one.by.n) ** 0.5

    assert width(six.gaps[0]) > 1.2 * width(two.gaps[0])


def test_groups_that_do_not_match():
    with pytest.raises(ShapeError, match="2 answers, 2 labels and 1 groups"):
        fairness(np.zeros(2, int), np.zeros(2, int), np.array(["a"]))
