"""Checks with a verdict that knows its evidence: the whole interval must lie on one side."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from netlens.behaviour import Calibration, Performance, Rate, wilson
from netlens.data import Dataset

Verdict = Literal["PASS", "WARN", "FAIL", "NOT SHOWN"]
VERDICTS: tuple[Verdict, ...] = ("PASS", "WARN", "FAIL", "NOT SHOWN")
SEVERITY: tuple[Verdict, ...] = ("FAIL", "WARN", "PASS", "NOT SHOWN")


@dataclass(frozen=True)
class Finding:
    """What one check found: `value` with its 95 % interval `low` to `high` (NaN where there is none), from `n` cases."""

    code: str
    title: str
    verdict: Verdict
    value: float
    low: float
    high: float
    n: int
    rule: str
    reason: str
    sentence: str


def judge(low: float, high: float, threshold: float, *, enough: bool = True) -> Verdict:
    """PASS when the interval lies above the threshold, FAIL when below, WARN when it straddles, NOT SHOWN without evidence."""
    if not enough or math.isnan(low) or math.isnan(high):
        return "NOT SHOWN"
    if low >= threshold:
        return "PASS"
    return "FAIL" if high < threshold else "WARN"


def repeatable(largest_change: float, n: int) -> Finding:
    """NL101: the same input gives the same logits twice."""
    return Finding(
        "NL101",
        "Same input, same answer",
        "PASS" if largest_change == 0 else "FAIL",
        largest_change,
        math.nan,
        math.nan,
        n,
        "the largest change of a logit between two runs is 0",
        "An audit of a model that changes its answers would describe only one of its moods.",
        f"Asked twice about the same {n} images, the model gave the same numbers."
        if largest_change == 0
        else f"Asked twice about the same {n} images, the model changed an output by {largest_change:.2g}.",
    )


def leakage(train: Dataset, test: Dataset) -> Finding:
    """NL201: no test sample is also a training sample, byte for byte."""
    seen = {hashlib.sha256(sample.tobytes()).digest() for sample in train.raw}
    rate = wilson(sum(hashlib.sha256(sample.tobytes()).digest() in seen for sample in test.raw), len(test))
    verdict: Verdict = "PASS" if rate.hits == 0 else ("FAIL" if rate.value > 0.01 else "WARN")
    return Finding(
        "NL201",
        "Test samples are new to the model",
        verdict,
        rate.value,
        rate.low,
        rate.high,
        rate.n,
        "no exact copy passes; more than 1 % fails",
        "A copied test sample measures memory, not skill.",
        f"{_none(rate.hits)} of the {rate.n} test images is an exact copy of a training image."
        if rate.hits < 2
        else f"{rate.hits} of the {rate.n} test images are exact copies of training images.",
    )


def beats_majority(result: Performance, margin: float = 0.1) -> Finding:
    """NL301: the accuracy lies clearly above what the commonest answer alone would reach."""
    rate, threshold = result.accuracy, min(1.0, result.majority + margin)
    return Finding(
        "NL301",
        "Right more often than a constant answer",
        judge(rate.low, rate.high, threshold, enough=rate.n >= 100),
        rate.value,
        rate.low,
        rate.high,
        rate.n,
        f"accuracy at least {threshold:.1%}: the commonest class has {result.majority:.1%}, plus {margin:.0%}; judged from 100 samples on",
        "A model that is no better than always giving the same answer has learned nothing.",
        right_in_hundred(rate),
    )


def weakest_class(result: Performance, gap: float = 0.05) -> Finding:
    """NL302: no class is found clearly less often than all samples together, with a correction for looking at every class."""
    judged = [(rate, name) for rate, name in zip(result.recall, result.classes, strict=True) if rate.n >= 30]
    rule = (
        f"recall of each class at least {1 - gap:.0%} of the accuracy; at least 30 samples a class; Bonferroni-corrected interval"
    )
    reason = "An average hides a class that suffers. Of many equal classes one always looks worst, so the interval is widened."
    title = "No class is left behind"
    if not judged:
        nothing = "No class has the 30 samples that a judgement needs."
        return Finding("NL302", title, "NOT SHOWN", math.nan, math.nan, math.nan, 0, rule, reason, nothing)
    z, threshold = _bonferroni_z(len(judged)), result.accuracy.value * (1 - gap)
    needed = math.ceil(threshold / (1 - threshold) * z * z) if threshold < 1 else 0  # from here on all found is enough
    rule += f"; to pass, a class needs at least {needed} samples"
    wide = {name: wilson(rate.hits, rate.n, z=z) for rate, name in judged}
    verdicts = {name: judge(one.low, one.high, threshold) for name, one in wide.items()}
    rate, name = min(judged, key=lambda pair: (SEVERITY.index(verdicts[pair[1]]), pair[0].value))
    least = rate.value == min(other.value for other, _ in judged)
    sentence = (
        f"The class {'found least often' if least else 'that decides'} is {name}: {in_hundred(rate.value)} of 100 ({low_high(rate)}). "
        f"Over all samples it is {in_hundred(result.accuracy.value)}."
    )
    low, high = wide[name].low, wide[name].high
    return Finding("NL302", title, verdicts[name], rate.value, low, high, rate.n, rule, reason, sentence)


def calibrated(result: Calibration, n: int) -> Finding:
    """NL401: the model is right about as often as its probabilities say."""
    excess = result.ece - result.null
    verdict: Verdict = "PASS" if excess <= 0 else ("FAIL" if excess > 0.05 else "WARN")
    return Finding(
        "NL401",
        "Its confidence can be taken at its word",
        verdict if n >= 100 else "NOT SHOWN",
        result.ece,
        math.nan,
        math.nan,
        n,
        f"expected calibration error at most {result.null:.1%}, what a perfect model shows by chance here; 5 points more fail",
        "A person who relies on a probability is misled when it is too high or too low.",
        f"Its stated confidence and its rate of right answers differ by {100 * result.ece:.1f} points on average"
        + (", no more than chance explains." if excess <= 0 else f"; chance alone explains {100 * result.null:.1f}."),
    )


def complete(relative: Sequence[float], tolerance: float = 0.05) -> Finding:
    """NL501: Integrated Gradients account for the whole answer on every worst case."""
    worst = max(relative) if relative else math.nan
    verdict: Verdict = "NOT SHOWN" if not relative else ("PASS" if worst < tolerance else "FAIL")
    return Finding(
        "NL501",
        "Explanations account for the whole answer",
        verdict,
        worst,
        math.nan,
        math.nan,
        len(relative),
        f"the completeness error of Integrated Gradients is under {tolerance:.0%} of the change that it explains",
        "Values that do not add up to the answer leave part of it unexplained.",
        f"The explanations of the {len(relative)} worst cases miss at most {100 * worst:.1f} % of what they explain."
        if len(relative) > 1
        else f"The explanation of the worst case misses {100 * worst:.1f} % of what it explains."
        if relative
        else "No wrong answer was explained.",
    )


def right_in_hundred(rate: Rate) -> str:
    """Say an accuracy in whole numbers of a hundred."""
    often = in_hundred(rate.value)
    times = "time" if often in ("1", "under 1") else "times"
    return f"On {rate.n:,} images held back from training, this model was right {often} {times} in 100 ({low_high(rate)})."


def in_hundred(share: float) -> str:
    """Say a share in whole numbers of a hundred; only a share of exactly 0 or 1 is called 0 or 100."""
    number = round(100 * share)
    if number in (0, 100) and 0 < share < 1:
        return "under 1" if share < 0.5 else "over 99"
    return str(number)


def low_high(rate: Rate) -> str:
    """Say an interval in whole numbers of a hundred: '90 to 92'."""
    return f"{round(100 * rate.low)} to {round(100 * rate.high)}"


def _none(count: int) -> str:
    return "None" if count == 0 else "One"


def _bonferroni_z(comparisons: int) -> float:
    from scipy.stats import norm

    return float(norm.ppf(1 - 0.025 / max(1, comparisons)))


def counts(findings: Sequence[Finding]) -> dict[Verdict, int]:
    """How many findings have each verdict."""
    verdicts = np.array([finding.verdict for finding in findings])
    return {verdict: int((verdicts == verdict).sum()) for verdict in VERDICTS}
