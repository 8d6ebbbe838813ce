"""What a comparison of two models found, in sentences."""

from __future__ import annotations

from netlens.audit.comparison import Comparison, Drift
from netlens.audit.language import say
from netlens.audit.numbers import count, in_hundred, low_high, percent
from netlens.behaviour import Paired

CHANCE = 0.05


def summary(result: Comparison) -> str:
    """Say what was fixed and broken, whether chance explains it, and how alike the explanations are."""
    parts = [accuracies(result), flips(result), difference(result.change.overall)]
    if result.drift:
        parts.append(drift(result.drift))
    return " ".join(parts)


def accuracies(result: Comparison) -> str:
    """Say how often each of the two is right."""
    before, after = result.before.accuracy, result.after.accuracy
    return say(
        "Of 100 samples, {first} reads {a} rightly ({a_span}) and {second} {b} ({b_span}).",
        first=result.before.name,
        second=result.after.name,
        a=in_hundred(before.value),
        b=in_hundred(after.value),
        a_span=low_high(before),
        b_span=low_high(after),
    )


def flips(result: Comparison) -> str:
    """Say how many answers were fixed and how many broken: '31 fixed, 9 newly broken'."""
    change = result.change
    return say(
        "On the same {n}, the second fixes {fixed} and newly breaks {broken}; {moved} of all answers differ.",
        n=count(len(result.before.labels), "sample"),
        fixed=count(len(change.fixed), "answer"),
        broken=str(len(change.broken)) if len(change.broken) else say("none"),
        moved=percent(change.moved),
    )


def difference(overall: Paired) -> str:
    """Say whether chance explains the difference, by McNemar's exact test."""
    if overall.lost + overall.gained == 0:
        return say("No answer changed from right to wrong or back.")
    chance = say("p = {p}", p=f"{overall.p:.2g}")
    points = say(
        "{points} points (95 % interval {low} to {high}, {chance})",
        points=f"{100 * overall.change:+.1f}",
        low=f"{100 * overall.low:+.1f}",
        high=f"{100 * overall.high:+.1f}",
        chance=chance,
    )
    if overall.p >= CHANCE:
        return say("The difference is {points}: chance alone could explain it.", points=points)
    return say("The difference is {points}: chance hardly explains it.", points=points)


def drift(found: Drift) -> str:
    """Say how alike the maps of the two networks are."""
    return say(
        "Asked why, their maps of the same {n} have a mean rank correlation of {mean} ({low} to {high}); a map of noise gets {noise}.",
        n=count(len(found.batch), "sample"),
        mean=f"{found.mean:.2f}",
        low=f"{found.low:.2f}",
        high=f"{found.high:.2f}",
        noise=f"{found.noise:.2f}",
    )


def classes(result: Comparison) -> str:
    """Say which classes changed beyond chance, with a correction for looking at every class."""
    several = result.change.by_class
    level = CHANCE / max(1, len(several))
    changed = {name: one for name, one in several.items() if one.p < level}
    if not changed:
        return say(
            "No class changed beyond what chance explains, at a level of {level} for each of {n}.",
            level=f"{level:.3g}",
            n=count(len(several), "class"),
        )
    listed = "; ".join(f"{name} {100 * one.change:+.1f}" for name, one in changed.items())
    return say("Changed beyond chance, in points: {list}.", list=listed)


def verdicts(result: Comparison) -> str:
    """Say how many checks changed their verdict between two audits."""
    changed = result.verdicts()
    if changed.empty:
        return say("No check has another verdict than before.")
    return say("{n} another verdict than before.", n=count(len(changed), "check") + (" has" if len(changed) == 1 else " have"))
