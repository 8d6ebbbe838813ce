"""NL351: no segment of the data is served clearly worse than the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from netlens.audit.check import Check, Limit
from netlens.audit.finding import Outcome, Verdict, not_shown
from netlens.audit.language import say
from netlens.audit.numbers import in_hundred, low_high, percent
from netlens.audit.subject import Subject
from netlens.behaviour import Slice, Slices, nuisances, slices, thirds

MOST_SHOWN = 12


def measure(subject: Subject, limits: Mapping[str, float]) -> Outcome:
    """Compare every segment with the rest, corrected for looking at many."""
    right = subject.performance.predictions == subject.performance.labels
    found = slices(right, attributes(subject), enough=round(limits["samples"]))
    rule = say(
        "no segment with at least {least} {nouns} is right over {gap} less often than all, unless chance explains it; corrected for looking at "
        "{looks} segments",
        least=str(found.enough), nouns=subject.nouns, gap=percent(limits["gap"]), looks=str(len(found.slices)),
    )  # fmt: skip
    if not found.slices:
        return not_shown(rule, say("No segment has enough {nouns} to be judged.", nouns=subject.nouns), n=len(right))
    clear = [one for one in found.weak if one.gap > limits["gap"]]
    sure = [one for one in clear if one.gap_low > limits["gap"]]
    verdict: Verdict = "FAIL" if sure else "WARN" if clear else "PASS"
    worst = (sure or clear or found.slices)[0]
    said = sentence(worst, found, subject.nouns)
    return Outcome(verdict, worst.gap, worst.gap_low, worst.gap_high, worst.rate.n, rule, said, _evidence(found))


def attributes(subject: Subject) -> dict[str, Any]:
    """What segments are made of: the class, the groups that the card names, thirds of each nuisance and of each column of a table."""
    classes = np.asarray(subject.test.classes)[subject.test.labels]
    groups = {name: np.asarray(values).astype(str) for name, values in subject.test.groups.items()}
    found = {say("class"): classes, **groups, **thirds(nuisances(subject.test))}
    if subject.test.modality == "table":
        columns = np.asarray(subject.test.raw[np.arange(len(subject.test))], dtype=np.float64)
        found |= thirds(dict(zip(subject.test.features, np.nan_to_num(columns.T), strict=True)))
    return found


def sentence(worst: Slice, found: Slices, nouns: str) -> str:
    """Say which segment is weakest, and whether chance explains it."""
    values = {
        "name": worst.name,
        "share": in_hundred(worst.rate.value),
        "interval": low_high(worst.rate),
        "n": f"{worst.rate.n:,}",
        "nouns": nouns,
        "overall": in_hundred(found.accuracy.value),
    }
    if worst.gap <= 0:
        return say(
            "No segment is right less often than all {nouns} together, {overall} times in 100.",
            nouns=nouns,
            overall=values["overall"],
        )
    if worst.rate.value > found.slices[0].rate.value:
        text = say(
            "The segment that decides: {name}, right {share} times in 100 ({interval}, {n} {nouns}); over all {overall}.",
            **values,
        )
    else:
        text = say("Weakest: {name}, right {share} times in 100 ({interval}, {n} {nouns}); over all {overall}.", **values)
    if worst in found.weak:
        return text + " " + say("Chance does not explain it.")
    if len(found.slices) == 1:
        return text + " " + say("Chance alone explains it.")
    return text + " " + say("Of so many segments one always looks weak: chance alone explains it.")


def _evidence(found: Slices) -> dict[str, Any]:
    rows = [
        {"name": one.name, "value": one.rate.value, "low": one.rate.low, "high": one.rate.high, "n": one.rate.n, "q": one.q}
        for one in found.slices[:MOST_SHOWN]
    ]
    return {"accuracy": found.accuracy.value, "segments": len(found.slices), "too small": found.skipped, "weakest": rows}


CHECK = Check(
    code="NL351",
    title="No segment is served worse",
    area="slices",
    what="The data are cut by class, by the groups of the card, and by what can be measured without knowing what a sample shows, such as "
    "brightness, contrast or length. Each segment is compared with all others (Fisher's exact test, corrected after Benjamini and Hochberg).",
    why="An average hides the places where a model fails, and they may be the ones where it is used.",
    act="Collect more samples like those of the weak segment, or keep the model from being used there.",
    beware="Only segments that someone thought of are looked at. With few samples a weak segment goes unnoticed.",
    measure=measure,
    needs=("answers",),
    limits={
        "gap": Limit(0.05, "A segment that is served a twentieth worse than the average is worth a look."),
        "samples": Limit(30, "With fewer samples an interval spans most of the scale."),
    },
    view="slice_forest",
    reference="Benjamini and Hochberg 1995",
)
