"""NL402 and NL403: silent on honest confidence, fire on a model that is sure of its errors, or far off at one level."""

import numpy as np
import pytest

from netlens.audit.checks import knows_errors, worst_bin
from netlens.behaviour import WorstBin, wilson
from tests.audit.checks.planted import answering


def subject(right_when_sure, right_when_unsure, n=600):
    sure = np.where(np.arange(n) % 2 == 0, 0.95, 0.65)
    draw = np.random.default_rng(0).random(n)
    right = draw < np.where(sure > 0.9, right_when_sure, right_when_unsure)
    return answering(sure, np.arange(n) // 2 % 2, right)


@pytest.mark.parametrize(("rates", "verdict"), [((0.99, 0.65), "PASS"), ((0.8, 0.8), "FAIL"), ((0.55, 0.95), "FAIL")])
def test_it_knows_its_errors(rates, verdict):
    found = knows_errors.CHECK.run(subject(*rates))
    assert found.verdict == verdict
    assert found.sentence.startswith("If a person took over the fifth of which it is least sure, ")


def test_few_errors_are_not_judged():
    found = knows_errors.CHECK.run(subject(1, 0.99))
    wrong = found.evidence["wrong"]
    assert found.verdict == "NOT SHOWN"
    assert found.sentence == f"{wrong} wrong answers and {600 - wrong} right answers: too few of one kind to compare."


@pytest.mark.parametrize(("rates", "verdict"), [((0.95, 0.65), "PASS"), ((0.95, 0.45), "WARN"), ((0.55, 0.65), "FAIL")])
def test_the_worst_level(rates, verdict):
    found = worst_bin.CHECK.run(subject(*rates))
    assert found.verdict == verdict
    assert found.low <= found.value <= found.high
    assert set(found.evidence) == {"brier", "worst"}


def test_levels_with_few_answers_are_not_judged():
    found = worst_bin.CHECK.run(subject(0.5, 0.5, n=30))
    assert found.sentence == "No level of confidence has the 20 answers that a judgement needs."


def test_the_worst_level_in_words():
    said = "When it says 90 %, it is right 82 times in 100 (210 answers). "
    assert worst_bin.sentence(WorstBin(0.08, 0.9, wilson(172, 210))) == said + "That is more than chance."
    assert worst_bin.sentence(WorstBin(0.08, 0.9, wilson(172, 210, z=4))) == said + "That can be chance."
