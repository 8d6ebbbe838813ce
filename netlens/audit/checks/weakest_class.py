"""NL302: no class is found clearly less often than all samples together."""

from __future__ import annotations

import math
from collections.abc import Mapping

from netlens.audit.check import Check, Limit
from netlens.audit.finding import SEVERITY, Outcome, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import in_hundred, low_high, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Rate, wilson


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the recall of each class, in an interval widened for looking at every class, with a share of the accuracy."""
    result, least = subject.performance, round(limits["samples"])
    judged = {name: rate for name, rate in zip(result.classes, result.recall, strict=True) if rate.n >= least}
    rule = say(
        "every class is found at least {share} as often as all samples together; at least {least} samples a class; intervals widened for "
        "looking at {looks} classes",
        share=percent(1 - limits["gap"]), least=str(least), looks=str(len(judged)),
    )  # fmt: skip
    recall = {name: [rate.hits, rate.n] for name, rate in zip(result.classes, result.recall, strict=True)}
    if not judged:
        nothing = say("No class has the {least} samples that a judgement needs.", least=str(least))
        return not_shown(rule, nothing, evidence={"recall": recall})
    z, threshold = _bonferroni_z(len(judged)), result.accuracy.value * (1 - limits["gap"])
    needed = math.ceil(threshold / (1 - threshold) * z * z) if threshold < 1 else 0  # from here on all found is enough
    rule += say("; to pass, a class needs at least {needed} samples", needed=str(needed))
    wide = {name: wilson(rate.hits, rate.n, z=z) for name, rate in judged.items()}
    verdicts = {name: judge(one.low, one.high, threshold) for name, one in wide.items()}
    name = min(judged, key=lambda one: (SEVERITY.index(verdicts[one]), judged[one].value))
    least_found = judged[name].value == min(rate.value for rate in judged.values())
    said = sentence(name, wide[name], result.accuracy, least_found)
    evidence = {"class": name, "threshold": threshold, "recall": recall, "verdicts": verdicts}
    return Outcome(verdicts[name], judged[name].value, wide[name].low, wide[name].high, judged[name].n, rule, said, evidence)


def sentence(name: str, rate: Rate, overall: Rate, least_found: bool) -> str:
    """Say which class decides, and how often it is found; `rate` has the interval that decides, widened for looking at every class."""
    values = {"name": name, "share": in_hundred(rate.value), "interval": low_high(rate), "overall": in_hundred(overall.value)}
    if least_found and rate.value >= overall.value:
        return say(
            "Every class is found equally often, {share} of 100 ({interval} for {name}, widened for looking at every class).",
            **values,
        )
    if least_found:
        return say(
            "The class found least often is {name}: {share} of 100 ({interval}, widened for looking at every class). Over all "
            "samples it is {overall}.",
            **values,
        )
    return say(
        "The class that decides is {name}: {share} of 100 ({interval}, widened for looking at every class). Over all samples it is "
        "{overall}.",
        **values,
    )


def _bonferroni_z(comparisons: int) -> float:
    from scipy.stats import norm

    return float(norm.ppf(1 - 0.025 / max(1, comparisons)))


CHECK = Check(
    code="NL302",
    title="No class is left behind",
    area="performance",
    what="For each class, the share of its samples that the model finds, against the share over all samples.",
    why="An average hides a class that suffers. Of many equal classes one always looks worst, so the interval is widened.",
    act="Collect more samples of the class, look at what it is taken for, or weigh its errors more heavily in training.",
    beware="With few samples a class, a caution may be chance. A class that passes may still hold a group that suffers.",
    measure=measure,
    needs=("answers", "two classes"),
    passes=lambda _: 0,
    limits={
        "gap": Limit(0.05, "A class that is found a twentieth less often than the average is worth a look."),
        "samples": Limit(30, "With fewer samples a class the interval spans most of the scale."),
    },
)
