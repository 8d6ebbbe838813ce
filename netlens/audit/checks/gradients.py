"""NL852: every layer takes part."""

from __future__ import annotations

import math
from collections.abc import Mapping

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.subject import Subject
from netlens.behaviour.gradient_health import GradientHealth, gradient_health
from netlens.errors import ModelError


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Take the gradient of the loss at the weights of every layer."""
    batch = subject.sample(CHECK.size(subject))
    rule = say(
        "a gradient reaches every layer with weights, and the largest is at most {good} times the smallest; more than {bad} times fails",
        good=f"{limits['good']:,.0f}", bad=f"{limits['bad']:,.0f}",
    )  # fmt: skip
    try:
        found = gradient_health(subject.model, batch.inputs)
    except ModelError:
        return not_shown(rule, say("The network has no layer with weights that can be looked at."), n=len(batch))
    evidence = {
        "layers": {one.layer: {"weight": one.weight, "gradient": one.gradient} for one in found.layers},
        "silent": list(found.silent),
    }
    ratio = found.ratio if not math.isnan(found.ratio) else 1.0
    verdict: Verdict = "FAIL" if found.silent or ratio > limits["bad"] else "WARN" if ratio > limits["good"] else "PASS"
    return Outcome(verdict, ratio, math.nan, math.nan, len(batch), rule, sentence(found), evidence)


def sentence(found: GradientHealth) -> str:
    """Say which layers are silent, or how far the gradients lie apart."""
    if len(found.silent) == 1:
        return say("No gradient reaches the layer {layer}: it takes no part in learning.", layer=found.silent[0])
    if found.silent:
        return say("No gradient reaches {n} layers, among them {layer}.", n=str(len(found.silent)), layer=found.silent[0])
    if math.isnan(found.ratio):
        return say("A gradient reaches the only layer with weights.")
    return say(
        "A gradient reaches all {n} layers with weights; the largest is {ratio} times the smallest.",
        n=str(len(found.layers)), ratio=f"{found.ratio:,.0f}" if found.ratio >= 10 else f"{found.ratio:.1f}",
    )  # fmt: skip


CHECK = Check(
    code="NL852",
    title="Every layer takes part",
    area="inside",
    what="The gradient of the loss at the weights of each layer, with random labels, so that even a perfect model has something to learn.",
    why="A layer without a gradient was never trained or has died; what follows it stands on chance.",
    act="Check whether the layer was frozen on purpose or cut off by mistake; look for dead units before and after it.",
    beware="A healthy gradient does not show that a layer learned anything useful.",
    measure=measure,
    needs=("answers", "gradients"),
    samples=(64, 128, 256),
    passes=lambda n: 3 * n,
    limits={
        "good": Limit(1e4, "Trained networks show ratios between 1 and some hundred."),
        "bad": Limit(1e7, "Beyond it single precision loses the smaller gradient in rounding."),
    },
    reference="Glorot and Bengio 2010",
)
