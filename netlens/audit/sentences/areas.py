"""What each area is called on the pages that people read, and the verdict that speaks for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netlens.audit.check import AREAS
from netlens.audit.finding import Finding, Verdict, counts, worst
from netlens.audit.language import say


@dataclass(frozen=True)
class Area:
    """One field of the verdict strip. `told` : how many of its checks passed, or that none could be shown."""

    area: str
    title: str
    verdict: Verdict
    told: str


def title(area: str) -> str:
    """The name of an area, without jargon."""
    return {
        "provenance": say("Origin"),
        "data": say("Test data"),
        "performance": say("Right answers"),
        "slices": say("Weak spots"),
        "confidence": say("Confidence"),
        "robustness": say("Disturbances"),
        "unfamiliar inputs": say("Unfamiliar inputs"),
        "fairness": say("Groups"),
        "explanations": say("Explanations"),
        "belief in explanations": say("Belief in them"),
        "shortcuts": say("Shortcuts"),
        "inside": say("Inside"),
        "privacy": say("Privacy"),
        "change": say("Change"),
    }[area]


def strip(findings: Iterable[Finding]) -> list[Area]:
    """One field an area, in the order of the report."""
    found = list(findings)
    return [_area(area, [one for one in found if one.area == area]) for area in AREAS]


def _area(area: str, findings: list[Finding]) -> Area:
    shown = [one for one in findings if one.verdict != "NOT SHOWN"]
    if not shown:
        return Area(area, title(area), "NOT SHOWN", say("not tested"))
    number = counts(findings)
    told = say("{passed} of {all} passed", passed=str(number["PASS"]), all=str(len(findings)))
    return Area(area, title(area), worst(one.verdict for one in shown), told)


def section(area: str) -> str:
    """The heading under which a reader finds the evidence for an area, or for what the program prints of the model."""
    others = {"model": say("How it decides"), "belief in explanations": say("Belief in explanations")}
    return others.get(area) or title(area)
