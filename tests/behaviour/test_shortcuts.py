"""Nuisances that tell labels, corners that do, and relevance at the border."""

import numpy as np
import pytest

from netlens.behaviour.shortcuts import border_relevance, of_corners, rim, told_by
from netlens.errors import ShapeError

LABELS = np.arange(400) % 4


def test_a_number_that_knows_nothing_scores_about_zero():
    draw = np.random.default_rng(0)
    found = told_by({f"{k}": draw.random(400) for k in range(5)}, LABELS)
    assert max(one.score for one in found) < 0.1
    assert all(one.low < 0.05 for one in found)


def test_a_number_that_is_the_label_scores_one():
    found = told_by({"noise": np.random.default_rng(0).random(400), "mark": LABELS.astype(float)}, LABELS)
    assert (found[0].nuisance, found[0].score, found[0].accuracy.value) == ("mark", 1, 1)
    assert found[0].found.difference == 1


def test_a_mark_on_one_class_alone_is_found_by_that_class():
    found = told_by({"mark": (LABELS == 2).astype(float)}, LABELS)[0]
    assert 0.2 < found.score <= 1 / 3  # the other three classes are guessed at random
    assert found.clearest == 2
    assert found.found.low > 0.9


def test_one_class_leaves_nothing_to_tell():
    assert told_by({"mark": np.arange(40.0)}, np.zeros(40, int))[0].score == 0


def test_values_that_do_not_fit():
    with pytest.raises(ShapeError, match="another number of values of 'mark'"):
        told_by({"mark": np.zeros(3)}, LABELS)
    with pytest.raises(ShapeError, match="at least 4 samples"):
        told_by({}, LABELS[:3])


def test_corners_by_hand():
    raw = np.zeros((2, 16, 16), np.uint8)
    raw[1, :2, -2:] = 255
    found = of_corners(raw)
    assert found["upper right corner"].tolist() == [0, 1]
    assert found["lower left corner"].tolist() == [0, 0]
    assert found["rim"][1] == pytest.approx(4 / rim(16, 16).sum())
    assert of_corners(np.stack([raw] * 3, -1))["upper right corner"].tolist() == [0, 1]


def test_relevance_at_the_border():
    maps = np.zeros((3, 8, 8))
    maps[0, 0, 0], maps[1, 4, 4], maps[1, 0, 1] = -2, 1, -1
    found = border_relevance(maps)
    assert found[:2].tolist() == [1, 0.5]
    assert np.isnan(found[2])
    assert border_relevance(np.ones((1, 2, 8, 8))).tolist() == [rim(8, 8).mean()]
    assert rim(8, 8).sum() == 28
    with pytest.raises(ShapeError, match=r"\(N, H, W\)"):
        border_relevance(np.zeros((8, 8)))
