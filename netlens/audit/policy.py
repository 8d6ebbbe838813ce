"""The policy: which thresholds hold, who set them and why, and which checks must be shown.

Thresholds come from four places; each overrides those before it: the check itself, the profile of use, the card's table `[policy]`, and
what is given with `--policy`, a profile or a file. So a card cannot loosen what the command line asks for.

    use = "medical"            # general, medical, finance or driving
    required = ["NL701"]       # checks without which the audit is incomplete, beyond those of the profile of use
    [NL301]
    target = { value = 0.97, reason = "The present test finds 97 in 100." }
    margin = 0.2
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netlens.audit.check import Check
from netlens.audit.language import say
from netlens.errors import UsageError, unknown

FOLDER = Path(__file__).parent / "policies"
USES = ("general", "medical", "finance", "driving")
OPERATION = "policy"


@dataclass(frozen=True)
class Threshold:
    """A number that decides, why it is where it is, and who put it there."""

    value: float
    reason: str
    source: str


@dataclass(frozen=True)
class Policy:
    """What decides an audit. `thresholds` : code of a check to name to threshold. `required` : checks that must be shown."""

    use: str
    about: str
    thresholds: Mapping[str, Mapping[str, Threshold]]
    required: tuple[str, ...] = ()

    def limits(self, code: str) -> dict[str, float]:
        """The thresholds of a check as plain numbers."""
        return {name: threshold.value for name, threshold in self.thresholds.get(code, {}).items()}

    def of(self, codes: Iterable[str]) -> Policy:
        """The same for some checks, in their order; what must be shown stays."""
        return replace(self, thresholds={code: self.thresholds.get(code, {}) for code in codes})

    def rows(self) -> list[dict[str, Any]]:
        """One row a threshold."""
        return [
            {"check": code, "threshold": name, "value": one.value, "set by": one.source, "because": one.reason}
            for code, named in self.thresholds.items()
            for name, one in named.items()
        ]


def policy(given: str = "", card: Mapping[str, Any] | None = None, checks: Mapping[str, Check] | None = None) -> Policy:
    """Read the policy of an audit.

    Parameters
    ----------
    given : a profile of use, or the path of a policy file; empty for what the card says, or `general`.
    card : the card's table `[policy]`.
    checks : the checks that there are.

    Raises
    ------
    UsageError : the file cannot be read, or it names a check, a threshold, a key or a profile that does not exist.
    """
    from netlens.audit.checks import CHECKS

    checks = CHECKS if checks is None else checks
    layers = [(dict(card), "the card")] if card else []
    if given.endswith(".toml"):
        layers.append((_read(Path(given), f"policy '{Path(given).name}'"), Path(given).name))
    uses = [str(layer["use"]) for layer, _ in layers if "use" in layer]
    use = given if given and not given.endswith(".toml") else uses[-1] if uses else USES[0]
    if use not in USES:
        raise unknown(OPERATION, "profile of use", use, USES)
    profile = _read(FOLDER / f"{use}.toml", f"policy '{use}'")
    about = str(profile.pop("about"))
    found = {
        code: {name: Threshold(limit.value, limit.reason, say("the check")) for name, limit in check.limits.items()}
        for code, check in checks.items()
    }
    required: list[str] = []
    asked = given and not given.endswith(".toml")  # on the command line, which overrides the card
    for layer, source in [*layers, (profile, use)] if asked else [(profile, use), *layers]:
        required += _required(layer, source, checks)
        _override(found, layer, source, checks)
    return Policy(use, about, found, tuple(dict.fromkeys(required)))


def _read(path: Path, operation: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            operation, f"'{path.name}' cannot be read ({type(error).__name__})", remedy="Give a TOML file."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(operation, f"'{path.name}' is not valid TOML: {error}", expected="a policy in TOML") from error


def _required(layer: Mapping[str, Any], source: str, checks: Iterable[str]) -> list[str]:
    named = layer.get("required", [])
    if not isinstance(named, list):
        raise UsageError(OPERATION, f"{source}: required is {named!r}", expected="a list of checks")
    for code in named:
        if code not in checks:
            raise unknown(f"{OPERATION} of {source}", "check", str(code), checks)
    return [str(code) for code in named]


def _override(found: dict[str, dict[str, Threshold]], layer: Mapping[str, Any], source: str, checks: Mapping[str, Check]) -> None:
    for code, table in layer.items():
        if code in ("use", "required"):
            continue
        if code not in checks:
            raise unknown(f"{OPERATION} of {source}", "check", str(code), [*checks, "use", "required"])
        if not isinstance(table, Mapping):
            raise UsageError(f"{OPERATION} of {source}", f"{code} is {table!r}", expected=f"a table, [{code}], of thresholds")
        for name, content in table.items():
            if name not in checks[code].limits:
                raise unknown(f"{OPERATION} of {source}", f"threshold of {code} named", str(name), checks[code].limits)
            found[code][name] = _threshold(content, source, f"{code}.{name}")


def _threshold(content: Any, source: str, key: str) -> Threshold:
    value, reason = content, say("Set by {source}, without a reason.", source=source)
    if isinstance(content, Mapping) and set(content) <= {"value", "reason"} and "value" in content:
        value, reason = content["value"], str(content.get("reason") or reason)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        expected = "a number from 0 on, or { value = ..., reason = ... }"
        raise UsageError(f"{OPERATION} of {source}", f"{key} is {content!r}", expected=expected)
    return Threshold(float(value), reason, source)
