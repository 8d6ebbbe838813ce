"""What the model is for, and what was tested of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from netlens.audit.check import AREAS
from netlens.audit.language import say
from netlens.audit.sentences.areas import section

if TYPE_CHECKING:
    from netlens.audit.audit import Audit
    from netlens.audit.policy import Policy

MOST = 6  # findings that have a line of their own on the page for signatures

NOT_SUPPLIED = "NOT SUPPLIED"


def declared(audit: Audit) -> list[tuple[str, str]]:
    """What the author declares, by question; what is missing is NOT SUPPLIED."""
    card = audit.subject.card
    table = card.declared.model_dump() if card else {}
    return [(question, table.get(key) or NOT_SUPPLIED) for key, question in questions().items()]


def questions() -> dict[str, str]:
    """What a reader asks the author first; the table of laws asks for the rest."""
    return {
        "purpose": say("What is it for?"),
        "out_of_scope": say("What must it not be used for?"),
        "intended_users": say("Who works with it?"),
        "affected_people": say("About whom does it decide?"),
        "provenance": say("Where does it come from?"),
        "oversight": say("Who watches it?"),
        "limits": say("What are its known limits?"),
        "contact": say("Whom can one ask?"),
    }


def declaration(audit: Audit) -> str:
    """Say how much of this the author supplied."""
    answers = declared(audit)
    lacking = sum(answer == NOT_SUPPLIED for _, answer in answers)
    if lacking == 0:
        return say("Its author answered all {n} questions. No program can check these answers.", n=str(len(answers)))
    if lacking == len(answers):
        return say("Its author declared nothing. Whoever uses the model must ask.")
    return say(
        "Its author left {lacking} of {n} questions open. No program can check the answers that were given.",
        lacking=str(lacking),
        n=str(len(answers)),
    )


def applies(audit: Audit) -> str:
    """Say what kind of data this is, and that a page may not apply to it."""
    nouns = audit.subject.nouns
    if audit.subject.test.modality == "image":
        return say("Every page of this report applies to {nouns}.", nouns=nouns)
    return say("The model reads {nouns}. Pages about pictures say so and stay empty.", nouns=nouns)


def laws(rows: Mapping[str, Any]) -> str:
    """Say how many rows of laws and standards are covered, and until when the duties wait."""
    states = [row["state"] for row in rows["rows"]]
    missing = states.count(NOT_SUPPLIED)
    text = say(
        "Of {all} rows of laws and standards, this report measures something for {measured}, and the author declares something for "
        "{declared} (both: {both}); for {missing} there is nothing, and it says NOT SUPPLIED. The rows are short paraphrases; only the text of the law "
        "binds. Whether a duty is met is for a lawyer to say.",
        all=str(len(states)),
        measured=str(sum("measured" in state for state in states)),
        declared=str(sum("declared" in state for state in states)),
        both=str(sum("measured" in state and "declared" in state for state in states)),
        missing=str(missing),
    )
    return " ".join([text, *rows["dates"], say("Edition of this table: {version}.", version=rows["version"])])


def judged_by(audit: Audit) -> str:
    """Say which policy judged, and which checks it requires."""
    required = ", ".join(audit.policy.required)
    return say(
        "This audit was judged by the policy for {use} use. {about} It requires these checks to be shown: {required}.",
        use=audit.policy.use,
        about=audit.policy.about,
        required=required or say("none"),
    )


def limits(policy: Policy, code: str) -> str:
    """Every threshold of a check with its reason, and who set it where that was not the check itself."""
    return " ".join(
        say("{name} {value}: {reason}{source}", name=name, value=f"{one.value:g}", reason=one.reason, source=_set_by(one.source))
        for name, one in policy.thresholds.get(code, {}).items()
    )


def lacking(key: str) -> str:
    """What a row of the table of laws still lacks: a declaration of the author, or a measurement."""
    return section(key) if key in AREAS else key.replace("_", " ")


def sign_off(audit: Audit) -> list[str]:
    """The lines that a person fills in: the usual ones, and one for each failure and caution."""
    asked = [
        say("Reason for accepting {code}: {title}", code=one.code, title=one.title.lower())
        for one in audit.findings.values()
        if one.verdict in ("FAIL", "WARN")
    ]
    if len(asked) > MOST:
        asked = [say("Reasons for accepting each of {n} failures and cautions (on a sheet of their own)", n=str(len(asked)))]
    return [
        say("Name and role"),
        say("Decision: accept, accept with exceptions, refuse"),
        *asked,
        say("Exceptions, and until when they hold"),
        say("Digest of audit.json that was read"),
        say("Date, place, signature"),
    ]


def _set_by(source: str) -> str:
    return "" if source == say("the check") else say(" (Set by {source}.)", source=source)
