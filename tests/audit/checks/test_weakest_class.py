"""NL302: no class is found clearly less often than all samples together."""

import numpy as np
import pytest

from netlens.audit.checks.weakest_class import CHECK, _bonferroni_z
from netlens.audit.subject import Subject
from netlens.behaviour import wilson
from tests.audit.conftest import Reader, dataset, model, subject


def test_silent_when_all_are_alike():
    found = CHECK.run(subject((2, 3, 1)))
    assert found.verdict == "PASS"
    assert (
        found.sentence
        == "The class found least often is two: 99 of 100 (96 to 100, widened for looking at every class). Over all samples it is 99."
    )
    assert (found.value, found.n) == (247 / 250, 250)


def test_fires_on_a_starved_class_and_names_it():
    found = CHECK.run(subject((0, 100, 0)))
    assert found.verdict == "FAIL"
    assert (
        found.sentence
        == "The class found least often is two: 60 of 100 (52 to 67, widened for looking at every class). Over all samples it is 87."
    )
    assert found.evidence["class"] == "two"


def test_a_class_that_may_be_weak_by_chance_is_a_caution():
    assert CHECK.run(subject((0, 6, 0), 60)).verdict == "WARN"


def test_the_interval_is_widened_for_looking_at_every_class():
    found, rate = CHECK.run(subject((0, 20, 0))), wilson(230, 250)
    assert found.low < rate.low
    assert found.high > rate.high
    assert _bonferroni_z(1) == pytest.approx(1.959964)
    assert _bonferroni_z(10) == pytest.approx(2.807034)


def test_a_class_with_many_samples_decides_over_one_that_only_looks_worse():
    labels = np.repeat([0, 1, 2], [30, 2000, 8000])
    answers = labels.copy()
    answers[:6] = 2  # 24 of 30: it may be chance
    answers[30 : 30 + 360] = 2  # 1,640 of 2,000: it is not
    found = CHECK.run(Subject(model(Reader(5.0)), dataset(answers, labels)))
    assert found.verdict == "FAIL"
    assert (
        found.sentence
        == "The class that decides is two: 82 of 100 (80 to 84, widened for looking at every class). Over all samples it is 96."
    )


def test_not_shown_with_few_samples_a_class():
    found = CHECK.run(subject((0, 20, 0), 29))
    assert (found.verdict, found.n) == ("NOT SHOWN", 0)
    assert found.sentence == "No class has the 30 samples that a judgement needs."


def test_a_stricter_policy_fires_earlier():
    assert [CHECK.run(subject((0, 30, 0), 1000), {"gap": gap}).verdict for gap in (0.05, 0.001)] == ["PASS", "FAIL"]


def test_classes_that_are_all_found_in_words():
    found = CHECK.run(subject(each=100))
    assert found.sentence.startswith("Every class is found equally often, 100 of 100 (")
    assert found.sentence.endswith(" to 100 for one, widened for looking at every class).")
