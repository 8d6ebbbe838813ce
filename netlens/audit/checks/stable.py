"""NL552: the explanation of an input stays when the input hardly changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netlens.audit.check import Check, Limit
from netlens.audit.checks.beliefs import EXPLAINED, Measured, every, joined, measured, outcome, split
from netlens.audit.finding import Outcome, judge
from netlens.audit.language import say
from netlens.audit.subject import COPIES, RANKED, Subject
from netlens.quality.ranking import Ranked


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare the explanations of inputs with those of the same inputs under a little noise."""

    def one(ranked: Ranked) -> Measured | None:
        score = ranked.stability
        if score is None:
            return None
        verdict = judge(score.low, score.high, limits["correlation"])
        return Measured(ranked.method, score.mean, score.low, score.high, score.n, verdict)

    rule = say("the rank correlation of the two is at least {least}, for every method", least=f"{limits['correlation']:g}")
    return outcome(measured(subject, one), rule, sentence)


def sentence(found: Sequence[Measured]) -> str:
    """Say which explanations stay."""
    good, unsure, bad = split(found)
    if not unsure and not bad:
        return say("When the input hardly changes, the explanations stay, {every}.", every=every(len(good)))
    if not good:
        return say("When the input hardly changes, no explanation is shown to stay the same.")
    names = {"good": joined(good), "others": joined([*unsure, *bad])}
    if len(good) == 1:
        return say("When the input hardly changes, {good} tells the same story; for {others} this is not shown.", **names)
    return say("When the input hardly changes, {good} tell the same story; for {others} this is not shown.", **names)


CHECK = Check(
    code="NL552",
    title="Explanations stay when the input does",
    area="belief in explanations",
    what="Noise that a person hardly sees is added to the input. The places of the two explanations are compared by their order.",
    why="Two stories about what looks like one input cannot both be believed.",
    act="Show methods that pass, or average an explanation over many noisy copies of the input.",
    beware="A method that always shows the same picture is perfectly stable, and worth nothing.",
    measure=measure,
    needs=("answers", "gradients"),
    samples=(4, 12, 32),
    passes=lambda n: EXPLAINED * (1 + COPIES["quick" if n <= RANKED["quick"] else "standard"]) * n,
    limits={"correlation": Limit(0.6, "Below it a reader sees two stories.")},
    reference="Yeh et al. 2019, arXiv:1901.09392",
)
