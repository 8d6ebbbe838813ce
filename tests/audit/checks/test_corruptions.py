"""NL601: silent on a robust model, fires on one that a little light defeats."""

import numpy as np
import pytest
import torch
from torch import nn

from netlens.audit.checks.corruptions import CHECK, sentence
from netlens.audit.subject import Subject
from netlens.behaviour import Corruption, paired
from netlens.data import Dataset, Preprocess
from netlens.models.model import Model
from tests.audit.checks.planted import CLASSES, clean, text


def light(n=200):
    """A model that reads the mean brightness, on images where a tenth of the scale decides."""

    class Light(nn.Module):
        def forward(self, inputs):
            mean = inputs.mean((1, 2, 3))
            return torch.stack([torch.full_like(mean, 0.5), mean], 1)

    labels, draw = np.arange(n) % 2, np.random.default_rng(0)
    raw = (np.where(labels == 1, 145, 110)[:, None, None] + draw.integers(0, 9, (n, 8, 8))).astype(np.uint8)
    preprocess = Preprocess((0.0,), (1.0,))
    return Subject(
        Model(Light().eval(), "light", CLASSES, preprocess), Dataset("light", "test", CLASSES, raw, labels, preprocess)
    )


def test_a_robust_model():
    found = CHECK.run(clean(300))
    assert found.verdict == "PASS"
    assert found.evidence["clean"] == 1
    assert len(found.evidence["kinds"]) == 6


def test_a_brittle_model():
    found = CHECK.run(light())
    assert found.verdict == "FAIL"
    assert found.sentence == "Too much light costs 50 points: from 100 to 50 right answers in 100."
    assert found.evidence["kinds"]["contrast"]["verdict"] == "PASS"


def test_what_cannot_be_asked():
    assert CHECK.run(clean(60)).sentence == "There are too few right answers that a disturbance could change."
    assert CHECK.run(text()).missing == ("images",)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (0, "No disturbance costs a point of accuracy."),
        (1, "Blur costs 1 point: from 90 to 89 right answers in 100."),
        (20, "Blur costs 20 points: from 90 to 70 right answers in 100."),
    ],
)
def test_in_words(lost, said):
    before = np.arange(100) < 90
    assert sentence(Corruption("blur", (paired(before, np.arange(100) < 90 - lost),))) == said


@pytest.mark.parametrize(
    ("right", "kept", "said"),
    [
        (904, 806, "Blur costs 9 points: from 90 to 81 right answers in 100."),
        (999, 3, "Blur costs 100 points: from over 99 to under 1 right answers in 100."),
        (900, 0, "Blur costs 90 points: from 90 to 0 right answers in 100."),
        (900, 910, "No disturbance costs a point of accuracy."),
    ],
)
def test_the_numbers_of_a_sentence_add_up(right, kept, said):
    place = np.arange(1000)
    assert sentence(Corruption("blur", (paired(place < right, place < kept),))) == said
