"""NL803: what moves the answer does not lie on the rim of the image."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import in_hundred, percent
from netlens.audit.subject import Subject
from netlens.behaviour import border_relevance
from netlens.behaviour.shortcuts import BORDER, rim
from netlens.explain import Saliency
from netlens.quality import interval


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Sum up the sensitivity of the answer on the rim and in all."""
    batch, least = subject.sample(CHECK.size(subject)), round(limits["samples"])
    answers = torch.from_numpy(subject.performance.predictions[batch.ids])
    shares = border_relevance(Saliency()(subject.model, batch.inputs, answers).values.numpy())
    known, area = shares[~np.isnan(shares)], float(rim(*batch.inputs.shape[2:]).mean())
    good, bad = area + limits["good"], area + limits["bad"]
    rule = say(
        "at most {good} of what moves the answer lies on the rim, which has {area} of the pixels; clearly above {bad} fails; judged from {least} "
        "{nouns} on",
        good=percent(min(good, 1.0)), area=percent(area), bad=percent(min(bad, 1.0)), least=str(least), nouns=subject.nouns,
    )  # fmt: skip
    if len(known) < least:
        return not_shown(
            rule, say("There are too few {nouns} with an answer that anything moves.", nouns=subject.nouns), n=len(known)
        )
    mean, low, high = interval(torch.from_numpy(known))
    said = sentence(mean, area)
    return Outcome(
        judge(low, high, good, bad, better="lower"), mean, low, high, len(known), rule, said, {"share": mean, "area": area}
    )


def sentence(share: float, area: float) -> str:
    """Say how much of what moves the answer lies on the rim."""
    return say(
        "The rim of the image holds {share} of 100 parts of what moves the answer, and {area} of 100 pixels.",
        share=in_hundred(share), area=in_hundred(area),
    )  # fmt: skip


CHECK = Check(
    code="NL803",
    title="The rim does not decide",
    area="shortcuts",
    what=f"For every pixel: how much a small change moves the output. The share on the rim, an eighth ({percent(BORDER)}) of each side, is summed up.",
    why="Marks, frames and scanners leave their traces at the rim; the object is usually in the middle.",
    act="Crop the rim and measure again; look for marks there.",
    beware="Sensitivity is not use: a pixel that never changes can have any. Some objects do fill the image.",
    measure=measure,
    needs=("answers", "images", "gradients"),
    samples=(50, 200, 1000),
    passes=lambda n: 3 * n,
    limits={
        "good": Limit(0.1, "A tenth more than its share of the pixels is more than an even spread explains."),
        "bad": Limit(0.3, "Then the rim moves the answer more than the object does."),
        "samples": Limit(20, "With fewer one image decides."),
    },
    reference="Simonyan, Vedaldi and Zisserman 2014, arXiv:1312.6034, for the sensitivity",
)
