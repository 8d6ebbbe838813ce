"""The first page: what was found, in three sentences, and what could not be tested."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from netlens.audit.finding import Finding, counts
from netlens.audit.language import say
from netlens.audit.numbers import count
from netlens.audit.sentences.areas import strip

if TYPE_CHECKING:
    from netlens.audit.audit import Audit

MAIN = 3
FIRST = "NL301"  # the share of right answers leads


def title_page(audit: Audit) -> dict[str, Any]:
    """What stands on the first page of the report."""
    subject, model = audit.subject, audit.subject.model
    n = count(len(subject.test), subject.noun)
    declared = model.card.declared if model.card else None
    facts = [
        [say("Meant for"), (declared.purpose if declared else "") or say("NOT SUPPLIED by its author")],
        [say("Model"), say("{name}, {parameters} parameters", name=model.name, parameters=f"{model.parameters:,}")],
        [say("Model fingerprint"), model.fingerprint],
        [say("Data"), say("{name}, {n} to test on", name=subject.data_name, n=n)],
        [say("Data fingerprint"), subject.test.fingerprint],
        [say("Judged by"), say("the policy for {use} use; profile {profile}", use=audit.policy.use, profile=subject.profile)],
        [say("Made by"), f"netlens {audit.provenance['netlens']}, seed {subject.seed}"],
        [say("Signed off"), say("not yet: a person does this, on the last page")],
    ]
    return {
        "title": say("Audit of {name}", name=model.name),
        "subtitle": say("Measured on {n} of {data}", n=n, data=subject.data_name),
        "lead": lead(audit),
        "strip": [asdict(one) for one in strip(audit.findings.values())],
        "main": [[word(one), doubted(one), one.sentence, one.code] for one in main(audit.findings.values())],
        "more": more(audit.findings.values()),
        "untested": untested(audit.findings.values()),
        "facts": facts,
        "notice": notice(),
    }


def lead(audit: Audit) -> str:
    """Say how often the model was right, and how the checks ended."""
    first = audit.findings.get(FIRST)
    said = f"{first.sentence} " if first and first.n else ""
    return said + verdict_count(audit.findings.values())


def verdict_count(findings: Iterable[Finding]) -> str:
    """Say how many checks failed, need caution, could not be shown and passed."""
    found = list(findings)
    number = counts(found)
    said = say(
        "Of {all}, {passed} passed. We found {failures} and {cautions}.",
        all=count(len(found), "check"),
        passed=str(number["PASS"]),
        failures=count(number["FAIL"], "failure"),
        cautions=count(number["WARN"], "caution"),
    )
    if number["NOT SHOWN"] == 0:
        return said
    return said + " " + say("{unshown} could not be shown.", unshown=count(number["NOT SHOWN"], "check").capitalize())


def main(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that a reader must not miss: failures before cautions, three at most."""
    found = list(findings)
    return [one for verdict in ("FAIL", "WARN") for one in found if one.verdict == verdict][:MAIN]


def more(findings: Iterable[Finding]) -> str:
    """Say how many failures and cautions do not stand on the first page."""
    found = list(findings)
    number = counts(found)
    left = number["FAIL"] + number["WARN"] - len(main(found))
    if number["FAIL"] + number["WARN"] == 0:
        return say("No check failed, and none asks for caution.")
    return say("{left} more on the pages that follow.", left=count(left, "finding").capitalize()) if left else ""


def word(finding: Finding) -> str:
    """What a verdict is called in a sentence."""
    return {"FAIL": say("Failure"), "WARN": say("Caution"), "PASS": say("Passed"), "NOT SHOWN": say("Not shown")}[finding.verdict]


def doubted(finding: Finding) -> str:
    """The claim that a check tests, with what became of it; a claim that failed must not stand there as if it held."""
    if finding.verdict == "FAIL":
        return say("Not so: “{claim}”", claim=finding.title)
    return say("Not certain: “{claim}”", claim=finding.title) if finding.verdict == "WARN" else finding.title


def untested(findings: Iterable[Finding]) -> str:
    """Say what could not be tested, and why, the areas with the same reason together; then the single checks without a verdict."""
    found = list(findings)
    reasons: dict[str, list[str]] = {}
    areas = [one for one in strip(found) if one.verdict == "NOT SHOWN"]
    for one in areas:
        reason = next((finding.sentence for finding in found if finding.area == one.area), say("There is no check of it."))
        reasons.setdefault(reason, []).append(one.title.lower())
    named = {one.area for one in areas}
    single = [f"“{one.title}” ({one.code})" for one in found if one.verdict == "NOT SHOWN" and one.area not in named]
    if not reasons and not single:
        return say("Every area could be tested.")
    listed = "; ".join(f"{', '.join(titles)} ({why.rstrip('.')})" for why, titles in reasons.items())
    said = [say("We could not test: {list}", list=listed + ".")] if reasons else []
    said += [say("Without a verdict: {list}.", list=", ".join(single))] if single else []
    return " ".join(said)


def notice() -> str:
    """What the report as a whole says, and what it does not."""
    return say(
        "This report does not say that the model is safe. It says what was measured, on which data, and how sure the numbers are."
    )


def summary(audit: Audit) -> str:
    """The first page as Markdown, for a notebook and the site."""
    lines = [f"- **{word(one)}. {doubted(one)}.** {one.sentence} ({one.code})" for one in main(audit.findings.values())]
    parts = [f"**{lead(audit)}**", "\n".join(lines), more(audit.findings.values()), untested(audit.findings.values())]
    return "\n\n".join(part for part in parts if part)
