"""NL501: the explanations of the worst cases account for the whole answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import percent
from netlens.audit.subject import Subject


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the sum of the values of Integrated Gradients with the change of the output that they explain."""
    errors = [one.error.tolist() for one in subject.explanations if one.error is not None]
    relative = [share for values in errors for share in values]
    rule = say("every sum is met within {tolerance} of the change that it explains", tolerance=percent(limits["tolerance"]))
    if not relative:
        return not_shown(rule, say("No wrong answer was explained."))
    most = max(relative)
    verdict: Verdict = "PASS" if most < limits["tolerance"] else "FAIL"
    return Outcome(verdict, most, math.nan, math.nan, len(relative), rule, sentence(relative), {"missed": relative})


def sentence(relative: Sequence[float]) -> str:
    """Say how much of the answer the explanations leave out."""
    most = f"{100 * max(relative):.1f}"
    if len(relative) == 1:
        return say("The explanation of the worst case misses {most} % of what it explains.", most=most)
    return say(
        "The explanations of the {n} worst cases miss at most {most} % of what they explain.", n=str(len(relative)), most=most
    )


CHECK = Check(
    code="NL501",
    title="Explanations add up to the answer",
    area="explanations",
    what="Integrated Gradients promise values whose sum is the change of the output. The largest miss over the worst cases is reported.",
    why="Values that do not add up to the answer leave part of it unexplained.",
    act="Explain with more steps; where that does not help, the network has operations whose gradient is not that of its answer.",
    beware="A sum that is met does not show that the values stand in the right places.",
    measure=measure,
    needs=("answers", "gradients"),
    samples=(6, 6, 6),
    passes=lambda n: 3 * 32 * n,
    limits={"tolerance": Limit(0.05, "What is missing must be small against what is shown.")},
    reference="Sundararajan, Taly and Yan 2017, arXiv:1703.01365",
)
