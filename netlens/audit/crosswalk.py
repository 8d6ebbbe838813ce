"""Rows of laws and standards, and what this report has for each: a measurement, a declaration of the author, or NOT SUPPLIED."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from netlens.audit.finding import Finding

FILE = Path(__file__).with_name("crosswalk.toml")
MEASURED, DECLARED, NOT_SUPPLIED = "measured", "declared", "NOT SUPPLIED"


@cache
def content() -> dict[str, Any]:
    """The data file: its version, the dates, the rows."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def crosswalk(declared: Mapping[str, str], findings: Mapping[str, Finding]) -> dict[str, Any]:
    """Say for each row what there is, and where.

    Parameters
    ----------
    declared : the card's declarations; empty ones count as missing.

    Returns
    -------
    The version of the data file, the dates, and for each row its state, the areas and sections that hold the evidence, the declarations
    that were given, and what is missing, a signature always. A check that was NOT SHOWN is no evidence.
    """
    shown = {finding.area for finding in findings.values() if finding.verdict != "NOT SHOWN"}
    rows = [_row(row, declared, shown) for row in content()["row"]]
    return {"version": content()["version"], "dates": content()["dates"], "rows": rows}


def _row(row: Mapping[str, Any], declared: Mapping[str, str], shown: set[str]) -> dict[str, Any]:
    evidence = [area for area in row.get("measured", []) if area in shown]
    evidence += [row["printed"]] if "printed" in row else []
    given = [key for key in row.get("declared", []) if declared.get(key)]
    states = [MEASURED] * bool(evidence) + [DECLARED] * bool(given)
    lacking = [key for key in row.get("declared", []) if not declared.get(key)]
    lacking += [area for area in row.get("measured", []) if area not in shown]
    lacking += row.get("by_hand", [])
    return {
        "rule": row["rule"],
        "clause": row["clause"],
        "about": row["about"],
        "state": ", ".join(states) or NOT_SUPPLIED,
        "evidence": evidence,
        "declared": given,
        "missing": lacking,
    }
