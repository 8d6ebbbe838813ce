"""NL203: the labels of the test samples can be trusted."""

from __future__ import annotations

from collections.abc import Mapping

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import count, in_hundred, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Rate, label_issues

MOST_SHOWN = 24


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """List the labels that the model contradicts with confidence."""
    found, least = label_issues(subject.probabilities, subject.performance.labels), round(limits["samples"])
    rule = say(
        "the interval of the share of likely wrong labels stays below {most}; judged from {least} samples on, by a model that is right in {right}",
        most=percent(limits["most"]), least=str(least), right=percent(limits["accuracy"]),
    )  # fmt: skip
    shown = found.samples[:MOST_SHOWN]
    classes = subject.model.classes
    evidence = {
        "likely wrong": found.share.hits,
        "test samples": found.share.n,
        "positions": shown.tolist(),
        "label": [classes[label] for label in subject.performance.labels[shown]],
        "suggested": [classes[label] for label in found.suggested[:MOST_SHOWN]],
        "margin": found.margin[:MOST_SHOWN].tolist(),
    }
    rate, said = found.share, sentence(found.share, subject.noun)
    if rate.n < least:
        return not_shown(rule, say("{said} That is too few to judge.", said=said), n=rate.n, evidence=evidence)
    if subject.performance.accuracy.value < limits["accuracy"]:
        wrong = in_hundred(1 - subject.performance.accuracy.value)
        unfit = say("The model is wrong too often, {wrong} times in 100, to judge the labels. {said}", wrong=wrong, said=said)
        return not_shown(rule, unfit, n=rate.n, evidence=evidence)
    verdict: Verdict = "PASS" if rate.high <= limits["most"] else "WARN"
    return Outcome(verdict, rate.value, rate.low, rate.high, rate.n, rule, said, evidence)


def sentence(rate: Rate, noun: str) -> str:
    """Say how many labels look wrong."""
    n = count(rate.n, noun)
    if rate.n == 1:
        return (
            say("The label of the only {noun} looks wrong.", noun=noun)
            if rate.hits
            else say("The label of the only {noun} does not look wrong.", noun=noun)
        )
    if rate.hits == 0:
        return say("None of the labels of {n} looks wrong.", n=n)
    if rate.hits == 1:
        return say("1 of the labels of {n} looks wrong.", n=n)
    return say("{hits} of the labels of {n} look wrong.", hits=f"{rate.hits:,}", n=n)


CHECK = Check(
    code="NL203",
    title="The labels can be trusted",
    area="data",
    what="A label looks wrong when the model is sure of another class, as sure as it usually is of samples of that class (confident learning).",
    why="Against wrong labels even a perfect model looks bad, and a bad one may look good.",
    act="Have someone who knows the subject look at each sample in the list, without showing the model's answer.",
    beware="The model judges its own judge: some of these are its own errors. It finds nothing if it was trained on these very samples.",
    measure=measure,
    needs=("answers", "two classes"),
    limits={
        "most": Limit(
            0.03, "Public test sets hold about three wrong labels in a hundred; more can change which model looks best."
        ),
        "accuracy": Limit(0.85, "A judge who errs more often accuses labels of its own mistakes."),
        "samples": Limit(200, "With fewer, not a single wrong label would still leave room for three in a hundred."),
    },
    reference="Northcutt, Jiang and Chuang 2021, arXiv:1911.00068",
)
