"""NL101: the same input gives the same output twice."""

from __future__ import annotations

import math
from collections.abc import Mapping

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict
from netlens.audit.language import say
from netlens.audit.numbers import count
from netlens.audit.subject import Subject


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Run the same batch twice and compare every output."""
    batch = subject.sample(CHECK.size(subject))
    change = float((subject.model.logits(batch.inputs) - subject.model.logits(batch.inputs)).abs().max())
    rule = say("the largest change of an output between two runs is at most {largest}", largest=f"{limits['largest']:g}")
    n = len(batch)
    few = count(n, subject.noun) if n > 1 else subject.noun
    verdict: Verdict = "PASS" if change <= limits["largest"] else "FAIL"
    return Outcome(verdict, change, math.nan, math.nan, n, rule, sentence(change, few), {"largest change": change, "samples": n})


def sentence(change: float, few: str) -> str:
    """Say whether the answers stayed the same."""
    if change == 0:
        return say("Asked twice about the same {few}, the model gave the same numbers.", few=few)
    return say("Asked twice about the same {few}, the model changed an output by {change}.", few=few, change=f"{change:.2g}")


CHECK = Check(
    code="NL101",
    title="Same input, same answer",
    area="provenance",
    what="The same samples go through the model twice, on one machine. The largest difference between two outputs is reported.",
    why="An audit of a model that changes its answers would describe only one of its moods.",
    act="Look for drop-out or noise that stays on when the model is used, and for operations that run in another order each time.",
    beware="Another machine or library version may still give slightly different numbers; the report lists the versions that were used.",
    measure=measure,
    needs=("answers",),
    samples=(128, 128, 128),
    passes=lambda n: 2 * n,
    limits={"largest": Limit(0.0, "On one machine, a model in use has no reason to give two answers to one question.")},
)
