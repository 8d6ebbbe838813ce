"""NL601: the model keeps its accuracy when images are disturbed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netlens.audit.check import Check, Limit
from netlens.audit.finding import SEVERITY, Outcome, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import in_hundred, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Corruption, corruptions


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Disturb the same images in six ways at three strengths, and compare with the answers to the clean ones."""
    batch, least = subject.sample(CHECK.size(subject)), round(limits["samples"])
    rule = say(
        "at the highest strength of every disturbance at least {good} of the right answers are kept; clearly under {bad} fails; judged from "
        "{least} {nouns} on",
        good=percent(limits["good"]), bad=percent(limits["bad"]), least=str(least), nouns=subject.nouns,
    )  # fmt: skip
    clean = (subject.performance.predictions == subject.performance.labels)[batch.ids]
    if len(batch) < least or not clean.any():
        return not_shown(rule, say("There are too few right answers that a disturbance could change."), n=len(batch))
    found = corruptions(subject.model, batch, clean=clean, preprocess=subject.test.preprocess, seed=subject.seed)
    verdicts = {one.kind: judge(one.worst.kept_low, one.worst.kept_high, limits["good"], limits["bad"]) for one in found}
    worst = min(found, key=lambda one: (SEVERITY.index(verdicts[one.kind]), one.worst.kept))
    kept = worst.worst
    return Outcome(
        verdicts[worst.kind], kept.kept, kept.kept_low, kept.kept_high, kept.n, rule, sentence(worst), _evidence(found, verdicts)
    )


def sentence(worst: Corruption) -> str:
    """Say what the worst disturbance costs."""
    name = {
        "noise": say("Noise"),
        "speckle": say("Speckle"),
        "blur": say("Blur"),
        "brightness": say("Too much light"),
        "contrast": say("Poor contrast"),
        "coarse pixels": say("A coarse resolution"),
    }[worst.kind]
    before, after = worst.worst.before, worst.worst.after
    points = round(100 * before) - round(100 * after)  # of the numbers that are printed, so that they add up
    values = {"name": name, "points": str(points), "before": in_hundred(before), "after": in_hundred(after)}
    if points <= 0:
        return say("No disturbance costs a point of accuracy.")
    if points == 1:
        return say("{name} costs 1 point: from {before} to {after} right answers in 100.", **values)
    return say("{name} costs {points} points: from {before} to {after} right answers in 100.", **values)


def _evidence(found: tuple[Corruption, ...], verdicts: Mapping[str, str]) -> dict[str, Any]:
    kinds = {
        one.kind: {
            "accuracy": [by.after for by in one.by_severity],
            "kept": [by.kept for by in one.by_severity],
            "low": [by.kept_low for by in one.by_severity],
            "high": [by.kept_high for by in one.by_severity],
            "verdict": verdicts[one.kind],
        }
        for one in found
    }
    return {"clean": found[0].worst.before, "n": found[0].worst.n, "kinds": kinds}


CHECK = Check(
    code="NL601",
    title="Poor images cost little",
    area="robustness",
    what="Noise, broken pixels, blur, light, fog and coarse pixels are added to the images, at three strengths, before they enter the model. "
    "Of the share of right answers on clean images, the part that is kept is reported; both are measured on the same images.",
    why="In use images are worse than in a collection. A model that only reads good ones fails when it is needed.",
    act="Train on disturbed copies of the images, or keep poor images from the model.",
    beware="Real disturbances come together and in other forms. What is kept here may be lost there.",
    measure=measure,
    needs=("answers", "images", "two classes"),
    samples=(150, 1000, 5000),
    passes=lambda n: 18 * n,
    limits={
        "good": Limit(0.9, "Losing a tenth of the right answers to a disturbance is noticed in use."),
        "bad": Limit(0.7, "A model that loses three in ten of its right answers should not be given such images."),
        "samples": Limit(100, "With fewer the interval spans both limits."),
    },
    view="corruption_grid",
    reference="Hendrycks and Dietterich 2019, arXiv:1903.12261",
)
