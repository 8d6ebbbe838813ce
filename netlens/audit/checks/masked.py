"""NL802: with the object hidden the model no longer knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from netlens.audit.check import Check, Limit
from netlens.audit.finding import SEVERITY, Outcome, Verdict, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import are, count, in_hundred, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Masked, masking
from netlens.behaviour.masking import DECISIVE


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Hide the middle of each image, more and more, and count the right answers."""
    batch, least = subject.sample(CHECK.size(subject)), round(limits["samples"])
    found = masking(subject.model, batch, preprocess=subject.test.preprocess)
    one = next(masked for masked in found if masked.side == DECISIVE)
    good, bad = one.chance + limits["good"], one.chance + limits["bad"]
    rule = say(
        "with the inner {side} of both sides hidden, accuracy at most {good}: chance has {chance}; clearly above {bad} fails, and so does a class "
        "that is still recognised; judged from {least} {nouns} on",
        side=percent(DECISIVE), good=percent(min(good, 1.0)), chance=percent(one.chance), bad=percent(min(bad, 1.0)), least=str(least),
        nouns=subject.nouns,
    )  # fmt: skip
    evidence = {
        "sides": [{"side": masked.side, "accuracy": asdict(masked.accuracy)} for masked in found],
        "chance": one.chance,
        "decisive": DECISIVE,
        "recognised": {name: [by.difference, by.low, by.high] for name, by in one.recognised.items()},
    }
    rate = one.accuracy
    if rate.n < least:
        return not_shown(rule, say("{few} too few to judge.", few=are(rate.n, subject.noun)), n=rate.n, evidence=evidence)
    overall = judge(rate.low, rate.high, good, bad, better="lower")
    single = _single(one, limits)
    verdict = min(overall, single, key=SEVERITY.index)
    said = sentence(one, one.clearest if SEVERITY.index(single) < SEVERITY.index(overall) else "")
    return Outcome(verdict, rate.value, rate.low, rate.high, rate.n, rule, said, evidence)


def _single(one: Masked, limits: Mapping[str, float]) -> Verdict:
    """Judge the class that is recognised best without its object."""
    if not one.clearest:
        return "PASS"
    low = one.recognised[one.clearest].low
    return "FAIL" if low > limits["class fails"] else "WARN" if low > limits["class"] else "PASS"


def sentence(one: Masked, clearest: str) -> str:
    """Say what the model still knows."""
    share, chance = in_hundred(one.accuracy.value), in_hundred(one.chance)
    if clearest:
        points = count(round(100 * one.recognised[clearest].difference), say("point"))
        return say("With the object hidden it still recognises {name}, {points} above chance.", name=clearest, points=points)
    if one.accuracy.low > one.chance:
        return say(
            "With the object hidden it is still right {share} times in 100; chance gives {chance}.", share=share, chance=chance
        )
    return say("With the object hidden it only guesses: {share} of 100, as chance does.", share=share)


CHECK = Check(
    code="NL802",
    title="It looks at the object",
    area="shortcuts",
    what="The middle of every image is hidden behind the mean of all images, in four sizes. Counted are right answers, and for each class how much "
    "oftener it is answered for its own images than for others.",
    why="A model that still knows the answer reads something else: a mark, the background, the device that took the image.",
    act="Look at what is left of the images. Remove marks, vary the background, and train with masked images.",
    beware="Objects that reach the edge stay visible in part. Background can be honest evidence; then say so.",
    measure=measure,
    needs=("answers", "images", "two classes"),
    samples=(200, 1000, 5000),
    passes=lambda n: 4 * n,
    limits={
        "good": Limit(0.1, "Ten points above chance are more than what is left of most objects gives."),
        "bad": Limit(0.4, "So much without the object means that the object is hardly needed."),
        "class": Limit(0.3, "A class told apart in three of ten cases without its object deserves a look."),
        "class fails": Limit(0.6, "A class told apart in most cases without its object is read from something else."),
        "samples": Limit(100, "With fewer the interval is wider than the margin."),
    },
    view="masking_curve",
)
