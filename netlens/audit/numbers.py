"""Numbers as a reader without training reads them: whole numbers of a hundred, and counts of things."""

from __future__ import annotations

from netlens.audit.language import say
from netlens.behaviour import Rate
from netlens.behaviour.wording import percent as percent


def in_hundred(share: float) -> str:
    """Say a share in whole numbers of a hundred; only a share of exactly 0 or 1 is called 0 or 100."""
    number = round(100 * share)
    if number in (0, 100) and 0 < share < 1:
        return say("under 1") if share < 0.5 else say("over 99")
    return str(number)


def low_high(rate: Rate) -> str:
    """Say an interval in whole numbers of a hundred: '90 to 92'."""
    return span(rate.low, rate.high)


def span(low: float, high: float) -> str:
    """Say an interval of shares in whole numbers of a hundred: '90 to 92'; an end is called 100 from below, or 0 from above, only if it is."""
    least = round(100 * low) if low >= 1 else min(99, round(100 * low))
    most = round(100 * high) if high <= 0 else max(1, round(100 * high))
    return say("{low} to {high}", low=str(least), high=str(most))


def count(number: int, noun: str) -> str:
    """Say how many: 0 -> 'no image', 1 -> '1 image', 1200 -> '1,200 images'."""
    return f"{f'{number:,}' if number else 'no'} {noun if number == 1 else many(noun)}"


def are(number: int, noun: str) -> str:
    """Say how many, with the verb: 1 -> '1 image is', 3 -> '3 images are'."""
    return f"{count(number, noun)} {'is' if number == 1 else 'are'}"


def many(noun: str) -> str:
    """The plural of an English noun."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"
