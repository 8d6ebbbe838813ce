"""What a check found: a verdict, the numbers behind it, the rule, and one sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["PASS", "WARN", "FAIL", "NOT SHOWN"]
VERDICTS: tuple[Verdict, ...] = ("PASS", "WARN", "FAIL", "NOT SHOWN")
SEVERITY: tuple[Verdict, ...] = ("FAIL", "WARN", "NOT SHOWN", "PASS")  # which one speaks for a whole area


@dataclass(frozen=True)
class Outcome:
    """What a measurement says: `value` with its 95 % interval `low` to `high` (NaN where there is none), from `n` cases.

    `rule` : when the check passes, with its thresholds. `sentence` : what was found, for a reader without training. `evidence` : plain JSON,
    from which figures are drawn. `missing` : the needs that were not met (keys of `NEEDS`), or another input that a verdict would take.
    """

    verdict: Verdict
    value: float
    low: float
    high: float
    n: int
    rule: str
    sentence: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """The outcome of one check, with what the check is called and why it matters; the fields are those of `Outcome` and `Check`."""

    code: str
    title: str
    area: str
    verdict: Verdict
    value: float
    low: float
    high: float
    n: int
    rule: str
    reason: str
    sentence: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def judge(
    low: float, high: float, good: float, bad: float | None = None, *, better: Literal["higher", "lower"] = "higher"
) -> Verdict:
    """Judge by the whole interval.

    Parameters
    ----------
    low, high : the interval; NaN gives NOT SHOWN.
    good : PASS when the whole interval lies on the good side of it, or touches it.
    bad : FAIL when the whole interval lies beyond it; by default `good`. Between the two, WARN.
    """
    bad = good if bad is None else bad
    if math.isnan(low) or math.isnan(high):
        return "NOT SHOWN"
    if better == "lower":
        low, high, good, bad = -high, -low, -good, -bad
    if low >= good:
        return "PASS"
    return "FAIL" if high < bad else "WARN"


def not_shown(
    rule: str, sentence: str, *, n: int = 0, evidence: Mapping[str, Any] | None = None, missing: tuple[str, ...] = ()
) -> Outcome:
    """The outcome when there is too little evidence, or none; the sentence says why."""
    return Outcome("NOT SHOWN", math.nan, math.nan, math.nan, n, rule, sentence, evidence or {}, missing)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that speaks for several; NOT SHOWN when there is none."""
    return min(verdicts, key=SEVERITY.index, default="NOT SHOWN")


def counts(findings: Iterable[Finding]) -> dict[Verdict, int]:
    """How many findings have each verdict."""
    verdicts = [finding.verdict for finding in findings]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS}
