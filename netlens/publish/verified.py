"""What a verification says of one thing that it looked at."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

OPERATION = "netlens verify"
NAME = "audit"


@dataclass(frozen=True)
class Verified:
    """One thing that was looked at: whether it is as the report says, and what was seen."""

    what: str
    verdict: Literal["same", "differs", "not checked"]
    told: str


def judged(what: str, wrong: list[str], right: str) -> Verified:
    """That it differs in what is `wrong`; where nothing is, what is right."""
    return Verified(what, "differs", f"differs: {', '.join(wrong)}") if wrong else Verified(what, "same", right)


def now(path: Path) -> str:
    """What became of a file that is not what it was."""
    return "changed" if path.is_file() else "missing"
