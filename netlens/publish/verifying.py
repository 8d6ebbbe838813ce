"""Check a report of an audit: its files are whole, its numbers fit together, and, with the model and the data, they come out again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from netlens.errors import DataError
from netlens.publish import fingerprints
from netlens.publish import notebook as nb
from netlens.publish.report_files import STAMP, files

OPERATION = "netlens verify"
NAME = "audit"
CLOSE = 1e-4  # numbers are written with six digits; another run of the same on the same machine gives the same ones
TYPESETTERS = ("netlens", "typst", "nbconvert")  # another version may set another page


@dataclass(frozen=True)
class Verified:
    """One thing that was looked at: whether it is as the report says, and what was seen."""

    what: str
    verdict: Literal["same", "differs", "not checked"]
    told: str


def verify(
    report: str | Path, model: str = "", *, dataset: str = "", data_root: str = "", device: str = "auto", recompute: bool = False
) -> list[Verified]:
    """Verify a report.

    Parameters
    ----------
    report : the folder of a report, or its audit.json, audit.pdf or audit.html.
    model : the card, or the tutorial model, that was audited; without it neither weights nor data are looked at.
    recompute : run every check again with the model, and compare each number.

    Raises
    ------
    DataError : there is no audit to verify.
    """
    from netlens.audit.document import read

    folder = Path(report)
    folder = folder if folder.is_dir() else folder.parent
    content = read(folder / f"{NAME}.json")
    try:
        found = [*_files(folder), *_findings(content), *_outcome(content), *_answers(content), *_printed(folder, content)]
        found += _with_model(content, model, dataset, data_root, device, recompute=recompute)
    except (KeyError, TypeError, AttributeError) as error:
        problem = f"'{folder / NAME}.json' lacks what an audit holds ({type(error).__name__}: {error})"
        raise DataError(OPERATION, problem, remedy="Verify it with the version of netlens that made it.") from error
    return found


def _judged(what: str, wrong: list[str], right: str) -> Verified:
    return Verified(what, "differs", f"differs: {', '.join(wrong)}") if wrong else Verified(what, "same", right)


def _files(folder: Path) -> Iterator[Verified]:
    """The files are those that were written together."""
    try:
        said = json.loads((folder / STAMP).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        yield Verified("files", "not checked", f"there is no list of their hashes ({STAMP}) beside them")
        return
    wrong = [f"{name} ({_now(folder / name)})" for name in files(NAME) if fingerprints.of_path(folder / name) != said.get(name)]
    yield _judged("files", wrong, f"{len(files(NAME))} files have the hashes with which they were written")


def _now(path: Path) -> str:
    return "changed" if path.is_file() else "missing"


def _findings(content: Mapping[str, Any]) -> Iterator[Verified]:
    """Each finding has the hash of what it says, and of what it was made from."""
    from netlens.audit.document import SOURCES
    from netlens.audit.provenance import digest

    made_from = {name: content["provenance"][name] for name in SOURCES}
    says, comes = [], []
    for code, finding in content["findings"].items():
        plain = {key: value for key, value in finding.items() if key not in ("inputs", "digest")}
        if finding["digest"] != digest([finding["inputs"], plain]):
            says.append(code)
        limits = {row["threshold"]: row["value"] for row in content["policy"]["thresholds"] if row["check"] == code}
        if finding["inputs"] != digest({**made_from, "limits": limits}):
            comes.append(code)
    yield _judged("findings", says, f"{len(content['findings'])} findings have the hash of what they say")
    yield _judged("sources", comes, "each finding has the hash of model, data, versions, seed and thresholds")


def _outcome(content: Mapping[str, Any]) -> Iterator[Verified]:
    """The outcome follows from the findings."""
    from netlens.audit.document import findings
    from netlens.audit.outcome import MEANING, exit_code

    said, follows = content["outcome"]["exit_code"], exit_code(findings(content), content["policy"]["required"])
    yield _judged("outcome", [] if said == follows else [f"{said} is said, {follows} follows"], f"{said}: {MEANING[follows]}")


def _answers(content: Mapping[str, Any]) -> Iterator[Verified]:
    """The performance follows from the answers."""
    if not content["answers"] or not content["performance"]:
        yield Verified("performance", "not checked", "the report does not hold every answer")
        return
    labels, answers = content["answers"]["labels"], content["answers"]["predictions"]
    classes = content["model"]["classes"]
    confusion = [[0] * len(classes) for _ in classes]
    for label, answer in zip(labels, answers, strict=True):
        confusion[label][answer] += 1
    hits, said = sum(confusion[k][k] for k in range(len(classes))), content["performance"]
    wrong = [] if said["confusion"] == confusion else ["the confusion matrix"]
    wrong += [] if (said["accuracy"]["hits"], said["accuracy"]["n"]) == (hits, len(labels)) else ["the accuracy"]
    pairs = zip(classes, confusion, strict=True)
    wrong += [f"recall of {name}" for k, (name, row) in enumerate(pairs) if said["recall"][name]["hits"] != row[k]]
    yield _judged("performance", wrong, f"accuracy, recall and confusion follow from the {len(labels):,} answers")


def _printed(folder: Path, content: Mapping[str, Any]) -> Iterator[Verified]:
    """The notebook speaks of these numbers, and the PDF and the page are what is typeset from it."""
    if not (folder / f"{NAME}.ipynb").is_file():
        yield Verified("PDF", "not checked", "the notebook that it was set from is missing")
        return
    notebook = nb.read(folder / f"{NAME}.ipynb", OPERATION)
    said = notebook["metadata"].get("netlens", {}).get("report")
    yield _judged(
        "title page", [] if said == content["report"] else ["it is not that of the numbers"], "it is that of the numbers"
    )
    other = [f"{name} {version(name)}" for name in TYPESETTERS if content["provenance"].get(name) != version(name)]
    if other:
        yield Verified("PDF", "not checked", f"it was set with other versions; here: {', '.join(other)}")
        return
    from netlens.publish.pdf import pdf_bytes
    from netlens.publish.report_page import page

    attached = {f"{NAME}.json": (folder / f"{NAME}.json").read_bytes()}
    path = folder / f"{NAME}.pdf"
    wrong = [] if path.is_file() and path.read_bytes() == pdf_bytes(notebook, attached=attached) else [_now(path)]
    yield _judged("PDF", wrong, "set again, it is the same byte for byte")
    html = folder / f"{NAME}.html"
    wrong = [] if html.is_file() and html.read_text(encoding="utf-8") == page(notebook) else [_now(html)]
    yield _judged("page", wrong, "written again, it is the same byte for byte")


def _with_model(
    content: Mapping[str, Any], model: str, dataset: str, data_root: str, device: str, *, recompute: bool
) -> Iterator[Verified]:
    """The model and the data are those of the report; asked again, they give the same numbers."""
    if not model:
        yield Verified(
            "model and data", "not checked", "give --model CARD to compare fingerprints, and --recompute for every number"
        )
        return
    from netlens.audit import material
    from netlens.trained import obtain

    facts = content["provenance"]
    network, _ = obtain(model, dataset, data_root=data_root, device=device, seed=int(facts["seed"]))
    data = material(network.card, data_root)
    yield _same("weights", network.fingerprint, facts["model fingerprint"])
    yield _same("test data", data.test.fingerprint, facts["test data fingerprint"])
    if data.train is not None:
        yield _same("training data", data.train.fingerprint, facts["training data fingerprint"])
    if recompute:
        yield _judged(
            "numbers", _recomputed(content, network, data), f"{len(content['findings'])} checks, run again, give the same"
        )


def _same(what: str, found: str, said: str) -> Verified:
    wrong = [] if found == said else [f"fingerprint {found[:12]}, the report says {said[:12]}"]
    return _judged(what, wrong, f"fingerprint {found[:12]}")


def _recomputed(content: Mapping[str, Any], network: Any, data: Any) -> list[str]:
    """Run the checks again by the thresholds of the report, and name what differs."""
    from netlens.audit.checks import CHECKS
    from netlens.audit.document import rounded
    from netlens.audit.subject import Subject

    facts, wrong = content["provenance"], []
    subject = Subject(network, data.test, data.train, facts["profile"], int(facts["seed"]), groups_fault=data.groups_fault)
    for code, said in content["findings"].items():
        if said["area"] == "change" and said["verdict"] != "NOT SHOWN":
            continue  # it compares with an earlier audit, which is not at hand
        if code not in CHECKS:
            wrong.append(f"{code} is no check of this version")
            continue
        limits = {row["threshold"]: row["value"] for row in content["policy"]["thresholds"] if row["check"] == code}
        found = CHECKS[code].run(subject, limits)
        pairs = [(rounded(getattr(found, key)), said[key]) for key in ("value", "low", "high", "n")]
        if found.verdict != said["verdict"] or not all(_close(one, other) for one, other in pairs):
            wrong.append(f"{code} ({_short(said)} in the report, {_short(vars(found))} now)")
    return wrong


def _close(one: float | None, other: float | None) -> bool:
    return one == other if one is None or other is None else math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)


def _short(finding: Mapping[str, Any]) -> str:
    value = finding["value"]
    return str(finding["verdict"]) if value is None or math.isnan(value) else f"{finding['verdict']} {value:.4g}"
