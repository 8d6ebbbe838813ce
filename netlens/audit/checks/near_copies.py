"""NL202: no test sample is almost a training sample."""

from __future__ import annotations

from collections.abc import Mapping

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import percent
from netlens.audit.subject import Subject
from netlens.behaviour import Rate, leakage

MOST_SHOWN = 24


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Look for test samples that lie much nearer to a training sample than samples of one class usually do."""
    assert subject.train is not None
    rule = say("none is almost a copy; clearly more than {most} fail", most=percent(limits["most"]))
    if len(subject.train) < 2:
        return not_shown(
            rule, say("There are too few training {nouns} to compare with.", nouns=subject.nouns), n=len(subject.test)
        )
    found = leakage(subject.train, subject.test)
    rate = found.near
    verdict: Verdict = "PASS" if rate.hits == 0 else "FAIL" if rate.low > limits["most"] else "WARN"
    evidence = {
        "near copies": rate.hits,
        "test samples": rate.n,
        "pairs": found.alike[:MOST_SHOWN].tolist(),
        "distance": found.distance[:MOST_SHOWN].tolist(),
    }
    said = sentence(rate, subject.noun, subject.nouns)
    return Outcome(verdict, rate.value, rate.low, rate.high, rate.n, rule, said, evidence)


def sentence(rate: Rate, noun: str, nouns: str) -> str:
    """Say how many test samples are almost copies."""
    n = f"{rate.n:,}"
    if rate.n == 1:
        told = say("almost the same as") if rate.hits else say("not almost the same as")
        return say("The only test {noun} is {told} a training {noun}.", noun=noun, told=told)
    if rate.hits == 0:
        return say("None of the {n} test {nouns} is almost the same as a training {noun}.", n=n, noun=noun, nouns=nouns)
    if rate.hits == 1:
        return say("One of the {n} test {nouns} is almost the same as a training {noun}.", n=n, noun=noun, nouns=nouns)
    return say("{hits} of the {n} test {nouns} are almost the same as training {nouns}.", hits=f"{rate.hits:,}", n=n, nouns=nouns)


CHECK = Check(
    code="NL202",
    title="Test samples are no near copies either",
    area="data",
    what="For each test sample the nearest training sample is sought. A pair is suspicious when it lies less than half as far apart as a "
    "training sample usually lies from the next of its class. Texts are compared without case, spaces and punctuation.",
    why="A picture that was saved anew, or a second one of the same thing, measures memory as an exact copy does.",
    act="Look at the pairs. Split the data so that everything that comes from one person, place or object is on one side.",
    beware="A picture that was shifted, turned or cropped lies far away in pixels and is not found.",
    measure=measure,
    needs=("train data",),
    limits={"most": Limit(0.01, "Above one in a hundred near copies can lift the accuracy by as much as one point.")},
)
