"""Verdicts by the whole interval, and exit codes."""

import math
from dataclasses import replace

import pytest

from netlens.audit.checks import leakage, majority, repeatable
from netlens.audit.finding import counts, judge, worst
from netlens.audit.outcome import exit_code, gravest, unshown
from tests.audit.conftest import subject

PASS = repeatable.CHECK.run(subject(each=60))
FAIL, WARN = replace(PASS, verdict="FAIL"), replace(PASS, verdict="WARN")
NO_INPUT = leakage.CHECK.run(subject(each=60))
TOO_FEW = majority.CHECK.run(subject(each=20))


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.6, 0.8, "PASS"),
        (0.5, 0.8, "PASS"),
        (0.4, 0.6, "WARN"),
        (0.4, 0.5, "WARN"),
        (0.3, 0.49, "FAIL"),
        (math.nan, 1, "NOT SHOWN"),
    ],
)
def test_the_whole_interval_must_lie_on_one_side(low, high, verdict):
    assert judge(low, high, 0.5) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.91, 1, "PASS"), (0.8, 0.95, "WARN"), (0.75, 0.85, "WARN"), (0.5, 0.8, "WARN"), (0.5, 0.6, "FAIL")],
)
def test_between_good_and_bad_lies_caution(low, high, verdict):
    assert judge(low, high, 0.9, 0.7) == verdict
    assert judge(-high, -low, -0.9, -0.7, better="lower") == verdict


def test_the_gravest_speaks_for_all():
    assert worst(["PASS", "WARN", "FAIL"]) == "FAIL"
    assert worst(["PASS", "NOT SHOWN"]) == "NOT SHOWN"
    assert worst([]) == "NOT SHOWN"
    assert counts([PASS, PASS, FAIL]) == {"PASS": 2, "WARN": 0, "FAIL": 1, "NOT SHOWN": 0}


@pytest.mark.parametrize(
    ("found", "required", "strict", "code"),
    [
        ([PASS], [], False, 0),
        ([PASS, WARN], [], False, 0),
        ([PASS, WARN], [], True, 3),
        ([PASS, NO_INPUT], [], True, 0),
        ([PASS, NO_INPUT], ["NL201"], False, 4),
        ([PASS, TOO_FEW], [], False, 0),
        ([PASS, TOO_FEW], ["NL301"], False, 4),
        ([WARN, TOO_FEW], ["NL301"], True, 4),
        ([FAIL, TOO_FEW, WARN], ["NL301"], True, 1),
    ],
)
def test_a_failure_wins_then_what_could_not_be_shown_then_a_caution(found, required, strict, code):
    assert exit_code(found, required, strict=strict) == code


def test_what_had_to_be_shown_is_named():
    assert unshown([PASS, NO_INPUT, TOO_FEW], ["NL101", "NL301"]) == ["NL301"]
    assert unshown([PASS, NO_INPUT, TOO_FEW], ["NL201", "NL301"]) == ["NL201", "NL301"]
    assert unshown([PASS, NO_INPUT, TOO_FEW], []) == []


def test_of_several_audits_the_gravest_code():
    assert gravest([0, 3, 4]) == 4
    assert gravest([4, 1, 3]) == 1
    assert gravest([]) == 0
