"""Leaks: copies and near copies that were planted are found, and nothing else on handwritten digits."""

from dataclasses import replace

import numpy as np
import pytest

from netlens.behaviour.leakage import leakage, neighbours
from netlens.data import Dataset, load
from netlens.errors import ShapeError


@pytest.fixture(scope="module")
def splits():
    train, test = load("mnist-5k", "train"), load("mnist-5k", "test")
    return replace(train, raw=train.raw[:1500], labels=train.labels[:1500]), replace(
        test, raw=test.raw[:200], labels=test.labels[:200]
    )


def test_handwritten_digits_do_not_leak(splits):
    found = leakage(*splits)
    assert (found.copies.hits, found.near.hits) == (0, 0)


def test_a_fixed_cut_would_fail(splits):
    # one cut for all classes: at the median distance of ones, or at half of that of eights, honest ones are called copies
    train, test = splits
    points = train.raw.reshape(1500, -1).astype(np.float32) / 255
    others = test.raw[test.labels == 1].reshape(-1, 784).astype(np.float32) / 255
    nearest = np.array([np.linalg.norm(points - one, axis=1).min() for one in others])
    eights = points[train.labels == 8]
    usual = np.median([np.sort(np.linalg.norm(eights - one, axis=1))[1] for one in eights])
    assert (nearest < usual / 2).mean() > 0.3


def test_planted_copies_are_found(splits):
    train, test = splits
    raw = test.raw.copy()
    raw[[3, 50]] = train.raw[[7, 700]]
    found = leakage(train, replace(test, raw=raw))
    assert found.copied.tolist() == [[3, 7], [50, 700]]
    assert (found.copies.hits, found.near.hits) == (2, 0)


def test_planted_near_copies_are_found(splits):
    train, test = splits
    raw, draw = test.raw.copy(), np.random.default_rng(0)
    sources = np.flatnonzero(train.labels != 1)[:20]
    noisy = train.raw[sources] + draw.normal(0, 10, (20, 28, 28))
    raw[:20] = np.clip(noisy, 0, 255).astype(np.uint8)
    found = leakage(train, replace(test, raw=raw))
    assert found.copies.hits == 0
    assert len({tuple(pair) for pair in found.alike.tolist()} & set(zip(range(20), sources.tolist(), strict=True))) >= 18
    assert found.alike[:, 0].max() < 20
    assert (np.diff(found.distance) >= 0).all()


def test_duplicates_within_the_training_data_do_not_blind_it():
    draw = np.random.default_rng(0)
    train = draw.normal(0, 1, (40, 5)).astype(np.float32)
    train[20:] = train[:20]
    pairs, distance = neighbours(train, np.zeros(40, dtype=int), train[:1] + np.float32(1e-3))
    assert len(pairs) == 0  # more than half of the class is duplicated: no distance is usual
    train[21:] = draw.normal(0, 1, (19, 5))
    pairs, distance = neighbours(train, np.zeros(40, dtype=int), train[:1] + np.float32(1e-3))
    assert pairs.tolist() == [[0, 0]]
    assert distance[0] < 0.05


@pytest.mark.parametrize("columns", [3, 8])
def test_a_table_of_few_columns_is_full_of_neighbours_and_not_of_copies(columns):
    pairs = 0
    for seed in range(20):
        draw = np.random.default_rng(seed)
        train, test = (draw.normal(0, 1, (n, columns)).astype(np.float32) for n in (600, 300))
        labels = (train[:, 0] > 0).astype(int)
        pairs += len(neighbours(train, labels, test)[0])
    assert pairs <= 5
    train[:5] = test[:5] + np.float32(1e-4)
    found, _ = neighbours(train, labels, test)
    assert {tuple(pair) for pair in found.tolist()} >= {(k, k) for k in range(5)}


def test_texts_are_compared_by_their_letters():
    def texts(split, *raw):
        return Dataset("texts", split, ("a", "b"), np.array(raw), np.zeros(len(raw), dtype=int), lambda raw: raw, "text")

    found = leakage(texts("train", "A fine day.", "Bad"), texts("test", "a fine DAY", "Bad", "new"))
    assert found.copied.tolist() == [[1, 1]]
    assert found.alike.tolist() == [[0, 0]]


def test_points_that_do_not_fit():
    with pytest.raises(ShapeError, match="at least two training points"):
        neighbours(np.zeros((1, 3), np.float32), np.zeros(1, int), np.zeros((2, 3), np.float32))
