"""Stamps: each way to lose one, and what a reader is told."""

import math

import pytest
import torch

from netlens.errors import ShapeError, UsageError
from netlens.explain import Attribution
from netlens.quality.base import Score, interval
from netlens.quality.sanity import Sanity
from netlens.quality.stamp import REASONS, Policy, stamp

N = 8
AROUND = torch.linspace(-0.05, 0.05, N, dtype=torch.float64)


def made(delta=None):
    values = torch.ones(N, 1, 4, 4)
    tolerance = None if delta is None else 0.01
    return Attribution(values, torch.zeros(N, dtype=torch.long), "made", delta=delta, tolerance=tolerance)


def score(centre, spread=1.0, direction="higher", n=N):
    values = centre + spread * AROUND[:n]
    mean, low, high = interval(values)
    return Score("made", values, mean, low, high, n, direction)


def sanity(kept, control=0.0, spread=1.0):
    kept = torch.stack([torch.full((N,), 0.9, dtype=torch.float64), kept + spread * AROUND])
    return Sanity(
        "made",
        "cascade",
        ("top", "rest"),
        kept.unsqueeze(1),
        {"noise": torch.full((N,), control, dtype=torch.float64)},
        (),
        1,
        "on the foreground",
    )


def stamped(gap=0.3, order=0.9, kept=0.0, delta=None, **other):
    return stamp(made(delta), faithfulness=score(gap), stability=score(order), sanity=sanity(kept), **other)


def test_all_measured_and_all_good_is_supported():
    result = stamped(delta=torch.zeros(N))
    assert result.verdict == "supported"
    assert set(result.samples) == {"supported"}
    assert [reason.check for reason in result.reasons] == ["faithfulness", "stability", "sanity", "completeness error"]


@pytest.mark.parametrize(
    ("given", "verdict", "check"),
    [
        ({"gap": -0.3}, "not evidence", "faithfulness"),
        ({"gap": 0.01}, "weak", "faithfulness"),
        ({"order": 0.3}, "not evidence", "stability"),
        ({"order": 0.61}, "weak", "stability"),
        ({"kept": 0.7}, "not evidence", "sanity"),
        ({"delta": torch.full((N,), 8.0)}, "not evidence", "completeness error"),
        ({"delta": torch.tensor([8.0] + [0.0] * (N - 1))}, "weak", "completeness error"),
    ],
)
def test_the_worst_measure_decides_and_is_named(given, verdict, check):
    result = stamped(**given)
    assert result.verdict == verdict
    assert [reason.check for reason in result.reasons if reason.verdict == verdict] == [check]
    assert result.told.startswith(f"{verdict}: {check}")


def test_sanity_is_judged_beside_its_control():
    good = {"faithfulness": score(0.3), "stability": score(0.9)}
    assert stamp(made(), sanity=sanity(0.5, control=0.5), **good).verdict == "supported"
    assert stamp(made(), sanity=sanity(0.5, control=0.1), **good).verdict == "not evidence"
    assert stamp(made(), sanity=sanity(0.2, spread=30.0), **good).verdict == "weak"  # too wide to tell


@pytest.mark.parametrize("missing", ["faithfulness", "stability", "sanity"])
def test_what_was_not_measured_is_weak_and_said(missing):
    given = {"faithfulness": score(0.3), "stability": score(0.9), "sanity": sanity(0.0)}
    result = stamp(made(), **{name: None if name == missing else value for name, value in given.items()})
    assert result.verdict == "weak"
    assert result.told == f"weak: {missing}: not measured"


def test_few_samples_support_nothing():
    few = Attribution(torch.ones(2, 4), torch.zeros(2, dtype=torch.long), "made")
    kept = Sanity("made", "cascade", ("all",), torch.zeros(1, 1, 2, dtype=torch.float64), {"noise": torch.zeros(2)}, (), 0, "")
    result = stamp(few, faithfulness=score(0.3, n=2), stability=score(0.9, n=2), sanity=kept)
    assert {reason.verdict for reason in result.reasons} == {"weak"}


def test_each_input_falls_by_its_own_numbers():
    gaps = score(0.5)
    gaps.values[2] = -0.1
    delta = torch.zeros(N)
    delta[5] = 8.0
    result = stamp(made(delta), faithfulness=gaps, stability=score(0.9), sanity=sanity(0.0))
    assert result.samples == (
        "supported",
        "supported",
        "weak",
        "supported",
        "supported",
        "not evidence",
        "supported",
        "supported",
    )


def test_the_verdicts_of_these_inputs_are_not_those_of_as_many_others():
    delta = torch.zeros(N)
    delta[5] = 8.0
    result = stamped(delta=delta)
    again, others = made(), made()
    others.values[0, 0, 0, 0] = 2
    assert [result.of(again, place) for place in (0, 5)] == ["supported", "not evidence"]
    assert [result.of(others, place) for place in (0, 5)] == ["weak", "weak"]  # the method's


def test_a_policy_can_be_stricter_and_gives_a_reason_for_each_threshold():
    assert stamped(policy=Policy(stability=0.99)).verdict == "not evidence"
    frame = Policy().frame()
    assert set(frame["threshold"]) == set(REASONS)
    assert frame["reason"].str.len().min() > 20


@pytest.mark.parametrize(
    ("threshold", "said"),
    [({"stability": math.nan}, "stability is nan"), ({"samples": 1}, "samples is 1"), ({"sanity_excess": math.inf}, "is inf")],
)
def test_a_policy_that_decides_nothing_is_refused(threshold, said):
    with pytest.raises(UsageError, match=said):
        Policy(**threshold)


def test_measures_of_other_inputs_or_directions_are_refused():
    with pytest.raises(ShapeError, match="the measure of stability has 3 values for 8 inputs"):
        stamp(made(), stability=score(0.9, n=3))
    with pytest.raises(ShapeError, match="lower is better"):
        stamp(made(), faithfulness=score(0.9, direction="lower"))


def test_the_table_holds_the_numbers():
    frame = stamped().frame().set_index("check")
    assert frame.loc["faithfulness", "value"] == pytest.approx(0.3)
    assert frame.loc["sanity", "n"] == N
    assert not math.isnan(frame.loc["stability", "low"])
