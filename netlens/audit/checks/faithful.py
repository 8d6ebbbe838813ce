"""NL551: hiding what an explanation points at hurts the answer more than hiding places at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlens.audit.check import Check, Limit
from netlens.audit.checks.beliefs import EXPLAINED, Measured, every, joined, measured, outcome, split
from netlens.audit.finding import Outcome, judge
from netlens.audit.language import say
from netlens.audit.subject import Subject
from netlens.quality.ranking import Ranked


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the deletion curve of each method with those of random rankings, sample by sample."""

    def one(ranked: Ranked) -> Measured | None:
        score = ranked.faithfulness
        if score is None:
            return None
        return Measured(ranked.method, score.mean, score.low, score.high, score.n, judge(score.low, score.high, limits["gap"]))

    rule = say(
        "hiding what it points at first hurts more than chance, by more than {gap}, for every method", gap=f"{limits['gap']:g}"
    )
    return outcome(measured(subject, one), rule, sentence)


def sentence(found: Sequence[Measured]) -> str:
    """Say which methods point at what the answer rests on."""
    good, unsure, bad = split(found)
    if not unsure and not bad:
        return say("Hiding what the explanations point at hurts the answer more than chance, {every}.", every=every(len(good)))
    if not good:
        return say("No explanation is shown to point at what the answer rests on better than chance does.")
    names = {"good": joined(good), "others": joined([*unsure, *bad])}
    if len(good) == 1:
        return say("Hiding what {good} points at hurts the answer more than chance; for {others} this is not shown.", **names)
    return say("Hiding what {good} point at hurts the answer more than chance; for {others} this is not shown.", **names)


CHECK = Check(
    code="NL551",
    title="Explanations point at what matters",
    area="belief in explanations",
    what="The places that an explanation names first are hidden step by step. The answer must fall faster than when places are hidden at random.",
    why="A picture that does not point at what the answer rests on misleads whoever reads it.",
    act="Show only methods that pass, and treat the others as decoration.",
    beware="What hides a place is itself strange to the model. A passing method may still miss what matters in single cases.",
    measure=measure,
    needs=("answers", "gradients"),
    samples=(4, 12, 32),
    passes=lambda n: (EXPLAINED + 3 * (2 * (5 * 15 + 1) + 1)) * n,
    limits={"gap": Limit(0.0, "No better than chance is no evidence at all.")},
    reference="Bach et al. 2015, Petsiuk et al. 2018",
)
