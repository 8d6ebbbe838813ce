"""Sentences with numbers in them, computed by the page that prints them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Prose:
    """Markdown for a notebook. A claim also says whether it holds in this run, which the build checks."""

    text: str
    holds: bool | None = None

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        text = self.text if self.holds is not False else f"*This does not hold here:* ~~{self.text}~~"
        metadata = {} if self.holds is None else {"netlens": {"claim": self.holds}}
        return {"text/markdown": text, "text/plain": text}, metadata


def say(text: str) -> Prose:
    """Show a sentence."""
    return Prose(text)


def claim(text: str, holds: bool) -> Prose:
    """Show a sentence that is true only when `holds`; otherwise it is shown struck out, and a build fails."""
    return Prose(text, bool(holds))
