"""The stamp: may this explanation be believed, on this model and this input? A printed policy decides."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, fields
from typing import Literal

import pandas as pd
import torch

from netlens.errors import ShapeError, UsageError
from netlens.explain.base import Attribution
from netlens.quality.base import Score
from netlens.quality.sanity import Sanity

Verdict = Literal["supported", "weak", "not evidence"]
VERDICTS: tuple[Verdict, ...] = ("not evidence", "weak", "supported")  # from the worst to the best
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Policy:
    """The thresholds of a stamp; `frame` prints each with its reason.

    `faithfulness` : the gap over random rankings. `stability` : the rank correlation between maps of an input and of one hardly
    changed. `sanity_excess` : what a map may keep of itself with the network broken, beyond what a control keeps. `sanity_unsure` :
    the upper end of that interval, above which too little was measured. `samples` : the fewest samples for an interval.
    """

    faithfulness: float = 0.0
    stability: float = 0.6
    sanity_excess: float = 0.1
    sanity_unsure: float = 0.4
    samples: int = 4

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if not math.isfinite(value) or (entry.name == "samples" and value < 2):
                expected = (
                    "a whole number from 2 on: one sample has no interval" if entry.name == "samples" else "a finite number"
                )
                raise UsageError("policy of the stamps", f"{entry.name} is {value}", expected=expected)

    def frame(self) -> pd.DataFrame:
        """One row a threshold: its name, its value, its reason."""
        rows = [
            {"threshold": entry.name, "value": getattr(self, entry.name), "reason": REASONS[entry.name]} for entry in fields(self)
        ]
        return pd.DataFrame(rows)


REASONS = {
    "faithfulness": "hiding what the map names first must hurt more than hiding places at random; the interval must lie above",
    "stability": "below it two maps of what looks like one input order the places so differently that a reader sees two stories",
    "sanity_excess": "a map that outlives its network shows the input; a tenth of a correlation is left to the luck of the random weights",
    "sanity_unsure": "an interval that reaches higher leaves open whether the map outlives its network",
    "samples": "with fewer the interval says more about Student's t than about the method",
}


@dataclass(frozen=True)
class Reason:
    """One measure behind a stamp: what was found, the rule, and what follows. Without a measurement, `value` is NaN and `n` 0."""

    check: str
    verdict: Verdict
    value: float
    low: float
    high: float
    n: int
    rule: str

    @property
    def told(self) -> str:
        """The reason in words, with its numbers."""
        if self.n == 0:
            return f"{self.check}: {NOT_MEASURED}"
        between = "" if math.isnan(self.low) else f" ({_number(self.low)} to {_number(self.high)})"
        return f"{self.check} {_number(self.value)}{between}; {self.rule}"


@dataclass(frozen=True)
class Stamp:
    """What may be believed of a method here: the `verdict` is the worst of its `reasons`; `samples` holds one for each input.

    `measured` : SHA-256 of the values that were judged, so that nobody takes the verdicts of these inputs for those of others.
    """

    method: str
    verdict: Verdict
    reasons: tuple[Reason, ...]
    samples: tuple[Verdict, ...]
    policy: Policy
    measured: str = ""

    def of(self, attribution: Attribution, place: int) -> Verdict:
        """The verdict for one input of an attribution: its own where it was measured, the method's where the inputs are others."""
        return self.samples[place] if self.measured == fingerprint(attribution) else self.verdict

    @property
    def told(self) -> str:
        """The verdict and what decided it."""
        worst = [reason.told for reason in self.reasons if reason.verdict == self.verdict]
        return f"{self.verdict}: {'; '.join(worst)}" if self.verdict != "supported" else self.verdict

    def frame(self) -> pd.DataFrame:
        """One row a measure."""
        return pd.DataFrame([{"method": self.method, **vars(reason)} for reason in self.reasons])


