"""NL801: what does not matter does not tell the label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from netlens.audit.check import Check, Limit
from netlens.audit.finding import SEVERITY, Outcome, Verdict, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import are, in_hundred, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Told, nuisances, of_corners, told_by


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Guess the label from each nuisance alone."""
    numbers, corners, least = nuisances(subject.test), set[str](), round(limits["samples"])
    if subject.test.modality == "image":
        found_in_corners = of_corners(np.asarray(subject.test.raw[np.arange(len(subject.test))]))
        corners = {name for name in found_in_corners if name.endswith("corner")}
        numbers |= found_in_corners
    rule = say(
        "no nuisance covers {good} of the way from a constant to a perfect guess of the label, and no corner gives a class away; clearly above "
        "{bad} fails; judged from {least} {nouns} on",
        good=percent(limits["good"]), bad=percent(limits["bad"]), least=str(least), nouns=subject.nouns,
    )  # fmt: skip
    labels = subject.test.labels
    if len(labels) < least:
        return not_shown(rule, say("{few} too few to guess from.", few=are(len(labels), subject.noun)), n=len(labels))
    found = told_by(numbers, labels, seed=subject.seed)
    verdicts = {one.nuisance: verdict(one, one.nuisance in corners, limits) for one in found}
    worst = min(found, key=lambda one: (SEVERITY.index(verdicts[one.nuisance]), -one.score))
    given = worst.nuisance in corners and worst.found.low > limits["corner"]
    said = sentence(worst, subject.test.classes[worst.clearest] if given else "")
    evidence = {
        one.nuisance: {
            "score": one.score,
            "low": one.low,
            "high": one.high,
            "class": subject.test.classes[one.clearest],
            "found": one.found.difference,
        }
        for one in found
    }
    return Outcome(
        verdicts[worst.nuisance],
        worst.score,
        worst.low,
        worst.high,
        len(labels),
        rule,
        said,
        {"nuisances": evidence, "right": asdict(worst.accuracy)},
    )


def verdict(one: Told, corner: bool, limits: Mapping[str, float]) -> Verdict:
    """Judge one nuisance; a corner also by the class that it gives away."""
    if corner and one.found.low > limits["corner"]:
        return "FAIL"
    return judge(one.low, one.high, limits["good"], limits["bad"], better="lower")


def sentence(worst: Told, given: str) -> str:
    """Say which nuisance tells most."""
    if given:
        return say("The {corner} alone gives the class {given} away.", corner=worst.nuisance, given=given)
    return say(
        "Of all nuisances {name} tells most: a guess from it alone is right {share} times in 100.",
        name=worst.nuisance, share=in_hundred(worst.accuracy.value),
    )  # fmt: skip


CHECK = Check(
    code="NL801",
    title="The labels are not told by trifles",
    area="shortcuts",
    what="From each nuisance alone, such as brightness, length or what stands in a corner, the label is guessed, by ten bins, cross-validated.",
    why="If a trifle tells the label, a model may learn the trifle instead of the matter, and no test on such data will show it.",
    act="Collect data in which the trifle varies within each class; crop corners with marks; test on data without it.",
    beware="Some trifles belong to the matter: ones are thin. And a shortcut that is not on the list is not found.",
    measure=measure,
    needs=("two classes",),
    limits={
        "good": Limit(0.3, "A third of the way is more than the natural differences between classes usually give away."),
        "bad": Limit(0.6, "More than half of the way, and the matter itself is hardly needed."),
        "corner": Limit(0.5, "A corner that gives a class away in half of its samples holds a mark, not a part of the object."),
        "samples": Limit(100, "With fewer a guess from bins is no guess."),
    },
)
