"""NL201: no test sample is also a training sample, byte for byte."""

from dataclasses import replace

import numpy as np
import pytest

from netlens.audit.checks.leakage import CHECK, sentence
from netlens.audit.subject import Subject
from netlens.behaviour import wilson
from tests.audit.conftest import Reader, dataset, model


def leaked(count, n=200):
    """A training split that holds `count` of `n` test samples."""
    labels = np.arange(n) % 3
    test, train = dataset(labels, labels), dataset(labels, labels, "train", seed=1)
    raw = train.raw.copy()
    if count:
        raw[:count] = test.raw[-count:]
    return Subject(model(Reader()), test, replace(train, raw=raw))


@pytest.mark.parametrize(
    ("count", "verdict", "sentence"),
    [
        (0, "PASS", "None of the 200 test images is an exact copy of a training image."),
        (1, "WARN", "One of the 200 test images is an exact copy of a training image."),
        (2, "WARN", "2 of the 200 test images are exact copies of training images."),
        (10, "FAIL", "10 of the 200 test images are exact copies of training images."),
    ],
)
def test_copies_are_counted(count, verdict, sentence):
    found, rate = CHECK.run(leaked(count)), wilson(count, 200)
    assert (found.verdict, found.sentence) == (verdict, sentence)
    assert (found.value, found.low, found.high, found.n) == (rate.value, rate.low, rate.high, 200)
    assert found.evidence["positions"] == list(range(200 - count, 200))


def test_one_pixel_makes_a_sample_new():
    subject = leaked(1)
    subject.train.raw[0, 0, 0] ^= 1
    assert CHECK.run(subject).verdict == "PASS"


def test_not_shown_without_training_data():
    found = CHECK.run(replace(leaked(0), train=None))
    assert (found.verdict, found.sentence, found.missing) == (
        "NOT SHOWN",
        "The training data were not supplied.",
        ("train data",),
    )


def test_one_image_in_words():
    assert sentence(wilson(0, 1), "image", "images") == "The only test image is no exact copy of a training image."
    assert sentence(wilson(1, 1), "image", "images") == "The only test image is an exact copy of a training image."
