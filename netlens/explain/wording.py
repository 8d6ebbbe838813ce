"""Numbers and names as words in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def percent(share: float) -> str:
    """A share in percent: with one decimal below 10 and above 90, where it matters, and never rounded to certainty.

    >>> percent(0.9912), percent(0.314), percent(1.0), percent(0.99999), percent(0.0)
    ('99.1 %', '31 %', '100 %', 'more than 99.9 %', '0 %')
    """
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    if share > 0.9995:
        return "more than 99.9 %"
    if share < 0.0005:
        return "less than 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.0995 or share >= 0.9 else f"{100 * share:.0f} %"


def with_article(name: str) -> str:
    """A class with the indefinite article that English wants.

    >>> with_article("7"), with_article("8"), with_article("11"), with_article("apple"), with_article("T-shirt")
    ('a 7', 'an 8', 'an 11', 'an apple', 'a T-shirt')
    """
    vowel = name[:1].lower() in tuple("aeio8") or name in ("11", "18")
    return f"{'an' if vowel else 'a'} {name}"


def joined(parts: Sequence[str]) -> str:
    """Items as an enumeration.

    >>> joined(["a"]), joined(["a", "b"]), joined(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
