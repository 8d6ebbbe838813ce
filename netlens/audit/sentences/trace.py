"""Where each printed number comes from: its name, its place in audit.json, and the hash of what it was made from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from netlens.audit.language import say

if TYPE_CHECKING:
    from netlens.audit.audit import Audit

SHOWN = 12  # characters of a hash that are printed; audit.json has all


def trace(audit: Audit) -> pd.DataFrame:
    """One row a check: the id that stands beside its sentence, the numbers, and the hash of their inputs."""
    findings = audit.document()["findings"]
    rows = [
        {
            say("id"): code,
            say("place in audit.json"): f"/findings/{code}/value",
            say("value"): number(found["value"]),
            say("95 % interval"): interval(found["low"], found["high"]),
            say("cases"): f"{found['n']:,}" if found["n"] else "–",
            say("made from"): found["inputs"][:SHOWN],
        }
        for code, found in findings.items()
    ]
    return pd.DataFrame(rows)


def number(value: Any) -> str:
    """A number as it stands in audit.json, to four digits that count."""
    return "–" if value is None or (isinstance(value, float) and math.isnan(value)) else f"{value:.4g}"


def interval(low: Any, high: Any) -> str:
    """An interval, or a dash."""
    return "–" if number(low) == "–" else say("{low} to {high}", low=number(low), high=number(high))
