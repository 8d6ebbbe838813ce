"""Likely wrong labels: by hand, and planted ones are found."""

import numpy as np
import pytest

from netlens.behaviour.label_issues import label_issues
from netlens.errors import ShapeError


def test_by_hand():
    # usual confidence: class 0 (0.9 + 0.7 + 0.2) / 3 = 0.6, class 1 (0.9 + 0.5) / 2 = 0.7
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9], [0.5, 0.5]])
    found = label_issues(probabilities, np.array([0, 0, 0, 1, 1]))
    assert found.samples.tolist() == [2]
    assert found.suggested.tolist() == [1]
    assert found.margin.tolist() == [pytest.approx(0.6)]
    assert found.joint.tolist() == [[2, 1], [0, 1]]
    assert (found.share.hits, found.share.n) == (1, 5)


def honest(n, seed, classes=4):
    """Labels drawn from the probabilities of a model that tells classes well apart."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, classes, n)
    scores = draw.normal(0, 1, (n, classes)) + 6 * np.eye(classes)[truth]
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    return probabilities, truth


def test_planted_labels_are_found_and_few_others():
    probabilities, truth = honest(1000, 0)
    labels = truth.copy()
    planted = np.random.default_rng(1).choice(1000, 80, replace=False)
    labels[planted] = (labels[planted] + 1) % 4
    found = label_issues(probabilities, labels)
    assert len(set(found.samples) & set(planted)) >= 76
    assert len(set(found.samples) - set(planted)) <= 5
    assert (found.suggested == truth[found.samples])[:70].all()
    assert (np.diff(found.margin) <= 0).all()


def test_clean_labels_are_left_alone():
    assert label_issues(*honest(1000, 0)).share.value < 0.005


def test_a_class_without_samples_is_never_suggested():
    probabilities = np.array([[0.1, 0.1, 0.8], [0.2, 0.1, 0.7]])
    assert 2 not in label_issues(probabilities, np.array([0, 1])).suggested


@pytest.mark.parametrize(
    ("probabilities", "labels", "said"),
    [
        (np.zeros((2, 2)), np.array([0]), "one row of probabilities for each label"),
        (np.zeros((0, 2)), np.array([], dtype=int), "one row of probabilities for each label"),
        (np.array([[np.nan, 1.0]]), np.array([0]), "not finite"),
    ],
)
def test_what_cannot_be_judged(probabilities, labels, said):
    with pytest.raises(ShapeError, match=said):
        label_issues(probabilities, labels)
