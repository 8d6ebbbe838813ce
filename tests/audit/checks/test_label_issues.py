"""NL203: silent on right labels, fires on planted wrong ones."""

import pytest

from netlens.audit.checks.label_issues import CHECK, sentence
from netlens.audit.subject import Subject
from netlens.behaviour import wilson
from tests.audit.checks.planted import clean
from tests.behaviour.conftest import halves, images


def test_right_labels():
    found = CHECK.run(clean(300))
    assert (found.verdict, found.value) == ("PASS", 0)
    assert found.sentence == "None of the labels of 300 images looks wrong."


def test_planted_wrong_labels():
    found = CHECK.run(Subject(halves(), images(300, wrong=30)))
    assert (found.verdict, found.evidence["likely wrong"]) == ("WARN", 30)
    assert set(found.evidence["positions"]) <= set(range(30))
    pairs = set(zip(found.evidence["label"], found.evidence["suggested"], strict=True))
    assert pairs == {("left", "right"), ("right", "left")}


def test_a_model_that_errs_too_often_is_no_judge():
    found = CHECK.run(Subject(halves(), images(300, wrong=60)))
    assert found.verdict == "NOT SHOWN"
    assert found.sentence == (
        "The model is wrong too often, 20 times in 100, to judge the labels. 60 of the labels of 300 images look wrong."
    )
    assert found.evidence["likely wrong"] == 60


def test_too_few():
    found = CHECK.run(clean(150))
    assert found.verdict == "NOT SHOWN"
    assert found.sentence.endswith("That is too few to judge.")


@pytest.mark.parametrize(
    ("hits", "said"), [(1, "1 of the labels of 300 texts looks wrong."), (4, "4 of the labels of 300 texts look wrong.")]
)
def test_in_words(hits, said):
    assert sentence(wilson(hits, 300), "text") == said
