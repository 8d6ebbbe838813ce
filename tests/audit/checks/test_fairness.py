"""NL701: identical groups are left in peace, planted unfairness is found, small groups are not judged."""

import numpy as np
import pytest

from netlens.audit.checks.fairness import CHECK, sentence
from netlens.behaviour import Gap, unpaired
from netlens.behaviour.fairness import FALSE, FOUND, RIGHT, SELECTED
from tests.audit.checks.planted import answering, clean


def subject(n, rates=(0.9, 0.9), seed=0, names=("a", "b")):
    """Groups of `n` cases; group k gets a right answer at `rates[k]`."""
    draw = np.random.default_rng(seed)
    groups = np.repeat(names, n)
    right = draw.random(len(groups)) < np.repeat(rates, n)
    return answering(np.full(len(groups), 0.9), draw.integers(0, 2, len(groups)), right, groups={"sex": groups})


@pytest.mark.parametrize(
    ("rates", "verdict"), [((0.9, 0.9), "PASS"), ((0.9, 0.84), "NOT SHOWN"), ((0.95, 0.8), "WARN"), ((0.95, 0.6), "FAIL")]
)
def test_groups(rates, verdict):
    found = CHECK.run(subject(400 if verdict != "NOT SHOWN" else 150, rates, seed=2))
    assert found.verdict == verdict


def test_identical_groups_of_50_break_the_naive_rule_and_not_ours():
    naive, ours = 0, 0
    for seed in range(60):
        one = subject(50, (0.5, 0.5), seed)
        result = one.performance
        shares = [(result.predictions[one.test.groups["sex"] == name] == 0).mean() for name in "ab"]
        naive += min(shares) / max(shares) < 0.8
        ours += CHECK.run(one, {"favourable": 1}).verdict in ("WARN", "FAIL")
    assert naive / 60 > 0.2
    assert ours == 0


def test_identical_groups_of_300_raise_hardly_an_alarm():
    verdicts = [CHECK.run(subject(300, (0.8, 0.8), seed), {"favourable": 2}).verdict for seed in range(40)]
    assert sum(verdict in ("WARN", "FAIL") for verdict in verdicts) <= 2


def test_a_favourable_answer_is_compared_by_four_fifths():
    draw = np.random.default_rng(0)
    groups = np.repeat(["men", "women"], 600)
    labels = draw.integers(0, 2, 1200)
    right = np.where((groups == "women") & (labels == 1), draw.random(1200) < 0.4, draw.random(1200) < 0.95)
    found = CHECK.run(answering(np.full(1200, 0.9), labels, right, groups={"sex": groups}), {"favourable": 2})
    assert found.verdict == "FAIL"
    assert "women get it" in found.sentence
    assert set(found.evidence["attributes"]["sex"]) == {"right", "selected", "found", "falsely selected"}


def test_what_cannot_be_asked():
    assert CHECK.run(clean()).missing == ("groups",)
    found = CHECK.run(subject(60))
    assert (found.verdict, found.sentence) == ("NOT SHOWN", "No two groups have the 100 cases that a comparison needs.")
    assert CHECK.run(subject(300, (0.9,), names=("a",))).verdict == "NOT SHOWN"


def test_in_words():
    clear, unclear = unpaired(300, 500, 400, 500), unpaired(85, 100, 90, 100)
    assert sentence("sex", Gap(RIGHT, "b", "a", clear), "") == (
        "By sex: the answers for b are right 20 points less often than for a. Chance alone does not explain it."
    )
    assert sentence("sex", Gap(SELECTED, "b", "a", unclear), "yes") == (
        "By sex: b get the answer yes 5 points less often than a. Chance alone could explain it; a gap of up to 14 points is possible."
    )
    assert sentence("sex", Gap(FOUND, "b", "a", clear), "yes").startswith(
        "By sex: of those who merit the answer yes, b get it 20 points less"
    )


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (RIGHT, "By sex: the answers for a and b are right equally often. Chance could hide a gap of up to 9 points."),
        (SELECTED, "By sex: a and b get the answer yes equally often. Chance could hide a gap of up to 9 points."),
        (
            FOUND,
            "By sex: of those who merit the answer yes, a and b get it equally often. Chance could hide a gap of up to 9 points.",
        ),
        (
            FALSE,
            "By sex: of those who do not merit the answer yes, a and b get it equally often. Chance could hide a gap of up to 9 points.",
        ),
    ],
)
def test_equal_groups_in_words(rate, said):
    assert sentence("sex", Gap(rate, "a", "b", unpaired(90, 100, 90, 100)), "yes") == said


def test_small_gaps_in_words():
    said = sentence("sex", Gap(RIGHT, "a", "b", unpaired(99_990, 100_000, 99_995, 100_000)), "")
    assert said == (
        "By sex: the answers for a are right under 1 point less often than for b. Chance alone could explain it; a gap of up to 1 point is possible."
    )


def test_with_more_attributes_the_intervals_are_wider():
    alone = CHECK.run(subject(400, (0.9, 0.85), seed=2))
    one = subject(400, (0.9, 0.85), seed=2)
    one.test.groups["hand"] = np.tile(["left", "right"], 400)
    both = CHECK.run(one)
    widths = [found.evidence["gaps"][0]["difference"] for found in (alone, both)]
    assert widths[1][0] == widths[0][0]
    assert widths[1][2] - widths[1][1] > 1.1 * (widths[0][2] - widths[0][1])
