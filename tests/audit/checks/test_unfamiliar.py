"""NL451: silent on a model that is unsure of junk, fires on one that is sure of everything."""

import numpy as np

from netlens.audit.checks.unfamiliar import CHECK, sentence
from netlens.audit.subject import Subject
from netlens.behaviour import Unfamiliar, auroc, wilson
from tests.audit.checks.planted import clean, text
from tests.behaviour.conftest import halves, images


def test_a_model_that_is_unsure_of_junk():
    found = CHECK.run(Subject(halves(gain=1.0), images(200)))
    assert found.verdict == "PASS"
    assert sum(found.evidence["familiar"]) == 200
    assert {sum(one["histogram"]) for one in found.evidence["kinds"].values()} == {200}


def test_a_model_that_is_sure_of_everything():
    found = CHECK.run(Subject(halves(gain=1e4), images(200)))
    assert (found.verdict, found.n) == ("FAIL", 800)
    assert found.sentence.endswith("it is still over 90 % sure in 100 of 100 cases.")


def test_what_cannot_be_asked():
    assert CHECK.run(clean(20)).sentence == "20 images are too few to make junk of."
    assert CHECK.run(text()).missing == ("images",)


def test_in_words():
    area = auroc(np.ones(2), np.zeros(2))
    junk = [
        Unfamiliar(kind, wilson(hits, 10), area, np.zeros(1), np.zeros(1)) for kind, hits in (("noise", 3), ("foreign images", 1))
    ]
    assert sentence(junk) == "Shown noise, it is still over 90 % sure in 30 of 100 cases."
    none = [Unfamiliar("noise", wilson(0, 10), area, np.zeros(1), np.zeros(1))]
    assert sentence(none) == "Shown junk of 1 kinds, it was never over 90 % sure."
