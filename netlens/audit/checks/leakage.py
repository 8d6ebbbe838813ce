"""NL201: no test sample is also a training sample, byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

import numpy as np

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict
from netlens.audit.language import say
from netlens.audit.numbers import percent
from netlens.audit.subject import Subject
from netlens.behaviour import Rate, wilson
from netlens.data import Dataset


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Look for the hash of every test sample among those of the training samples."""
    assert subject.train is not None
    seen = set(_digests(subject.train))
    copies = [place for place, digest in enumerate(_digests(subject.test)) if digest in seen]
    rate = wilson(len(copies), len(subject.test))
    verdict: Verdict = "PASS" if not copies else "FAIL" if rate.low > limits["most"] else "WARN"
    rule = say("no exact copy passes; clearly more than {most} fail", most=percent(limits["most"]))
    evidence = {"copies": rate.hits, "test samples": rate.n, "positions": copies[:100]}
    return Outcome(verdict, rate.value, rate.low, rate.high, rate.n, rule, sentence(rate, subject.noun, subject.nouns), evidence)


def sentence(rate: Rate, noun: str, nouns: str) -> str:
    """Say how many test samples are copies."""
    n = f"{rate.n:,}"
    if rate.n == 1:
        told = (
            say("an exact copy of a training {noun}", noun=noun)
            if rate.hits
            else say("no exact copy of a training {noun}", noun=noun)
        )
        return say("The only test {noun} is {told}.", noun=noun, told=told)
    if rate.hits == 0:
        return say("None of the {n} test {nouns} is an exact copy of a training {noun}.", n=n, noun=noun, nouns=nouns)
    if rate.hits == 1:
        return say("One of the {n} test {nouns} is an exact copy of a training {noun}.", n=n, noun=noun, nouns=nouns)
    return say("{hits} of the {n} test {nouns} are exact copies of training {nouns}.", hits=f"{rate.hits:,}", n=n, nouns=nouns)


def _digests(dataset: Dataset, step: int = 1024) -> Iterator[bytes]:
    for start in range(0, len(dataset), step):
        for sample in np.asarray(dataset.raw[np.arange(start, min(start + step, len(dataset)))]):
            content = sample.encode() if isinstance(sample, str) else np.ascontiguousarray(sample).tobytes()
            yield hashlib.sha256(content).digest()


CHECK = Check(
    code="NL201",
    title="Test samples are new to the model",
    area="data",
    what="Every test sample is compared, byte for byte, with every training sample.",
    why="A copied test sample measures memory, not skill.",
    act="Remove the copies from the test data, or split the data anew so that all pictures of one thing are on one side.",
    beware="A copy that was resized, cropped or saved anew is not found by this check.",
    measure=measure,
    needs=("train data",),
    limits={"most": Limit(0.01, "Above one in a hundred the copies can lift the accuracy by as much as one point.")},
)
