"""The pages of a report: for each, the sentence that it is about, its figures, and what its checks found.

A page that does not apply to the model or its data says so in one sentence. Everything shown carries the place in audit.json where its
numbers stand, as output metadata `{"netlens": {"numbers": [JSON pointers]}}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from netlens import views
from netlens.audit.audit import Audit
from netlens.audit.checks import CHECKS
from netlens.audit.finding import Finding
from netlens.audit.language import say
from netlens.audit.sentences import areas, cases, inside, scope, summary, trace
from netlens.errors import unknown

LEADS = ("FAIL", "WARN", "PASS", "NOT SHOWN")  # whose sentence a page is about: what was found comes before what was not


@dataclass(frozen=True)
class Traced:
    """Something shown, and the JSON pointers of its numbers."""

    shown: Any
    numbers: tuple[str, ...]

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        data, metadata = self.shown._repr_mimebundle_()
        return data, {**metadata, "netlens": {**metadata.get("netlens", {}), "numbers": list(self.numbers)}}


@dataclass(frozen=True)
class Page:
    """What a page shows, from top to bottom."""

    parts: tuple[Traced, ...]

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for part in self.parts:
            display(part)  # type: ignore[no-untyped-call]


def page(audit: Audit, name: str) -> Page:
    """Make one page of the report.

    Raises
    ------
    UsageError : there is no such page.
    """
    if name not in PAGES:
        raise unknown("audit", "page", name, PAGES)
    return Page(tuple(PAGES[name](audit)))


def _summary(audit: Audit) -> Iterator[Traced]:
    yield _say(summary.summary(audit), "/findings")
    frame = pd.DataFrame([vars(one) for one in areas.strip(audit.findings.values())])
    yield Traced(views.verdicts(frame), ("/report/strip",))


def _scope(audit: Audit) -> Iterator[Traced]:
    yield _say(f"{scope.declaration(audit)} {scope.applies(audit)}", "/model/declared")
    yield _table(pd.DataFrame(scope.declared(audit), columns=[say("question"), say("answer of the author")]), "/model/declared")


def _tested(audit: Audit) -> Iterator[Traced]:
    yield _say(summary.untested(audit.findings.values()), "/findings")
    rows = [
        {say("verdict"): one.verdict, say("what was asked"): one.title, say("id"): one.code} for one in audit.findings.values()
    ]
    yield _table(pd.DataFrame(rows), "/findings")


def _model(audit: Audit) -> Iterator[Traced]:
    found = inside.anatomy(audit.subject)
    yield _say(inside.decision(audit.subject, found), "/model")
    if noted := inside.notes(audit.subject):
        yield _say(noted, "/model/notes")
    yield _table(inside.layers(found), "/model", inside.shortened(found))


def _data(audit: Audit) -> Iterator[Traced]:
    subject, document = audit.subject, audit.document()
    train, test = (document["data"][split] for split in ("train", "test"))
    yield from _message(audit, "data")
    yield Traced(views.class_counts(train["by_class"] if train else None, test["by_class"], subject.noun), ("/data",))
    yield from _figures(audit, "data")
    yield from _suspects(audit)


def _suspects(audit: Audit) -> Iterator[Traced]:
    """Pictures that someone should look at: labels that look wrong, and near copies."""
    subject = audit.subject
    if subject.test.modality != "image":
        return
    wrong, near = (audit.findings[code].evidence if code in audit.findings else {} for code in ("NL203", "NL202"))
    if wrong.get("positions"):
        yield _drawn(views.label_errors(wrong, subject.test), "NL203")
    if near.get("pairs") and subject.train is not None:
        yield _drawn(views.near_copies(near, subject.test, subject.train), "NL202")


def _performance(audit: Audit) -> Iterator[Traced]:
    yield from _message(audit, "performance")
    if audit.subject.finite:
        result = audit.subject.performance
        yield Traced(views.forest(result), ("/performance/recall", "/performance/precision"))
        yield Traced(views.rates(result), ("/performance/recall", "/performance/precision"))
    yield from _figures(audit, "performance")


def _confusion(audit: Audit) -> Iterator[Traced]:
    if audit.subject.finite:
        yield Traced(views.confusion(audit.subject.performance), ("/performance/confusion",))
    else:
        yield _say(cases.worst_cases(audit))


def _confidence(audit: Audit) -> Iterator[Traced]:
    yield from _message(audit, "confidence")
    if audit.subject.finite:
        yield Traced(views.reliability(audit.subject.calibration), ("/calibration",))
    yield from _figures(audit, "confidence")


def _worst(audit: Audit) -> Iterator[Traced]:
    subject = audit.subject
    yield _say(cases.worst_cases(audit), "/worst_cases")
    if subject.worst is None:
        return
    if subject.test.modality != "image":
        yield _table(cases.listed(audit), "/worst_cases")
        return
    yield Traced(views.mistakes(subject.worst, subject.performance), ("/worst_cases",))
    if subject.explanations:
        yield _say(cases.explained())
        yield Traced(views.methods_by_samples(subject.explanations, subject.worst, subject.model.classes), ("/worst_cases",))


def _explanations(audit: Audit) -> Iterator[Traced]:
    subject = audit.subject
    picked = subject.cases
    if picked is None:
        yield _say(say("This page needs gradients with respect to the inputs. It does not apply to this model or these data."))
    elif picked.fault:
        yield _say(say("No explanation could be made. {fault}", fault=picked.fault))
    elif subject.test.modality != "image":
        yield _say(cases.parts(subject.test.modality), "/cases")
        yield _table(cases.explained_rows(audit), "/cases")
    else:
        yield _say(cases.picked(audit), "/cases")
        maps = views.methods_by_samples(picked.attributions, picked.batch, subject.model.classes, stamps=audit.stamps)
        yield Traced(maps, ("/cases",))
    yield from _message(audit, "explanations")
    yield from _figures(audit, "explanations")


def _belief(audit: Audit) -> Iterator[Traced]:
    yield from _message(audit, "belief in explanations")
    if stamps := audit.stamps:
        yield Traced(views.stamps(list(stamps.values())), ("/findings/NL551", "/findings/NL552", "/findings/NL553"))
    yield from _figures(audit, "belief in explanations")


def _area_page(*names: str) -> Callable[[Audit], Iterator[Traced]]:
    """A page of nothing but checks: its message, their figures, what they found."""

    def parts(audit: Audit) -> Iterator[Traced]:
        yield from _message(audit, *names)
        yield from _figures(audit, *names)

    return parts


def _crosswalk(audit: Audit) -> Iterator[Traced]:
    rows = audit.document()["crosswalk"]
    yield _say(scope.laws(rows), "/crosswalk")
    for rule in dict.fromkeys(row["rule"] for row in rows["rows"]):
        yield _say(f"### {rule}")
        shown = [
            {
                say("clause"): row["clause"],
                say("what it is about"): row["about"],
                say("state"): row["state"],
                say("evidence here"): ", ".join(areas.section(one) for one in row["evidence"]) or "–",
                say("still missing"): ", ".join(scope.lacking(one) for one in row["missing"]) or "–",
            }
            for row in rows["rows"]
            if row["rule"] == rule
        ]
        yield Traced(views.table(pd.DataFrame(shown), sections=(say("evidence here"),)), ("/crosswalk/rows",))


def _rules(audit: Audit) -> Iterator[Traced]:
    yield _say(scope.judged_by(audit), "/policy")
    rows = [
        {
            say("id"): one.code,
            say("passes when"): one.rule,
            say("why these limits"): scope.limits(audit.policy, one.code),
        }
        for one in audit.findings.values()
    ]
    yield _table(pd.DataFrame(rows), "/policy/thresholds")


def _sign_off(audit: Audit) -> Iterator[Traced]:
    yield _table(pd.DataFrame({say("to be filled in by hand"): scope.sign_off(audit), " ": ""}), "/report")


def _provenance(audit: Audit) -> Iterator[Traced]:
    yield from _message(audit, "provenance")
    yield _table(pd.DataFrame(list(audit.provenance.items()), columns=[say("what"), say("value")]), "/provenance")


def _trace(audit: Audit) -> Iterator[Traced]:
    yield _table(trace.trace(audit), "/findings")


PAGES: dict[str, Callable[[Audit], Iterator[Traced]]] = {
    "summary": _summary,
    "scope": _scope,
    "tested": _tested,
    "model": _model,
    "data": _data,
    "performance": _performance,
    "confusion": _confusion,
    "slices": _area_page("slices"),
    "confidence": _confidence,
    "worst cases": _worst,
    "robustness": _area_page("robustness"),
    "unfamiliar inputs": _area_page("unfamiliar inputs"),
    "fairness": _area_page("fairness"),
    "explanations": _explanations,
    "belief in explanations": _belief,
    "shortcuts": _area_page("shortcuts"),
    "inside": _area_page("inside"),
    "privacy": _area_page("privacy"),
    "change": _area_page("change"),
    "crosswalk": _crosswalk,
    "rules": _rules,
    "provenance": _provenance,
    "trace": _trace,
    "sign-off": _sign_off,
}


def _message(audit: Audit, *names: str) -> Iterator[Traced]:
    """The sentence that a page is about, that of its gravest finding; then what all its checks found."""
    found = audit.of(*names)
    if not found:
        yield _say(say("No check of this is in this report."))
        return
    first = min(found, key=lambda one: LEADS.index(one.verdict))
    mark = say(" {word} ({code}).", word=summary.word(first), code=first.code) if len(found) == 1 else ""
    yield _say(f"**{first.sentence}** {first.reason}{mark}", f"/findings/{first.code}")
    if len(found) > 1:
        yield Traced(views.table(_found(found)), tuple(f"/findings/{one.code}" for one in found))


def _figures(audit: Audit, *names: str) -> Iterator[Traced]:
    """The figures of the checks of some areas."""
    for one in audit.of(*names):
        if (view := CHECKS[one.code].view) and one.evidence:
            yield _drawn(getattr(views, view)(one.evidence), one.code)


def _drawn(view: views.View, code: str) -> Traced:
    """A figure of a check's evidence; the id of the check stands in the caption."""
    return Traced(replace(view, caption=f"{view.caption} {say('Check {code}.', code=code)}"), (f"/findings/{code}/evidence",))


def _found(findings: Iterable[Finding]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {say("verdict"): one.verdict, say("what was found"): f"{summary.doubted(one)}. {one.sentence}", say("id"): one.code}
            for one in findings
        ]
    )


def _say(text: str, *numbers: str) -> Traced:
    return Traced(views.say(text), numbers)


def _table(frame: pd.DataFrame, pointer: str, caption: str = "") -> Traced:
    return Traced(views.table(frame, caption), (pointer,))
