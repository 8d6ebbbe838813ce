"""NL301: the model is right clearly more often than its commonest answer alone would be."""

import numpy as np
import pytest

from netlens.audit.checks.majority import CHECK, right_in_hundred
from netlens.behaviour import wilson
from tests.audit.checks.planted import answering
from tests.audit.conftest import Reader, subject


@pytest.mark.parametrize(
    ("wrong", "each", "verdict"),
    [((0, 0, 0), 250, "PASS"), ((250, 250, 0), 250, "FAIL"), ((140, 140, 140), 250, "WARN"), ((0, 0, 0), 33, "NOT SHOWN")],
)
def test_the_interval_decides(wrong, each, verdict):
    found = CHECK.run(subject(wrong, each))
    assert found.verdict == verdict
    assert "accuracy at least 43.3 %: the commonest class has 33.3 %, plus 10 %" in found.rule


def test_fires_on_a_model_that_always_answers_the_same():
    assert CHECK.run(subject(net=Reader(0.0, (1.0, 0.0, 0.0)))).verdict == "FAIL"


def test_where_one_class_is_common_the_rule_can_still_be_met():
    labels = np.where(np.arange(2000) < 1900, 0, 1)
    right = np.arange(2000) >= 10
    found = CHECK.run(answering(np.full(2000, 0.99), labels, right))
    assert found.verdict == "PASS"
    assert found.rule == (
        "accuracy at least 97.5 %: the commonest class has 95 %, plus 2.5 %, half of what is left; judged from 100 samples on"
    )
    assert CHECK.run(answering(np.full(2000, 0.99), labels, labels == 0)).verdict == "FAIL"


def test_a_target_that_was_set_decides():
    found = CHECK.run(subject((20, 20, 20)), {"target": 0.95})
    assert found.verdict == "FAIL"
    assert found.rule == "accuracy at least 95 %, the target that was set; judged from 100 samples on"


def test_too_few_samples_are_said_to_be_too_few():
    found = CHECK.run(subject(each=33))
    assert found.sentence == "On 99 test images, this model was right 100 times in 100 (96 to 100). That is too few to judge."
    assert found.missing == ()


def test_not_shown_for_one_class_alone():
    one = subject()
    one.test.labels[:] = 0
    found = CHECK.run(one)
    assert (found.verdict, found.missing) == ("NOT SHOWN", ("two classes",))
    assert found.sentence == "All test images are of one class, so there is nothing to tell apart."


@pytest.mark.parametrize(
    ("hits", "n", "sentence"),
    [
        (913, 1000, "On 1,000 test images, this model was right 91 times in 100 (89 to 93)."),
        (100, 100, "On 100 test images, this model was right 100 times in 100 (96 to 100)."),
        (9999, 10000, "On 10,000 test images, this model was right over 99 times in 100 (99 to 100)."),
        (1, 1000, "On 1,000 test images, this model was right under 1 time in 100 (0 to 1)."),
        (1, 100, "On 100 test images, this model was right 1 time in 100 (0 to 5)."),
        (0, 50, "On 50 test images, this model was right 0 times in 100 (0 to 7)."),
    ],
)
def test_in_words(hits, n, sentence):
    assert right_in_hundred(wilson(hits, n), "image") == sentence
