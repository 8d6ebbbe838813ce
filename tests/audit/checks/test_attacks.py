"""NL651: a curve without a verdict, a verdict against a declared threat, void when the attack does not work."""

import pytest
import torch

from netlens.audit import policy
from netlens.audit.checks.attacks import CHECK, sentence
from netlens.audit.subject import Subject
from netlens.behaviour import Attack, Attacks, wilson
from netlens.models.model import Model
from tests.audit.checks.planted import clean, text
from tests.behaviour.conftest import Halves, images

FULL, HALF, NONE = (wilson(hits, 100) for hits in (100, 40, 0))


@pytest.fixture(scope="module")
def subject():
    return clean(120)


def test_without_a_declared_threat_there_is_a_curve_and_no_verdict(subject):
    found = CHECK.run(subject)
    assert (found.verdict, found.missing) == ("NOT SHOWN", ("declared threat",))
    assert [round(255 * one["epsilon"]) for one in found.evidence["curve"]] == [2, 8, 32, 64]
    assert found.evidence["faults"] == []


@pytest.mark.parametrize(("feared", "verdict"), [(0.05, "PASS"), (0.5, "FAIL")])
def test_a_declared_threat(subject, feared, verdict):
    found = CHECK.run(subject, {"epsilon": feared})
    assert found.verdict == verdict
    assert f"changed by more than {100 * feared:.0f} % of the scale" in found.rule


def test_driving_declares_a_threat(subject):
    found = CHECK.run(subject, policy("driving").limits("NL651"))
    assert found.verdict == "PASS"
    assert "changed by more than 3.1 % of the scale" in found.rule
    assert [round(255 * one["epsilon"]) for one in found.evidence["curve"]] == [2, 8, 32, 64]


def test_a_blind_attack_is_void():
    class Steps(Halves):
        def forward(self, inputs):
            return super().forward(torch.round(inputs * 2) / 2 + 0 * inputs)

    blind = Subject(Model(Steps().eval(), "steps", ("left", "right"), clean(2).test.preprocess), images(60))
    found = CHECK.run(blind, {"epsilon": 0.1})
    assert found.verdict == "NOT SHOWN"
    assert found.sentence.startswith("The attack is void, so nothing follows from it: ")


def test_what_cannot_be_asked():
    assert CHECK.run(text()).missing == ("images", "gradients")
    assert CHECK.run(clean(20), {"epsilon": 0.5}).sentence.endswith("That is too few to judge.")


def test_in_words():
    turned = Attacks(FULL, (Attack(0.1, FULL, HALF, HALF),), NONE, NONE, ())
    kept = Attacks(FULL, (Attack(0.1, FULL, FULL, FULL),), NONE, NONE, ())
    assert (
        sentence(turned)
        == "Someone who changes every pixel by up to 10 % of the scale turns more than half of the right answers."
    )
    assert sentence(kept) == "Someone who changes every pixel by up to 10 % of the scale leaves 100 of 100 answers right."
    void = Attacks(FULL, (), FULL, NONE, ("it is weak",))
    assert sentence(void) == "The attack is void, so nothing follows from it: it is weak."
