"""NL951: the model has not become worse since the earlier audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import count
from netlens.audit.subject import Subject
from netlens.behaviour import Change, change

MOST_SHOWN = 24


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the answers with those of the earlier audit, sample by sample."""
    assert subject.previous is not None
    rule = say(
        "the samples that went from right to wrong do not outnumber those that went the other way by more than chance explains (p < {level})",
        level=f"{limits['level']:g}",
    )
    before, fault = _earlier(subject)
    if fault:
        return not_shown(rule, fault, n=len(subject.test), missing=("previous answers",))
    result = subject.performance
    found = change(before, result.predictions, result.labels, subject.model.classes)
    by = found.overall
    worse = by.p < limits["level"] and by.lost > by.gained
    verdict: Verdict = "FAIL" if worse else "PASS"
    evidence = {
        "overall": asdict(by),
        "by class": {
            name: {"before": one.before, "after": one.after, "fixed": one.gained, "broken": one.lost}
            for name, one in found.by_class.items()
        },
        "fixed": found.fixed[:MOST_SHOWN].tolist(),
        "broken": found.broken[:MOST_SHOWN].tolist(),
        "moved": found.moved,
    }
    said, name = sentence(found, limits["level"]), str(subject.previous.get("model", {}).get("name", ""))
    if name != subject.model.name:
        said += " " + say("The earlier audit is of a model of another name, {name}.", name=name or say("not stated"))
    return Outcome(verdict, by.change, by.low, by.high, by.n, rule, said, evidence)


def _earlier(subject: Subject) -> tuple[np.ndarray[Any, np.dtype[np.int64]], str]:
    """The earlier answers, or a sentence that says why they cannot be compared."""
    assert subject.previous is not None
    answers: Any = subject.previous.get("answers") or {}
    before = np.asarray(answers.get("predictions", []), dtype=np.int64)
    classes = subject.previous.get("model", {}).get("classes")
    if len(before) != len(subject.test):
        return before, say("The earlier audit does not hold the answers to these samples.")
    if list(classes or []) != list(subject.model.classes):
        return before, say("The earlier model has other classes.")
    return before, ""


def sentence(found: Change, level: float) -> str:
    """Say how many answers were fixed and how many were broken."""
    by = found.overall
    if by.lost + by.gained == 0:
        return say("No answer changed from right to wrong or back.")
    text = say(
        "{fixed} fixed, {broken} newly broken.",
        fixed=count(by.gained, say("answer")).capitalize(),
        broken=f"{by.lost:,}" if by.lost else say("none"),
    )
    if by.p >= level:
        return text + " " + say("Chance alone could explain the difference.")
    return text + " " + (say("It became better.") if by.gained > by.lost else say("It became worse."))


CHECK = Check(
    code="NL951",
    title="It has not become worse",
    area="change",
    what="Each answer is compared with the answer to the same sample in the earlier audit. Only samples that went from right to wrong, or back, count "
    "(McNemar's exact test).",
    why="A new version may be better on average and still break what people had come to rely on.",
    act="Look at the newly broken samples before the new version is used.",
    beware="Equal accuracy can hide many changes in both directions; the report counts both.",
    measure=measure,
    needs=("answers", "previous audit"),
    limits={"level": Limit(0.05, "So large a difference comes by chance in one of twenty comparisons.")},
    view="fixed_and_broken",
    reference="McNemar 1947",
)
