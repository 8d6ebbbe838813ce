"""NL901: the model does not betray what it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import in_hundred
from netlens.audit.subject import Subject
from netlens.behaviour import Membership, losses, membership

POINTS = 101


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Guess from the loss alone which samples were trained on."""
    import torch

    assert subject.train is not None
    least = round(limits["samples"])
    rule = say(
        "the guess is right in no more of 100 pairs than {good}, or than chance explains; clearly above {bad} fails; judged from {least} of each on",
        good=in_hundred(limits["good"]), bad=in_hundred(limits["bad"]), least=str(least),
    )  # fmt: skip
    labels = subject.train.labels[np.asarray(subject.train_ids)]
    n = min(len(labels), len(subject.test))
    if n < least:
        return not_shown(rule, say("There are too few {nouns} to guess among.", nouns=subject.nouns), n=n)
    members = losses(torch.softmax(subject.train_logits.double(), 1).numpy(), labels)
    found = membership(members, losses(subject.probabilities, subject.performance.labels), seed=subject.seed)
    area = found.auc
    quiet = area.value <= max(found.null, limits["good"])
    verdict: Verdict = "PASS" if quiet else "FAIL" if area.low > limits["bad"] else "WARN"
    grid = np.linspace(0, 1, POINTS)
    evidence = {
        "auc": asdict(area),
        "chance": found.null,
        "caught": asdict(found.caught),
        "caught by chance": found.caught_null,
        "false": grid.tolist(),
        "true": np.interp(grid, found.false, found.true).tolist(),
    }
    return Outcome(verdict, area.value, area.low, area.high, n, rule, sentence(found), evidence)


def sentence(found: Membership) -> str:
    """Say how well the guess works."""
    values = {"share": in_hundred(found.auc.value), "caught": in_hundred(found.caught.value)}
    text = say("Of a known and a new sample, the known one is guessed in {share} of 100 pairs; 50 is chance.", **values)
    if found.auc.value <= found.null:
        return text
    return text + " " + say("At 1 false accusation in 100, {caught} of 100 known samples are found.", **values)


CHECK = Check(
    code="NL901",
    title="It does not betray its training data",
    area="privacy",
    what="Samples with a small loss are guessed to have been trained on. How often that is right is compared with what chance gives when known and "
    "new samples are shuffled.",
    why="If the samples are people, knowing that someone was among them can be a secret given away.",
    act="Train for a shorter time or with differential privacy; do not publish exact probabilities.",
    beware="A lower bound on leakage: stronger attacks exist. It also rises when the test samples differ from the training samples.",
    measure=measure,
    needs=("answers", "train data", "two classes"),
    limits={
        "good": Limit(0.55, "One pair in twenty above chance is within what harmless differences of the two sets give."),
        "bad": Limit(0.6, "One pair in ten above chance lets single samples be accused with success."),
        "samples": Limit(100, "With fewer the interval reaches from chance to leakage."),
    },
    view="membership_roc",
    reference="Yeom et al. 2018, arXiv:1709.01604; Carlini et al. 2022, arXiv:2112.03570",
)
