"""NL651: the model withstands someone who wants to mislead it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, judge, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import in_hundred, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Attacks, adversarial
from netlens.behaviour.adversarial import EPSILONS, noticed
from netlens.errors import DataError

STEPS = 20


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Attack with one and with many steps, and judge at the size of change that the policy fears."""
    batch, feared, least = subject.sample(CHECK.size(subject)), limits["epsilon"], round(limits["samples"])
    rule = say(
        "with no pixel changed by more than {feared} of the scale, at least {share} are still answered rightly; judged from {least} {nouns} on, "
        "and only when the attack is shown to work",
        feared=percent(feared), share=percent(limits["accuracy"]), least=str(least), nouns=subject.nouns,
    ) if feared else say("a curve without a verdict: no attack was declared as a threat")  # fmt: skip
    epsilons = tuple(sorted({*EPSILONS, feared} - {0.0}))
    try:
        found = adversarial(
            subject.model, batch, epsilons=epsilons, n_steps=STEPS, preprocess=subject.test.preprocess, seed=subject.seed
        )
    except DataError:
        return not_shown(
            rule, say("The preprocessing cannot be undone pixel by pixel, so no size of change can be kept."), n=len(batch)
        )
    evidence, said = _evidence(found), sentence(found)
    if not found.valid:
        return not_shown(
            rule,
            say("The attack is void, so nothing follows from it: {fault}.", fault=found.faults[0]),
            n=len(batch),
            evidence=evidence,
        )
    if not feared:
        return not_shown(rule, said, n=len(batch), evidence=evidence, missing=("declared threat",))
    rate = found.curve[epsilons.index(feared)].pgd
    if len(batch) < least:
        return not_shown(rule, say("{said} That is too few to judge.", said=said), n=len(batch), evidence=evidence)
    return Outcome(judge(rate.low, rate.high, limits["accuracy"]), rate.value, rate.low, rate.high, rate.n, rule, said, evidence)


def sentence(found: Attacks) -> str:
    """Say how small a change turns half of the right answers."""
    if not found.valid:
        return say("The attack is void, so nothing follows from it: {fault}.", fault=found.faults[0])
    size = noticed(found)
    if size is None:
        last = found.curve[-1]
        return say(
            "Someone who changes every pixel by up to {size} of the scale leaves {share} of 100 answers right.",
            size=percent(last.epsilon), share=in_hundred(last.pgd.value),
        )  # fmt: skip
    return say(
        "Someone who changes every pixel by up to {size} of the scale turns more than half of the right answers.",
        size=percent(size),
    )


def _evidence(found: Attacks) -> dict[str, Any]:
    curve = [
        {"epsilon": one.epsilon, "noise": asdict(one.noise), "one step": asdict(one.fgsm), "many steps": asdict(one.pgd)}
        for one in found.curve
    ]
    return {
        "clean": asdict(found.clean),
        "curve": curve,
        "huge": found.huge.value,
        "zero": found.zero.value,
        "faults": list(found.faults),
    }


CHECK = Check(
    code="NL651",
    title="It withstands small planned changes",
    area="robustness",
    what="With full knowledge of the model every pixel is changed a little, in the direction that harms most: in one step (FGSM) and in twenty "
    "(PGD). The attack itself is tested: many steps must harm at least as much as one and as random noise, a change without limits must turn "
    "every answer, and the gradient must not be zero.",
    why="Where somebody gains from a wrong answer, somebody will try.",
    act="Train on attacked images (adversarial training); keep the model and its exact outputs from those who would gain.",
    beware="An attack that fails shows only that this attack fails. Without a declared threat the curve is shown and no verdict is given.",
    measure=measure,
    needs=("answers", "images", "gradients", "two classes"),
    samples=(8, 60, 200),
    passes=lambda n: (3 * STEPS + 6) * len(EPSILONS) * n,
    limits={
        "epsilon": Limit(
            0.0, "No attack was declared as a threat; a policy sets the largest change of a pixel, from 0 to 1, that is feared."
        ),
        "accuracy": Limit(0.5, "Under attack the model should still be right more often than not."),
        "samples": Limit(50, "With fewer the interval spans most of the scale."),
    },
    view="attack_curve",
    reference="Madry et al. 2018, arXiv:1706.06083; Pintor et al. 2022, arXiv:2106.09947",
)
