"""The sentences of a report: each a function of its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from netlens.audit.audit import Audit
from netlens.audit.findings import Finding, counts, in_hundred

NOT_TESTED = (
    "disturbed images (blur, noise, another contrast)",
    "inputs that are no digit or no member of any class",
    "attacks by someone who wants to mislead the model",
    "differences between groups of people",
    "whether single training images can be recovered",
)
DECLARED = {
    "purpose": "Purpose",
    "out_of_scope": "Not meant for",
    "provenance": "Origin",
    "oversight": "Human oversight",
    "contact": "Contact",
}


def verdict_count(found: Sequence[Finding]) -> str:
    """Say how many checks failed, need caution, could not be shown and passed."""
    number = counts(found)
    parts = [_plural(number["FAIL"], "failure"), _plural(number["WARN"], "caution")]
    text = f"Of {len(found)} checks, {number['PASS']} passed. We found {' and '.join(parts)}."
    missing = [finding.title.lower() for finding in found if finding.verdict == "NOT SHOWN"]
    return text + (f" Too little evidence to judge: {'; '.join(missing)}." if missing else "")


def summary(audit: Audit) -> str:
    """Say in plain words what was found: the accuracy, the verdicts, and each failure or caution with its reason (Markdown)."""
    accuracy = next(finding for finding in audit.findings if finding.code == "NL301")
    lines = [f"**{accuracy.sentence}** {verdict_count(audit.findings)}"]
    for verdict, word in (("FAIL", "Failure"), ("WARN", "Caution")):
        lines += [
            f"- **{word}, {one.title.lower()}.** {one.sentence} {one.reason}" for one in audit.findings if one.verdict == verdict
        ]
    lines.append(not_tested())
    return "\n\n".join([lines[0], "\n".join(lines[1:-1]), lines[-1]] if len(lines) > 2 else lines)


def not_tested() -> str:
    """Say what this report does not cover."""
    return f"We did not test: {'; '.join(NOT_TESTED)}. A good number here says nothing about these."


def declared(audit: Audit) -> list[tuple[str, str]]:
    """What the author declares, by question; what is missing is NOT SUPPLIED."""
    table = audit.model.card.declared.model_dump() if audit.model.card else {}
    return [(question, table.get(key) or "NOT SUPPLIED") for key, question in DECLARED.items()]


def worst_cases(audit: Audit) -> str:
    """Say how sure the model was when it was wrong."""
    rate = audit.performance.accuracy
    wrong = rate.n - rate.hits
    if not wrong:
        return f"The model answered all {rate.n:,} test images correctly, so there is no wrong answer to show."
    if audit.worst is None:
        return f"{_plural(wrong, 'wrong answer').capitalize()} of {rate.n:,}; none was asked for in this report."
    sure = audit.performance.probabilities[audit.worst.ids].max(1)
    shown = len(audit.worst)
    low, high = (f"{in_hundred(share)} %" for share in (sure.min(), sure.max()))
    span = low if low == high else f"from {low} to {high}"
    which = (
        f"Of {wrong:,} wrong answers, these {shown} were" if shown > 1 else f"Of {_plural(wrong, 'wrong answer')}, this one was"
    )
    return (
        f"{which} given with the highest probability: {span}. "
        "Have someone who knows the subject look at each: is it the model that is wrong, or the label?"
    )


def _plural(number: int, word: str) -> str:
    return f"{f'{number:,}' if number else 'no'} {word}{'' if number == 1 else 's'}"
