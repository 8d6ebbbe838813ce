"""NL851: hardly any unit is dead."""

from __future__ import annotations

import math
from collections.abc import Mapping

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import are, percent
from netlens.audit.subject import Subject
from netlens.errors import ModelError
from netlens.internals.idle import Idle, idle


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Count the units of each layer that pass no gradient on any sample."""
    batch, least = subject.sample(CHECK.size(subject)), round(limits["samples"])
    rule = say(
        "in no layer over {good} of the units are dead; over {bad} fail; judged from {least} {nouns} on",
        good=percent(limits["good"]), bad=percent(limits["bad"]), least=str(least), nouns=subject.nouns,
    )  # fmt: skip
    try:
        found = idle(subject.model, batch.inputs)
    except ModelError:  # TorchScript
        return not_shown(rule, say("The network does not show its activation functions."), n=len(batch))
    shares = layers(found)
    if not shares:
        return not_shown(rule, say("The network does not show its activation functions."), n=len(batch))
    evidence = {"layers": {path: {"dead": dead, "units": units} for path, (dead, units) in shares.items()}, "bound": found.bound}
    if len(batch) < least:
        return not_shown(
            rule,
            say("{few} too few to call a unit dead.", few=are(len(batch), subject.noun)),
            n=len(batch),
            evidence=evidence,
        )
    worst = max(shares, key=lambda path: shares[path][0] / shares[path][1])
    dead, units = shares[worst]
    share = dead / units
    verdict: Verdict = "PASS" if share <= limits["good"] else "FAIL" if share > limits["bad"] else "WARN"
    return Outcome(verdict, share, math.nan, math.nan, len(batch), rule, sentence(worst, dead, units), evidence)


def layers(found: Idle) -> dict[str, tuple[int, int]]:
    """Dead and all units of each activation function."""
    return {one.path: (len(one.dead) + len(one.stuck), len(one.awake)) for one in found.functions}


def sentence(layer: str, dead: int, units: int) -> str:
    """Say where most units never fire."""
    if dead == 0:
        return say("Every unit of every layer answers to some sample.")
    if layer.startswith("("):  # an activation that is called in the network's own code
        return say("{share} of the units behind one activation never fire.", share=percent(dead / units))
    if dead == units:
        return say("No unit of the layer {layer} ever fires: nothing passes through it.", layer=layer)
    return say("{share} of the units of the layer {layer} never fire.", share=percent(dead / units), layer=layer)


CHECK = Check(
    code="NL851",
    title="Hardly any unit is dead",
    area="inside",
    what="For every unit behind an activation function: does any sample bring it onto the part where the function is not flat?",
    why="A dead unit can never learn again. Many of them mean that training went wrong, or that weights were damaged.",
    act="Train with a smaller learning rate or another start; use leaky activations; compare the weights with the original file.",
    beware="A unit that is dead on these samples may wake up on others. Networks trained with sparse codes have quiet units on purpose.",
    measure=measure,
    needs=("answers",),
    samples=(200, 1000, 1000),
    passes=lambda n: n,
    limits={
        "good": Limit(0.1, "A tenth of idle units is what ordinary training leaves."),
        "bad": Limit(0.4, "A layer that works with little more than half of its units was not meant so."),
        "samples": Limit(100, "With fewer a rarely used unit looks dead."),
    },
    view="dead_units",
    reference="Maas, Hannun and Ng 2013",
)
