"""NL303: the model is about as good on new samples as on those it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import in_hundred, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Drop, generalisation


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the accuracy on training samples with that on test samples."""
    assert subject.train is not None
    labels, least = subject.train.labels[np.asarray(subject.train_ids)], round(limits["samples"])
    seen = subject.train_logits.argmax(1).numpy() == labels
    found = generalisation(seen, subject.performance.predictions == subject.performance.labels)
    rule = say(
        "the share of right answers falls by less than {most} of itself; judged from {least} samples of each on",
        most=percent(limits["most"]), least=str(least),
    )  # fmt: skip
    evidence, n = {"train": asdict(found.train), "test": asdict(found.test)}, min(found.train.n, found.test.n)
    if n < least or found.train.hits == 0:
        return not_shown(rule, say("There are too few {nouns} to compare the two.", nouns=subject.nouns), n=n, evidence=evidence)
    verdict = judge(found.low, found.high, limits["most"], better="lower")
    return Outcome(verdict, found.drop, found.low, found.high, n, rule, sentence(found), evidence)


def sentence(found: Drop) -> str:
    """Say how often the model is right on both sides."""
    return say(
        "It is right {train} times in 100 on what it was trained on, and {test} times in 100 on what is new.",
        train=in_hundred(found.train.value), test=in_hundred(found.test.value),
    )  # fmt: skip


CHECK = Check(
    code="NL303",
    title="It learned, and not by heart",
    area="performance",
    what="The share of right answers on samples that the model was trained on, against that on the test samples.",
    why="A model that knows its training samples by heart will disappoint on everything else.",
    act="Train on more data, for a shorter time, or with a smaller model; vary the samples while training.",
    beware="A small drop on test samples that resemble the training samples says nothing about other places and times.",
    measure=measure,
    needs=("answers", "train data", "two classes"),
    passes=lambda n: n,
    limits={
        "most": Limit(0.1, "A tenth less than on known samples is more than chance and ordinary learning explain."),
        "samples": Limit(100, "With fewer the interval is wider than the limit."),
    },
)
