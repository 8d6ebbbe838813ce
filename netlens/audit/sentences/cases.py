"""The worst cases in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from netlens.audit.language import say
from netlens.audit.numbers import count, in_hundred, percent

if TYPE_CHECKING:
    from netlens.audit.audit import Audit

MOST = 4  # columns that are named for each explained row
LONG = 240  # characters of a text that are printed


def worst_cases(audit: Audit) -> str:
    """Say how sure the model was when it was wrong."""
    subject = audit.subject
    if not subject.finite:
        return say("Some answers of the model are not numbers, so its mistakes cannot be ranked.")
    rate = subject.performance.accuracy
    wrong = rate.n - rate.hits
    if not wrong and rate.n == 1:
        return say("The model answered the only test {noun} correctly, so there is no wrong answer to show.", noun=subject.noun)
    if not wrong:
        return say(
            "The model answered all {n} correctly, so there is no wrong answer to show.", n=count(rate.n, f"test {subject.noun}")
        )
    if subject.worst is None:
        return say(
            "{wrong} of {n}; none was asked for in this report.", wrong=count(wrong, "wrong answer").capitalize(), n=f"{rate.n:,}"
        )
    sure = subject.probabilities[subject.worst.ids].max(1)
    low, high = (f"{in_hundred(share)} %" for share in (float(sure.min()), float(sure.max())))
    span = low if low == high else say("from {low} to {high}", low=low, high=high)
    ask = say("Have someone who knows the subject look at each: is it the model that is wrong, or the label?")
    shown, of = len(subject.worst), count(wrong, "wrong answer")
    if shown == wrong == 1:
        return say("The only wrong answer was given with a probability of {span}. {ask}", span=span, ask=ask)
    if shown == wrong:
        return say("These are all {of}, with the probability that the model gave them: {span}. {ask}", of=of, span=span, ask=ask)
    if shown == 1:
        return say("Of {of}, this one was given with the highest probability: {span}. {ask}", of=of, span=span, ask=ask)
    return say(
        "Of {of}, these {shown} were given with the highest probability: {span}. {ask}",
        of=of,
        shown=str(shown),
        span=span,
        ask=ask,
    )


def listed(audit: Audit) -> pd.DataFrame:
    """The worst cases of texts or rows, as a table."""
    subject = audit.subject
    assert subject.worst is not None
    rows = zip(subject.worst.raw, audit.document()["worst_cases"], strict=True)
    return pd.DataFrame(
        [
            {
                say("sample"): case["sample"],
                say("content"): _content(raw, subject.test.features),
                say("label"): case["label"],
                say("answer"): case["answer"],
                say("probability"): percent(case["probability"]),
            }
            for raw, case in rows
        ]
    )


def explained() -> str:
    """Say how to read maps."""
    return say(
        "The same once more, with explanations of the *wrong* answer. Red spoke for it, blue against it. An explanation is not a proof of "
        "cause; whether these may be believed is measured on a later page."
    )


def picked(audit: Audit) -> str:
    """Say which cases are explained."""
    found = audit.subject.cases
    names = "; ".join(found.names) if found else ""
    return say(
        "From left to right: {names}. Red pushed towards the answer, blue away from it; each method has a scale of its own. A map is not a "
        "proof of cause, and one that is stamped “not evidence” shows nothing about this model.",
        names=names,
    )


def parts(modality: str) -> str:
    """Say how to read the table of columns or words."""
    if modality == "text":
        return say(
            "For each case, the words that pushed most towards the answer (+) and away from it (−), by Integrated Gradients from a text "
            "in which every word is missing; in brackets, by how much. It is not a proof of cause."
        )
    return say(
        "For each case, the columns that pushed most towards the answer (+) and away from it (−), by Integrated Gradients from an input of "
        "zeros, which is the average row where columns are standardised; in brackets, by how much. It is not a proof of cause."
    )


def explained_rows(audit: Audit) -> pd.DataFrame:
    """For each telling row or text, the columns or words that spoke most for and against the answer."""
    subject = audit.subject
    assert subject.cases is not None
    rows = []
    for place, (name, case) in enumerate(zip(subject.cases.names, audit.document()["cases"], strict=True)):
        strongest = sorted(subject.cases.parts(place, subject.test.features), key=lambda part: -abs(part[1]))[:MOST]
        rows.append(
            {
                say("case"): name,
                say("answer"): case["answer"],
                say("how sure"): percent(case["probability"]),
                say("label"): case["label"],
                say("what pushed"): ", ".join(f"{part} ({_signed(value)})" for part, value in strongest),
            }
        )
        if subject.test.modality == "text":
            rows[-1][say("text")] = _content(subject.cases.batch.raw[place], ())
    return pd.DataFrame(rows)


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '−'}{abs(value):.2g}"


def _content(raw: Any, features: tuple[str, ...]) -> str:
    if features:
        return ", ".join(f"{name} {value:.4g}" for name, value in zip(features, raw, strict=True))
    text = " ".join(str(raw).split())
    return text if len(text) <= LONG else f"{text[:LONG].rstrip()} …"
