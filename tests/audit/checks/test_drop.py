"""NL303: silent on a model that learned, fires on one that knows its samples by heart."""

from dataclasses import replace

import numpy as np
import pytest

from netlens.audit.checks.drop import CHECK, sentence
from netlens.behaviour import generalisation
from tests.audit.checks.planted import answering, clean, spoken


def subject(train_wrong, test_wrong, n=400):
    labels, sure = np.arange(n) % 2, np.full(n, 0.9)
    train = spoken(sure, labels, np.arange(n) >= train_wrong, "train", seed=1)
    return answering(sure, labels, np.arange(n) >= test_wrong, train=train)


@pytest.mark.parametrize(("train", "test", "verdict"), [(8, 12, "PASS"), (0, 40, "WARN"), (0, 120, "FAIL")])
def test_the_drop(train, test, verdict):
    found = CHECK.run(subject(train, test))
    assert found.verdict == verdict
    assert found.value == pytest.approx(1 - (400 - test) / (400 - train))


def test_without_training_data_or_with_too_little():
    assert CHECK.run(replace(clean(), train=None)).missing == ("train data",)
    assert CHECK.run(subject(0, 0, n=60)).sentence == "There are too few images to compare the two."


def test_in_words():
    found = generalisation(np.arange(100) < 99, np.arange(100) < 75)
    assert sentence(found) == "It is right 99 times in 100 on what it was trained on, and 75 times in 100 on what is new."
