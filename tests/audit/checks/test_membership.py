"""NL901: silent on a model that forgets its samples, fires on one that remembers them."""

from dataclasses import replace

import numpy as np
import pytest

from netlens.audit.checks.membership import CHECK, sentence
from netlens.behaviour import membership
from tests.audit.checks.planted import answering, clean, spoken


def subject(train_sure, n=400):
    draw, labels, right = np.random.default_rng(0), np.arange(n) % 2, np.ones(n, dtype=bool)
    train = spoken(np.clip(train_sure + draw.normal(0, 0.05, n), 0.55, 0.99), labels, right, "train", seed=1)
    return answering(np.clip(0.8 + draw.normal(0, 0.05, n), 0.55, 0.99), labels, right, train=train)


@pytest.mark.parametrize(("sure", "verdict"), [(0.8, "PASS"), (0.82, "WARN"), (0.9, "FAIL")])
def test_membership(sure, verdict):
    found = CHECK.run(subject(sure))
    assert found.verdict == verdict
    assert len(found.evidence["false"]) == len(found.evidence["true"]) == 101


def test_what_cannot_be_asked():
    assert CHECK.run(replace(clean(), train=None)).missing == ("train data",)
    assert CHECK.run(subject(0.9, n=50)).sentence == "There are too few images to guess among."


def test_in_words():
    quiet = membership(np.arange(100.0), np.arange(100.0), simulations=20)
    assert sentence(quiet) == "Of a known and a new sample, the known one is guessed in 50 of 100 pairs; 50 is chance."
    loud = membership(np.arange(100.0) - 50, np.arange(100.0) + 50, simulations=20)
    assert sentence(loud).endswith("At 1 false accusation in 100, 100 of 100 known samples are found.")
