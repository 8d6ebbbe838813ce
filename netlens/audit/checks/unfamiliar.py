"""NL451: the model notices inputs that belong to no class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import are, in_hundred, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Unfamiliar, unfamiliar, wilson

BINS = 20


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Show the model noise, shuffled and foreign images, and count its sure answers."""
    batch, least = subject.sample(CHECK.size(subject)), round(limits["samples"])
    rule = say(
        "of all junk, at most {good} is answered with over 90 % confidence; clearly above {bad} fails; judged from {least} of each kind on",
        good=percent(limits["good"]), bad=percent(limits["bad"]), least=str(least),
    )  # fmt: skip
    if len(batch) < least:
        return not_shown(rule, say("{few} too few to make junk of.", few=are(len(batch), subject.noun)), n=len(batch))
    known = subject.probabilities.max(1)[batch.ids]
    found = unfamiliar(subject.model, batch, familiar=known, preprocess=subject.test.preprocess, seed=subject.seed)
    total = wilson(sum(one.sure.hits for one in found), sum(one.sure.n for one in found))
    verdict = judge(total.low, total.high, limits["good"], limits["bad"], better="lower")
    return Outcome(verdict, total.value, total.low, total.high, total.n, rule, sentence(found), _evidence(found, known))


def sentence(found: Sequence[Unfamiliar]) -> str:
    """Say of which kind of junk the model is surest."""
    worst = max(found, key=lambda one: one.sure.value)
    kind = {
        "noise": say("noise"),
        "shuffled pixels": say("images with shuffled pixels"),
        "shuffled patches": say("images cut up and shuffled"),
        "foreign images": say("images of something else"),
    }[worst.kind]
    if worst.sure.hits == 0:
        return say("Shown junk of {kinds} kinds, it was never over 90 % sure.", kinds=str(len(found)))
    return say("Shown {kind}, it is still over 90 % sure in {share} of 100 cases.", kind=kind, share=in_hundred(worst.sure.value))


def _evidence(found: Sequence[Unfamiliar], known: Any) -> dict[str, Any]:
    edges = np.linspace(0, 1, BINS + 1)
    kinds = {
        one.kind: {
            "sure": asdict(one.sure),
            "auroc": asdict(one.apart),
            "histogram": np.histogram(one.confidence, edges)[0].tolist(),
        }
        for one in found
    }
    return {"kinds": kinds, "familiar": np.histogram(known, edges)[0].tolist(), "sure": float((known > 0.9).mean())}


CHECK = Check(
    code="NL451",
    title="It notices what it does not know",
    area="unfamiliar inputs",
    what="The model is shown noise, its own images with pixels or patches shuffled, and images of something else. Counted are answers with a "
    "confidence above 90 %.",
    why="In use a model meets things that nobody trained it for. One that is sure of everything cannot warn anybody.",
    act="Put a detector of unfamiliar inputs before the model, or train it with junk; do not show its confidence as a safeguard.",
    beware="The junk here is easy to notice. Unfamiliar things that look like familiar ones are harder.",
    measure=measure,
    needs=("answers", "images"),
    samples=(100, 500, 2000),
    passes=lambda n: 4 * n,
    limits={
        "good": Limit(0.05, "One junk input in twenty taken for sure is what a person may overlook as well."),
        "bad": Limit(0.25, "A model that is sure of a quarter of all junk gives no warning."),
        "samples": Limit(50, "With fewer the interval is wider than the distance of the two limits."),
    },
    view="unfamiliar_confidence",
    reference="Hendrycks and Gimpel 2017, arXiv:1610.02136",
)
