"""NL553: an explanation changes when the network is broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlens.audit.check import Check, Limit
from netlens.audit.checks.beliefs import EXPLAINED, Measured, every, joined, measured, outcome, split
from netlens.audit.finding import Outcome, Verdict, judge
from netlens.audit.language import say
from netlens.audit.subject import Subject
from netlens.quality.ranking import Ranked


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the explanations with those of the same network with random weights, against a control."""

    def one(ranked: Ranked) -> Measured | None:
        if ranked.sanity is None:
            return None
        mean, low, high = ranked.sanity.interval
        verdict: Verdict = judge(low, high, limits["unsure"], limits["excess"], better="lower")
        if low > limits["excess"]:
            verdict = "FAIL"
        return Measured(ranked.method, mean, low, high, len(ranked.sanity.excess), verdict)

    rule = say(
        "with random weights an explanation keeps no more than {excess} of itself beyond a control, and that interval stays below {unsure}",
        excess=f"{limits['excess']:g}",
        unsure=f"{limits['unsure']:g}",
    )
    return outcome(measured(subject, one), rule, sentence)


def sentence(found: Sequence[Measured]) -> str:
    """Say which explanations depend on what the network learned."""
    good, unsure, bad = split(found)
    if not unsure and not bad:
        return say("With its learning undone, the network's explanations change, {every}.", every=every(len(good)))
    if len(bad) == 1:
        return say(
            "With the network's learning undone, {bad} still shows much the same picture: it shows the input, not the network.",
            bad=bad[0],
        )
    if bad:
        return say(
            "With the network's learning undone, {bad} still show much the same pictures: they show the input, not the network.",
            bad=joined(bad),
        )
    if len(unsure) == 1:
        return say("With the network's learning undone, it stays open whether {unsure} changes.", unsure=unsure[0])
    return say("With the network's learning undone, it stays open whether {unsure} change.", unsure=joined(unsure))


CHECK = Check(
    code="NL553",
    title="Explanations depend on what was learned",
    area="belief in explanations",
    what="The weights of the network are replaced by random ones. What an explanation keeps of itself is compared with what noise would keep.",
    why="A picture that survives the destruction of the network says nothing about the network.",
    act="Do not show methods that fail; the report stamps their pictures “not evidence”.",
    beware="To change with the weights is the least that can be asked; it does not show that an explanation is right.",
    measure=measure,
    needs=("answers", "gradients"),
    samples=(4, 12, 32),
    passes=lambda n: (EXPLAINED + 3 * (3 + 316 + 3)) * n,  # random weights ask for more steps
    limits={
        "excess": Limit(0.1, "A tenth of a correlation is left to the luck of the random weights."),
        "unsure": Limit(0.4, "An interval that reaches higher leaves open whether the picture outlives its network."),
    },
    reference="Adebayo et al. 2018, arXiv:1810.03292",
)
