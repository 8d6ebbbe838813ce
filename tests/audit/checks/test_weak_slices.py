"""NL351: silent on equal segments, fires on a planted weak one."""

from dataclasses import replace

import numpy as np
import pytest

from netlens.audit.checks.weak_slices import CHECK, sentence
from netlens.behaviour import slices
from tests.audit.checks.planted import answering


def subject(rate_of_b, n=900, seed=0):
    draw = np.random.default_rng(seed)
    place = draw.choice(["a", "b", "c"], n)
    right = draw.random(n) < np.where(place == "b", rate_of_b, 0.95)
    return answering(np.full(n, 0.9), np.arange(n) % 2, right, groups={"place": place})


def test_equal_segments():
    found = CHECK.run(subject(0.95))
    assert found.verdict == "PASS"
    assert found.sentence.endswith("Of so many segments one always looks weak: chance alone explains it.")


@pytest.mark.parametrize(("rate", "verdict"), [(0.85, "WARN"), (0.6, "FAIL")])
def test_a_planted_weak_segment(rate, verdict):
    found = CHECK.run(subject(rate))
    assert found.verdict == verdict
    assert found.sentence.startswith("Weakest: place: b, right ")
    assert found.sentence.endswith("Chance does not explain it.")
    assert found.evidence["weakest"][0]["name"] == "place: b"


def test_nothing_to_judge():
    found = CHECK.run(subject(0.5, n=30))
    assert (found.verdict, found.sentence) == ("NOT SHOWN", "No segment has enough images to be judged.")


def test_groups_alone_are_enough_for_texts():
    from tests.audit.checks.planted import text

    found = CHECK.run(text())
    assert found.verdict == "PASS"
    assert {row["name"].split(":")[0] for row in found.evidence["weakest"]} >= {"class", "letters a word"}


def test_a_few_samples_cannot_fail():
    assert CHECK.run(replace(subject(0.95, n=90), seed=1)).verdict == "PASS"


def parts(**right):
    """Segments by their right and wrong answers."""
    names = np.concatenate([np.repeat(name, sum(counts)) for name, counts in right.items()])
    answers = np.concatenate([np.repeat([True, False], counts) for counts in right.values()])
    return slices(answers, {"place": names})


def test_segments_that_are_equal_are_not_called_weak():
    found = parts(a=(100, 0), b=(100, 0))
    assert sentence(found.slices[0], found, "images") == (
        "No segment is right less often than all images together, 100 times in 100."
    )


def test_the_segment_that_decides_need_not_be_the_weakest():
    found = parts(a=(27, 4), b=(450, 60), c=(900, 20))
    assert [one.value for one in found.slices][:2] == ["a", "b"]
    assert sentence(found.slices[0], found, "images").startswith("Weakest: place: a, right 87 times in 100 ")
    assert sentence(found.slices[1], found, "images").startswith("The segment that decides: place: b, right 88 times in 100 ")
