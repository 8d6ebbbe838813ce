"""Write the page of the site that says what every check of an audit asks, how it decides, and what not to conclude from it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import netlens

if TYPE_CHECKING:
    from netlens.audit.check import Check, Limit

PAGE = "book/checks"
SCHEMA = "audit.schema.json"
INTRODUCTION = """\
# What the checks ask

An audit asks {number} questions. Each has a code, which stands beside every sentence of a report that rests on it. PASS: the evidence, with its
uncertainty, lies wholly on the good side. FAIL: wholly on the bad side. WARN: neither, because it crosses a limit or lies between two.
NOT SHOWN: there is too little of it, or an input is missing. No verdict comes from a single number, and there is no score over all.

The thresholds below are the usual ones. A policy may set others; the report prints those that were used, with the reason.
The cost is given in forward passes of one sample, for 1,000 test samples. A report's `audit.json` holds every number; {{download}}`its JSON
Schema <_static/{schema}>` says what stands where.
"""


def checks_page() -> str:
    """Markdown: one section an area, one below it a check, written from the registry."""
    from netlens.audit.check import AREAS
    from netlens.audit.checks import CHECKS
    from netlens.audit.sentences.areas import title

    parts = [INTRODUCTION.format(number=len(CHECKS), schema=SCHEMA), _overview(CHECKS.values())]
    for area in AREAS:
        found = [check for check in CHECKS.values() if check.area == area]
        if found:
            parts.append(f"## {title(area)}\n")
            parts += [_section(check) for check in found]
    return "\n".join(parts)


def copy_schema(folder: Path) -> None:
    """Publish the schema of audit.json with the site."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(Path(netlens.__file__).parent / "audit" / SCHEMA, folder / SCHEMA)


def _overview(checks: Iterable[Check]) -> str:
    from netlens.audit.sentences.areas import title

    rows = [f"| [{one.code}](#{one.code.lower()}) | {one.title} | {title(one.area)} |" for one in checks]
    return "\n".join(["| code | the good answer | area |", "| --- | --- | --- |", *rows, ""])


def _section(check: Check) -> str:
    from netlens.audit.needs import MEANING

    lines = [
        f"({check.code.lower()})=",
        f"### {check.code}: {check.title}\n",
        f"{check.what} {check.why}\n",
        _limits(check.limits),
        f"**Needs** {', '.join(MEANING[need] for need in check.needs)}. " if check.needs else "",
        f"**Costs** {_cost(check)}.\n",
        f"**What to do.** {check.act}\n",
        f"**What not to conclude.** {check.beware}\n",
        f"Paper: {check.reference}.\n" if check.reference else "",
    ]
    return "\n".join(line for line in lines if line)


def _limits(limits: Mapping[str, Limit]) -> str:
    if not limits:
        return ""
    rows = [f"| `{name}` | {limit.value:g} | {limit.reason} |" for name, limit in limits.items()]
    return "\n".join(["| threshold | value | because |", "| --- | ---: | --- |", *rows, ""])


def _cost(check: Check) -> str:
    from netlens.audit.budget import rounded
    from netlens.audit.check import PROFILES

    costs = {profile: check.cost(profile, 1000) for profile in PROFILES}
    if not any(costs.values()):
        return "nothing: it reads what others have computed"
    return ", ".join(f"{rounded(cost)} ({profile})" for profile, cost in costs.items())
