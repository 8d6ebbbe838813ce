"""NL402: the model is less sure when it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import count, in_hundred
from netlens.audit.subject import Subject
from netlens.behaviour import Selective, selective


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Ask how well confidence tells right from wrong answers, and how the error falls when unsure ones are handed to a person."""
    result, least = subject.performance, round(limits["samples"])
    right = result.predictions == result.labels
    found = selective(subject.probabilities.max(1), right)
    wrong = int((~right).sum())
    rule = say(
        "a right answer is surer than a wrong one in at least {good} of 100 pairs; judged from {least} right and as many wrong answers on",
        good=in_hundred(limits["auroc"]), least=str(least),
    )  # fmt: skip
    evidence = {
        "coverage": list(found.coverage),
        "error": [asdict(rate) for rate in found.error],
        "area": found.area,
        "best": found.best,
        "blind": found.blind,
        "wrong": wrong,
    }
    if found.knows is None or min(wrong, len(right) - wrong) < least:
        few = say("{wrong} and {right}: too few of one kind to compare.", wrong=count(wrong, say("wrong answer")),
            right=count(len(right) - wrong, say("right answer")))  # fmt: skip
        return not_shown(rule, few[0].upper() + few[1:], n=len(right), evidence=evidence)
    area = found.knows
    said = sentence(found)
    return Outcome(
        judge(area.low, area.high, limits["auroc"]), area.value, area.low, area.high, len(right), rule, said,
        evidence | {"auroc": asdict(area)},
    )  # fmt: skip


def sentence(found: Selective) -> str:
    """Say what is won when the least sure fifth of the answers goes to a person."""
    whole, part = found.error[-1].value, found.error[found.coverage.index(0.8)].value
    return say(
        "If a person took over the fifth of which it is least sure, {part} of 100 remaining answers would be wrong instead of {whole}.",
        part=_points(part), whole=_points(whole),
    )  # fmt: skip


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


CHECK = Check(
    code="NL402",
    title="It is less sure when it is wrong",
    area="confidence",
    what="The confidence of right answers is compared with that of wrong ones, over all pairs (AUROC). The error is computed on the surest "
    "answers only, from the surest tenth to all.",
    why="Only a model that is unsure when it errs can hand the hard cases to a person.",
    act="Train several models and average them, or calibrate; have a person look at the answers below a fixed confidence.",
    beware="It knows its errors on data like these. On inputs of another kind it may be wrong and sure.",
    measure=measure,
    needs=("answers", "two classes"),
    limits={
        "auroc": Limit(0.6, "Below it the confidence hardly helps to find the errors; one half is a guess."),
        "samples": Limit(10, "With fewer wrong answers the interval spans most of the scale."),
    },
    view="error_coverage",
    reference="El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017, arXiv:1705.08500",
)
