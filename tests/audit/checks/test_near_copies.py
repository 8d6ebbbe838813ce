"""NL202: silent on other samples, fires on planted near copies."""

from dataclasses import replace

import numpy as np
import pytest

from netlens.audit.checks.near_copies import CHECK, sentence
from netlens.behaviour import wilson
from tests.audit.checks.planted import clean


def noise(n, seed):
    return np.random.default_rng(seed).integers(0, 256, (n, 8, 8)).astype(np.uint8)


def subject(copies):
    found = clean(200)
    train, raw = noise(200, 0), noise(200, 1)
    raw[:copies] = np.clip(train[50 : 50 + copies].astype(int) + np.random.default_rng(2).integers(-5, 6, (copies, 8, 8)), 0, 255)
    return replace(found, test=replace(found.test, raw=raw), train=replace(found.train, raw=train))


@pytest.mark.parametrize(("copies", "verdict"), [(0, "PASS"), (1, "WARN"), (20, "FAIL")])
def test_near_copies(copies, verdict):
    found = CHECK.run(subject(copies))
    assert found.verdict == verdict
    assert sorted(found.evidence["pairs"]) == [[k, 50 + k] for k in range(copies)]
    assert found.evidence["near copies"] == copies
    assert found.value == copies / 200


def test_without_training_data():
    found = CHECK.run(replace(subject(3), train=None))
    assert (found.verdict, found.missing) == ("NOT SHOWN", ("train data",))


@pytest.mark.parametrize(
    ("hits", "said"),
    [
        (0, "None of the 200 test images is almost the same as a training image."),
        (1, "One of the 200 test images is almost the same as a training image."),
        (7, "7 of the 200 test images are almost the same as training images."),
    ],
)
def test_in_words(hits, said):
    assert sentence(wilson(hits, 200), "image", "images") == said


def test_one_image_in_words():
    assert sentence(wilson(0, 1), "image", "images") == "The only test image is not almost the same as a training image."
    assert sentence(wilson(1, 1), "image", "images") == "The only test image is almost the same as a training image."
