"""What an audit as a whole comes to: an exit code, never a score.

1 wins over all: a proven failure stays one, whatever else could not be shown. Then 4: an audit that lacks something that it had to show
has not passed, not even with warnings. Then 3, and then 0. Of several audits the same order decides.
"""

from __future__ import annotations

from collections.abc import Iterable

from netlens.audit.finding import Finding

PASSED, FAILED, WARNED, INCOMPLETE = 0, 1, 3, 4
GRAVITY = (FAILED, INCOMPLETE, WARNED, PASSED)
MEANING = {PASSED: "passed", FAILED: "failed", WARNED: "passed with warnings", INCOMPLETE: "incomplete"}


def unshown(findings: Iterable[Finding], required: Iterable[str]) -> list[str]:
    """The codes of checks that the policy requires and that were NOT SHOWN: for want of an input, or of evidence, or never asked."""
    shown = {one.code for one in findings if one.verdict != "NOT SHOWN"}
    return sorted(set(required) - shown)


def exit_code(findings: Iterable[Finding], required: Iterable[str] = (), *, strict: bool = False) -> int:
    """The exit code of one audit.

    Parameters
    ----------
    required : the checks that the policy requires.
    strict : whether a caution counts.
    """
    findings = list(findings)
    verdicts = {finding.verdict for finding in findings}
    if "FAIL" in verdicts:
        return FAILED
    if unshown(findings, required):
        return INCOMPLETE
    return WARNED if strict and "WARN" in verdicts else PASSED


def gravest(codes: Iterable[int]) -> int:
    """The exit code of several audits."""
    return min(codes, key=GRAVITY.index, default=PASSED)
