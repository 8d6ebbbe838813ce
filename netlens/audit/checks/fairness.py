"""NL701: groups are treated alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from netlens.audit.check import Check, Limit
from netlens.audit.finding import SEVERITY, Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import count, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Fairness, Gap, fairness
from netlens.behaviour.fairness import FALSE, FOUND, RIGHT, SELECTED


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the rates of every two groups of every attribute."""
    result, least, chosen = subject.performance, round(limits["samples"]), round(limits["favourable"]) - 1
    favourable = chosen if 0 <= chosen < len(subject.model.classes) else None
    found = [
        fairness(
            result.predictions,
            result.labels,
            np.asarray(values),
            attribute=name,
            favourable=favourable,
            enough=least,
            attributes=len(subject.test.groups),
        )
        for name, values in subject.test.groups.items()
    ]
    rule = say(
        "between any two groups rates differ by at most {difference} points, and the lower share of favourable answers is at least {ratio} of the "
        "higher; {least} cases a group at least; intervals widened for the number of comparisons",
        difference=f"{100 * limits['difference']:g}", ratio=percent(limits["ratio"]), least=str(least),
    )  # fmt: skip
    gaps = [(one.attribute, gap) for one in found for gap in one.gaps]
    evidence = _evidence(found)
    if not gaps:
        nothing = say("No two groups have the {least} cases that a comparison needs.", least=str(least))
        return not_shown(rule, nothing, n=len(result.labels), evidence=evidence)
    verdicts = [verdict(gap, limits) for _, gap in gaps]
    place = min(range(len(gaps)), key=lambda one: (SEVERITY.index(verdicts[one]), gaps[one][1].by.difference))
    attribute, gap = gaps[place]
    said = sentence(attribute, gap, subject.test.classes[favourable] if favourable is not None else "")
    by = gap.by
    if verdicts[place] == "NOT SHOWN":
        return not_shown(rule, said, n=by.n, evidence=evidence)
    return Outcome(verdicts[place], by.difference, by.low, by.high, by.n, rule, said, evidence)


def verdict(gap: Gap, limits: Mapping[str, float]) -> Verdict:
    """Judge one gap. An interval that holds both equality and a breach of the rule shows neither."""
    least, by = -limits["difference"], gap.by
    ratio = limits["ratio"] if gap.rate == SELECTED else 0.0
    if by.high < least or by.ratio_high < ratio:
        return "FAIL"
    if by.low >= least and by.ratio_low >= ratio:
        return "PASS"
    return "WARN" if gap.real else "NOT SHOWN"


def sentence(attribute: str, gap: Gap, favourable: str) -> str:
    """Say which gap decides, and whether chance explains it."""
    by = gap.by
    values = {
        "lower": gap.lower,
        "higher": gap.higher,
        "attribute": attribute,
        "points": _points(by.difference),
        "answer": favourable,
    }
    most = count(max(1, round(-100 * by.low)), say("point"))
    if by.difference == 0:
        text = {
            RIGHT: say("By {attribute}: the answers for {lower} and {higher} are right equally often.", **values),
            SELECTED: say("By {attribute}: {lower} and {higher} get the answer {answer} equally often.", **values),
            FOUND: say("By {attribute}: of those who merit the answer {answer}, {lower} and {higher} get it equally often.", **values),
            FALSE: say("By {attribute}: of those who do not merit the answer {answer}, {lower} and {higher} get it equally often.", **values),
        }[gap.rate]  # fmt: skip
        return text + " " + say("Chance could hide a gap of up to {most}.", most=most)
    text = {
        RIGHT: say("By {attribute}: the answers for {lower} are right {points} less often than for {higher}.", **values),
        SELECTED: say("By {attribute}: {lower} get the answer {answer} {points} less often than {higher}.", **values),
        FOUND: say("By {attribute}: of those who merit the answer {answer}, {lower} get it {points} less often than {higher}.", **values),
        FALSE: say("By {attribute}: of those who do not merit the answer {answer}, {lower} get it {points} less often than {higher}.", **values),
    }[gap.rate]  # fmt: skip
    if gap.real:
        return text + " " + say("Chance alone does not explain it.")
    return text + " " + say("Chance alone could explain it; a gap of up to {most} is possible.", most=most)


def _points(difference: float) -> str:
    whole = round(abs(100 * difference))
    if whole == 0:
        return say("under 1 point")
    return say("1 point") if whole == 1 else say("{points} points", points=str(whole))


def _evidence(found: list[Fairness]) -> dict[str, Any]:
    return {
        "attributes": {
            one.attribute: {rate: {group: asdict(value) for group, value in each.items()} for rate, each in one.rates.items()}
            for one in found
        },
        "too few": [[one.attribute, rate, group] for one in found for rate, group in one.few],
        "gaps": [
            {
                "attribute": one.attribute,
                "rate": gap.rate,
                "lower": gap.lower,
                "higher": gap.higher,
                "difference": [gap.by.difference, gap.by.low, gap.by.high],
                "ratio": [gap.by.ratio, gap.by.ratio_low, gap.by.ratio_high],
            }
            for one in found
            for gap in one.gaps[:6]
        ],
    }


CHECK = Check(
    code="NL701",
    title="Groups are treated alike",
    area="fairness",
    what="For every group that the card names: the share of right answers and, where a policy names a favourable answer, how often it is given, "
    "how often to those who merit it, and how often to those who do not. Every two groups are compared.",
    why="A model that is right on average may still be wrong about the same people again and again.",
    act="Look for what the weaker group lacks in the training data. Do not hide the attribute: other columns tell it.",
    beware="Equal rates are not justice, and different notions of fairness exclude each other. Groups that nobody recorded are not seen.",
    measure=measure,
    needs=("answers", "groups"),
    limits={
        "difference": Limit(0.1, "Ten points are felt by whoever belongs to the group."),
        "ratio": Limit(0.8, "The four-fifths rule of US employment practice, applied to the whole interval."),
        "samples": Limit(
            100, "With 50 cases each, two identical groups break the four-fifths rule in nearly half of all audits."
        ),
        "favourable": Limit(0, "No favourable answer was named; a policy gives its place among the classes, from 1."),
    },
    view="fairness_rates",
    reference="Hardt, Price and Srebro 2016, arXiv:1610.02413; Feldman et al. 2015, arXiv:1412.3756",
)
