"""NL301: the model is right clearly more often than its commonest answer alone would be."""

from __future__ import annotations

from collections.abc import Mapping

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import count, in_hundred, low_high, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Rate


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the interval of the accuracy with the share of the commonest class and a margin, or with the card's own target."""
    result, least = subject.performance, round(limits["samples"])
    rate = result.accuracy
    margin = min(limits["margin"], (1 - result.majority) / 2)  # above a majority of 95 % there are no ten points left
    floor = result.majority + margin
    threshold = max(floor, limits["target"])
    rule = say(
        "accuracy at least {threshold}: the commonest class has {majority}, plus {margin}{half}; judged from {least} samples on",
        threshold=percent(threshold), majority=percent(result.majority), margin=percent(margin), least=str(least),
        half="" if margin == limits["margin"] else say(", half of what is left"),
    ) if threshold == floor else say(
        "accuracy at least {threshold}, the target that was set; judged from {least} samples on", threshold=percent(threshold), least=str(least)
    )  # fmt: skip
    evidence = {"right": rate.hits, "samples": rate.n, "majority": result.majority, "threshold": threshold}
    said = right_in_hundred(rate, subject.noun)
    if rate.n < least:
        return not_shown(rule, say("{said} That is too few to judge.", said=said), n=rate.n, evidence=evidence)
    return Outcome(judge(rate.low, rate.high, threshold), rate.value, rate.low, rate.high, rate.n, rule, said, evidence)


def right_in_hundred(rate: Rate, noun: str) -> str:
    """Say an accuracy in whole numbers of a hundred."""
    often, values = in_hundred(rate.value), {"n": count(rate.n, say("test {noun}", noun=noun)), "interval": low_high(rate)}
    if often in (say("under 1"), "1"):
        return say("On {n}, this model was right {often} time in 100 ({interval}).", often=often, **values)
    return say("On {n}, this model was right {often} times in 100 ({interval}).", often=often, **values)


CHECK = Check(
    code="NL301",
    title="Right more often than a constant answer",
    area="performance",
    what="The share of right answers on the test samples, with its interval, against what the commonest answer alone would reach.",
    why="A model that is no better than always giving the same answer has learned nothing.",
    act="Train longer or on more data; look for labels that were mixed up, and for a wrong scaling of the inputs.",
    beware="A high share of right answers says nothing about rare classes, other data, or how bad the mistakes are.",
    measure=measure,
    needs=("answers", "two classes"),
    passes=lambda n: n,
    limits={
        "margin": Limit(
            0.1,
            "A model worth its cost should beat the constant answer by ten points, or by half of what is left where that is less.",
        ),
        "target": Limit(0.0, "No target was set; a policy or a card may set the accuracy that the use demands."),
        "samples": Limit(100, "With fewer the interval is wider than ten points."),
    },
    reference="Wilson 1927",
)
