"""NL401: the model is right about as often as its probabilities say."""

from __future__ import annotations

import math
from collections.abc import Mapping

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import are, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Calibration


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the calibration error with what a perfectly calibrated model shows by chance at this number of samples."""
    result, n, least = subject.calibration, len(subject.test), round(limits["samples"])
    rule = say(
        "the gap is at most {null}, what a perfect model shows by chance on as many samples; {excess} points more fail; judged from {least} "
        "samples on",
        null=percent(result.null), excess=f"{100 * limits['excess']:g}", least=str(least),
    )  # fmt: skip
    evidence = {"gap": result.ece, "chance": result.null}
    if n < least:
        return not_shown(
            rule, say("{few} too few to compare confidence with truth.", few=are(n, say("sample"))), n=n, evidence=evidence
        )
    excess = result.ece - result.null
    verdict: Verdict = "PASS" if excess <= 0 else "FAIL" if excess > limits["excess"] else "WARN"
    return Outcome(verdict, result.ece, math.nan, math.nan, n, rule, sentence(result), evidence)


def sentence(result: Calibration) -> str:
    """Say how far confidence and truth lie apart, and whether chance explains it."""
    gap, chance = f"{100 * result.ece:.1f}", f"{100 * result.null:.1f}"
    if result.ece <= result.null:
        return say(
            "How sure it says it is and how often it is right differ by {gap} points on average, no more than chance explains.",
            gap=gap,
        )
    return say(
        "How sure it says it is and how often it is right differ by {gap} points on average; chance alone explains {chance}.",
        gap=gap,
        chance=chance,
    )


CHECK = Check(
    code="NL401",
    title="Its confidence can be taken at its word",
    area="confidence",
    what="The answers are sorted into 15 bins by their probability; in each bin the mean probability is compared with the share of right "
    "answers. The mean gap is the expected calibration error.",
    why="A person who relies on a probability is misled when it is too high or too low.",
    act="Rescale the outputs on data held back for it (temperature scaling), and measure again on other data.",
    beware="The gap of a perfect model is never zero. A model can be well calibrated on average and badly so for one class or group.",
    measure=measure,
    needs=("answers",),
    limits={
        "excess": Limit(0.05, "Five points beyond chance change what a reader does with a probability."),
        "samples": Limit(100, "With fewer even a perfect model shows gaps above eight points."),
    },
    reference="Naeini, Cooper and Hauskrecht 2015; Bröcker and Smith 2007",
)
