"""What the three checks of belief in explanations share: one measure of several methods, and a verdict over all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.subject import Subject
from netlens.quality.ranking import Ranked

EXPLAINED = 3 + 98 + 3  # passes: one explanation of one sample by each of the three methods


@dataclass(frozen=True)
class Measured:
    """One method: the mean of a measure, its 95 % interval, on how many samples, and what follows for this method alone."""

    method: str
    value: float
    low: float
    high: float
    n: int
    verdict: Verdict


def measured(subject: Subject, one: Callable[[Ranked], Measured | None]) -> list[Measured]:
    """Measure every method that could be asked."""
    assert subject.ranking is not None, "a check that asks for this needs `answers` and `gradients`"
    return [found for ranked in subject.ranking.methods if (found := one(ranked)) is not None]


def outcome(found: Sequence[Measured], rule: str, told: Callable[[Sequence[Measured]], str]) -> Outcome:
    """Judge several methods together: PASS when all pass, FAIL when none is left that passes or is unsure; the numbers are the worst one's."""
    shown = [one for one in found if one.verdict != "NOT SHOWN"]
    if not shown:
        return not_shown(rule, say("No explanation could be tried."))
    verdicts = {one.verdict for one in shown}
    verdict: Verdict = "PASS" if verdicts == {"PASS"} else "FAIL" if verdicts == {"FAIL"} else "WARN"
    least = min(shown, key=lambda one: (("FAIL", "WARN", "PASS").index(one.verdict), one.value))
    evidence = {
        one.method: {"value": one.value, "low": one.low, "high": one.high, "n": one.n, "verdict": one.verdict} for one in shown
    }
    return Outcome(verdict, least.value, least.low, least.high, least.n, rule, told(shown), {"methods": evidence})


def split(found: Iterable[Measured]) -> tuple[list[str], list[str], list[str]]:
    """The names of the methods that pass, that are unsure, and that fail."""
    listed = list(found)
    return (
        [name(one.method) for one in listed if one.verdict == "PASS"],
        [name(one.method) for one in listed if one.verdict == "WARN"],
        [name(one.method) for one in listed if one.verdict == "FAIL"],
    )


def name(method: str) -> str:
    """What a method is called in a sentence: as under its maps."""
    from netlens.views.quality import name_of

    return name_of(method)


def every(n: int) -> str:
    """Say that something holds for all methods that were tried."""
    return say("for the only method that was tried") if n == 1 else say("for all {n} methods", n=str(n))


def joined(names: Sequence[str]) -> str:
    """Names in a sentence: 'A, B and C'."""
    if len(names) < 2:
        return "".join(names)
    return say("{most} and {last}", most=", ".join(names[:-1]), last=names[-1])
