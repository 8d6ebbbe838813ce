"""NL403: at no level of confidence is the model far off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import in_hundred
from netlens.audit.subject import Subject
from netlens.behaviour import WorstBin, brier, worst_bin


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Find the largest gap between confidence and truth among the bins with enough answers."""
    result, least = subject.calibration, round(limits["samples"])
    score = brier(subject.probabilities, subject.performance.labels)
    evidence = {"brier": asdict(score)}
    rule = say(
        "at every level of confidence with at least {least} answers the gap to the truth may be below {good} points; clearly above {bad} fails",
        least=str(least), good=f"{100 * limits['good']:g}", bad=f"{100 * limits['bad']:g}",
    )  # fmt: skip
    found = worst_bin(result, least)
    if found is None:
        nothing = say("No level of confidence has the {least} answers that a judgement needs.", least=str(least))
        return not_shown(rule, nothing, n=score.n, evidence=evidence)
    ends = sorted(abs(found.confidence - end) for end in (found.rate.low, found.rate.high))
    low, high = (0.0 if found.chance else ends[0]), ends[1]
    verdict: Verdict = "PASS" if low <= limits["good"] else "FAIL" if low > limits["bad"] else "WARN"
    evidence |= {"worst": asdict(found)}
    return Outcome(verdict, abs(found.value), low, high, found.rate.n, rule, sentence(found), evidence)


def sentence(found: WorstBin) -> str:
    """Say where confidence and truth lie furthest apart."""
    values = {"sure": in_hundred(found.confidence), "right": in_hundred(found.rate.value), "n": f"{found.rate.n:,}"}
    text = say("When it says {sure} %, it is right {right} times in 100 ({n} answers).", **values)
    return text + " " + (say("That can be chance.") if found.chance else say("That is more than chance."))


CHECK = Check(
    code="NL403",
    title="At no level is its confidence far off",
    area="confidence",
    what="Of the 15 levels of confidence the one is reported at which confidence and truth lie furthest apart (maximum calibration error). "
    "The interval is widened for looking at several levels.",
    why="An average gap may be small because most answers are easy; those that are decided by confidence lie elsewhere.",
    act="Rescale the outputs on data held back for it, and measure again on other data.",
    beware="Levels with few answers are not judged. The Brier score beside it mixes accuracy and calibration in one number.",
    measure=measure,
    needs=("answers",),
    limits={
        "good": Limit(0.1, "Ten points are what a reader of a probability overlooks."),
        "bad": Limit(0.25, "A confidence that is a quarter off misleads whoever acts on it."),
        "samples": Limit(20, "With fewer answers at a level chance moves the gap by over twenty points."),
    },
    reference="Naeini, Cooper and Hauskrecht 2015; Brier 1950",
)