def stamp(
    attribution: Attribution,
    *,
    faithfulness: Score | None = None,
    stability: Score | None = None,
    sanity: Sanity | None = None,
    policy: Policy | None = None,
) -> Stamp:
    """Decide what an explanation is worth, by what was measured on this model and these inputs.

    Parameters
    ----------
    faithfulness : a gap over random rankings, such as that of `Deletion`; above zero is good.
    stability : rank correlations under small changes of the input.
    sanity : what `randomise` found.
    policy : the thresholds; those of `Policy()` without it.

    Returns
    -------
    Stamp. `not evidence` when a measure is wholly on the bad side, when the map outlives its network, or when a promised sum is missed;
    `weak` when an interval straddles its threshold or something was not measured; `supported` when all was measured and is good. For
    a single input the method's verdict holds at best, and it falls by its own gap, correlation and sum.

    Raises
    ------
    ShapeError : a measure was taken on other inputs, or where lower is better.
    """
    policy = policy or Policy()
    n = len(attribution.values)
    for name, score in (("faithfulness", faithfulness), ("stability", stability)):
        if score is not None and (len(score.values) != n or score.direction != "higher"):
            problem = f"the measure of {name} has {len(score.values)} values for {n} inputs, and {score.direction} is better"
            raise ShapeError("stamp", problem, expected="one value for each input of a measure where higher is better")
    reasons = [
        _measured("faithfulness", faithfulness, policy.faithfulness, policy),
        _measured("stability", stability, policy.stability, policy),
        _sanity(sanity, policy),
    ]
    if attribution.complete is not None and attribution.error is not None:
        reasons.append(_complete(attribution))
    verdict = min((reason.verdict for reason in reasons), key=VERDICTS.index)
    each = _each(attribution, reasons, faithfulness, stability, policy)
    return Stamp(attribution.method, verdict, tuple(reasons), each, policy, fingerprint(attribution))


def fingerprint(attribution: Attribution) -> str:
    """SHA-256 of the values of an attribution."""
    return hashlib.sha256(attribution.values.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()).hexdigest()


def _measured(check: str, score: Score | None, threshold: float, policy: Policy) -> Reason:
    rule = f"must be above {threshold:g}"
    if score is None:
        return Reason(check, "weak", math.nan, math.nan, math.nan, 0, rule)
    verdict: Verdict = "supported" if score.low > threshold else "weak"
    if score.high <= threshold:
        verdict = "not evidence"
    if score.n < policy.samples:
        verdict = "weak"
    return Reason(check, verdict, score.mean, score.low, score.high, score.n, rule)


def _sanity(sanity: Sanity | None, policy: Policy) -> Reason:
    rule = f"what a broken network's map keeps beyond the control must not be above {policy.sanity_excess:g}"
    if sanity is None:
        return Reason("sanity", "weak", math.nan, math.nan, math.nan, 0, rule)
    mean, low, high = sanity.interval
    verdict: Verdict = "supported" if high < policy.sanity_unsure else "weak"
    if low > policy.sanity_excess:
        verdict = "not evidence"
    if len(sanity.excess) < policy.samples:
        verdict = "weak"
    return Reason("sanity", verdict, mean, low, high, len(sanity.excess), rule)


def _complete(attribution: Attribution) -> Reason:
    assert attribution.error is not None
    assert attribution.complete is not None
    failed = float((~attribution.complete).double().mean())
    verdict: Verdict = "supported" if failed == 0 else "not evidence" if failed == 1 else "weak"
    rule = f"the sum must be met within {attribution.tolerance:g}"
    return Reason(
        "completeness error", verdict, float(attribution.error.mean()), math.nan, math.nan, len(attribution.values), rule
    )


def _each(
    attribution: Attribution, reasons: list[Reason], faithfulness: Score | None, stability: Score | None, policy: Policy
) -> tuple[Verdict, ...]:
    """The verdict for each input: the method's, but for completeness, which is each input's own; lower where its own values are bad."""
    method = min((reason.verdict for reason in reasons if reason.check != "completeness error"), key=VERDICTS.index)
    ranks = torch.full((len(attribution.values),), VERDICTS.index(method))
    weak = VERDICTS.index("weak")
    for score, threshold in ((faithfulness, policy.faithfulness), (stability, policy.stability)):
        if score is not None:
            ranks = torch.where(score.values > threshold, ranks, ranks.clamp(max=weak))
    if attribution.complete is not None:
        ranks = torch.where(attribution.complete, ranks, VERDICTS.index("not evidence"))
    return tuple(VERDICTS[int(rank)] for rank in ranks)


def _number(value: float) -> str:
    return f"{value:.2f}".replace("-", "−") if abs(value) >= 0.01 or value == 0 else f"{value:.1g}".replace("-", "−")
