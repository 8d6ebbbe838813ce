"""Ask the model of a report again, and name every number of audit.json that comes out otherwise."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netlens.audit import Material, Policy
    from netlens.models.model import Model

CLOSE = 1e-4  # numbers are written with six digits; another run of the same on the same machine gives the same ones
MOST = 12  # places that are named
ELSEWHERE = ("provenance", "schema")  # what belongs to the machine and the version; fingerprints are compared by themselves
HASHES = ("inputs", "digest")  # they follow from the numbers


def recomputed(content: Mapping[str, Any], network: Model, data: Material) -> list[str]:
    """Audit again by the thresholds of the report, and name what differs: checks by their verdict and value, the rest by its place.

    What a report says of an earlier audit is taken as it stands, since that audit is not at hand.
    """
    from netlens.audit import CHECKS, audit
    from netlens.audit.document import findings

    facts, said = content["provenance"], {one.code: one for one in findings(content)}
    known = [code for code in said if code in CHECKS]
    found = audit(
        network, data, profile=facts["profile"], judged_by=_policy(content), seed=int(facts["seed"]),
        n_worst=len(content["worst_cases"]), checks=known, command=facts["command"],
    )  # fmt: skip
    earlier = {code: one for code, one in said.items() if one.area == "change" and one.verdict != "NOT SHOWN"}
    now = replace(found, findings={code: earlier.get(code, found.findings[code]) for code in known}).document()
    wrong = [f"{code} is no check of this version" for code in said if code not in CHECKS]
    places = [place for key in now if key not in ELSEWHERE for place in _differing(content[key], now[key], f"/{key}")]
    for code in known:
        old, new = content["findings"][code], now["findings"][code]
        if _short(old) != _short(new) and any(place.startswith(f"/findings/{code}/") for place in places):
            wrong.append(f"{code} ({_short(old)} in the report, {_short(new)} now)")
            places = [place for place in places if not place.startswith(f"/findings/{code}/")]
    more = [f"and {len(places) - MOST} places more"] if len(places) > MOST else []
    return [*wrong, *places[:MOST], *more]


def _policy(content: Mapping[str, Any]) -> Policy:
    """The policy that judged, from what the report says of it."""
    from netlens.audit.policy import Policy, Threshold

    thresholds: dict[str, dict[str, Threshold]] = {}
    for row in content["policy"]["thresholds"]:
        thresholds.setdefault(row["check"], {})[row["threshold"]] = Threshold(row["value"], row["because"], row["set by"])
    return Policy(content["policy"]["use"], "", thresholds, tuple(content["policy"]["required"]))


def _differing(said: Any, now: Any, place: str) -> Iterator[str]:
    """The places, as JSON pointers, at which two plain values differ by more than rounding; a list of plain values is one place."""
    if isinstance(said, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*said, *now]):
            if key not in HASHES:
                yield from _differing(said.get(key), now.get(key), f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}")
    elif isinstance(said, list) and isinstance(now, list) and len(said) == len(now):
        parts = [list(_differing(one, other, f"{place}/{i}")) for i, (one, other) in enumerate(zip(said, now, strict=True))]
        plain = not any(isinstance(one, dict | list) for one in said)
        yield from [place] if plain and any(parts) else [one for part in parts for one in part]
    elif not _same(said, now):
        yield place


def _same(said: Any, now: Any) -> bool:
    numbers = isinstance(said, int | float) and isinstance(now, int | float) and not isinstance(said, bool)
    return math.isclose(said, now, rel_tol=CLOSE, abs_tol=CLOSE) if numbers else bool(said == now)


def _short(finding: Mapping[str, Any]) -> str:
    value = finding["value"]
    return str(finding["verdict"]) if value is None or math.isnan(value) else f"{finding['verdict']} {value:.4g}"
