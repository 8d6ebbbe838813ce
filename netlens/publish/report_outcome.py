"""What audits came to, for people, for programs and for servers that build: lines, JSON, JUnit and an exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netlens.errors import OutputError
from netlens.publish.report import OPERATION, Audited


def code(audited: Sequence[Audited], *, strict: bool) -> int:
    """The exit code: 1 a check failed; 4 one that had to be shown was not; 3 under `strict`, a caution; 0 otherwise. The first that holds."""
    from netlens.audit.outcome import gravest

    return gravest(_code(one, strict) for one in audited)


def lines(audited: Sequence[Audited], *, strict: bool) -> list[str]:
    """One line a model on how it went, and where the report is."""
    from netlens.audit.outcome import MEANING

    said = []
    for one in audited:
        document = one.document
        missing = document.get("outcome", {}).get("unshown", [])
        lacking = f" (not shown: {', '.join(missing)})" if missing else ""
        said += [f"{one.model}: {MEANING[_code(one, strict)]}{lacking}", str(one.folder / "audit.pdf")]
    return said


def rows(audited: Sequence[Audited], *, strict: bool) -> dict[str, Any]:
    """The same for programs: the folder, the exit code, and the verdict of each check."""
    return {
        one.model: {
            "folder": str(one.folder),
            "exit_code": _code(one, strict),
            "verdicts": {code: found["verdict"] for code, found in one.document.get("findings", {}).items()},
        }
        for one in audited
    }


def write_junit(audited: Sequence[Audited], path: Path, *, strict: bool) -> None:
    """Write the findings as JUnit XML.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    from netlens.audit.junit import junit

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(junit({one.model: one.document for one in audited}, strict=strict), encoding="utf-8")
    except OSError as error:
        raise OutputError(OPERATION, f"'{path}' cannot be written ({error.strerror})", remedy="Choose another file.") from error


def _code(one: Audited, strict: bool) -> int:
    from netlens.audit.document import findings
    from netlens.audit.outcome import exit_code

    document = one.document
    return exit_code(findings(document), document.get("policy", {}).get("required", []), strict=strict)
