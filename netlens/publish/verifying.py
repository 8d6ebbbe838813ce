"""Check a report of an audit: its files are whole, its numbers fit together, and, with the model and the data, they come out again."""

from __future__ import annotations

import html
import json
import re
import zlib
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
        found = [*_files(folder), *_checks(content), *_findings(content), *_outcome(content), *_answers(content)]
        found += _printed(folder, content)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        problem = f"'{folder / NAME}.json' is not what an audit writes ({type(error).__name__}: {error})"
        raise DataError(OPERATION, problem, remedy="Verify it with the version of netlens that made it.") from error
    return [*found, *_with_model(content, model, dataset, data_root, device, recompute=recompute)]


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


def _checks(content: Mapping[str, Any]) -> Iterator[Verified]:
    """Every check has its finding, and the thresholds are those of the policy that provenance names."""
    import netlens
    from netlens.audit.checks import CHECKS
    from netlens.audit.provenance import judged_by

    thresholds, found = content["policy"]["thresholds"], content["findings"]
    asked = dict.fromkeys(row["check"] for row in thresholds)
    asked |= dict.fromkeys(CHECKS) if content["provenance"]["netlens"] == netlens.__version__ else {}
    yield _judged("checks", [f"{code} is missing" for code in asked if code not in found], f"all {len(found)} have a finding")
    policy, said = content["policy"], content["provenance"]["policy"]
    wrong = [] if judged_by(policy["use"], thresholds, policy["required"]) == said else ["its thresholds have another hash"]
    yield _judged("policy", wrong, "the thresholds have the hash that provenance names")


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
    from netlens.audit.outcome import MEANING, exit_code, unshown

    found, required, said = findings(content), content["policy"]["required"], content["outcome"]
    follows, lacking = exit_code(found, required), unshown(found, required)
    wrong = [] if said["exit_code"] == follows else [f"{said['exit_code']} is said, {follows} follows"]
    wrong += [] if said["unshown"] == lacking else [f"{said['unshown']} is said to be unshown, and it is {lacking}"]
    yield _judged("outcome", wrong, f"{follows}: {MEANING[follows]}")


def _answers(content: Mapping[str, Any]) -> Iterator[Verified]:
    """The performance follows from the answers."""
    from netlens.audit.document import rounded
    from netlens.behaviour import wilson

    if not content["answers"] or not content["performance"]:
        yield Verified("performance", "not checked", "the report does not hold every answer")
        return
    labels, answers = content["answers"]["labels"], content["answers"]["predictions"]
    classes = content["model"]["classes"]
    confusion = [[0] * len(classes) for _ in classes]
    for label, answer in zip(labels, answers, strict=True):
        confusion[label][answer] += 1
    said, columns = content["performance"], list(zip(*confusion, strict=True))
    rates = [("the accuracy", said["accuracy"], sum(confusion[k][k] for k in range(len(classes))), len(labels))]
    for k, name in enumerate(classes):
        rates.append((f"recall of {name}", said["recall"][name], confusion[k][k], sum(confusion[k])))
        rates.append((f"precision of {name}", said["precision"][name], confusion[k][k], sum(columns[k])))
    wrong = [] if said["confusion"] == confusion else ["the confusion matrix"]
    wrong += [name for name, rate, hits, n in rates if rate != rounded(wilson(hits, n))]
    yield _judged("performance", wrong, f"accuracy, recall, precision and confusion follow from the {len(labels):,} answers")


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
    shown = _text(notebook)
    silent = [code for code, finding in content["findings"].items() if _plain(finding["sentence"]) not in shown]
    yield _judged("sentences", silent, f"the notebook says what each of {len(content['findings'])} findings says")
    path, numbers = folder / f"{NAME}.pdf", (folder / f"{NAME}.json").read_bytes()
    inside = path.is_file() and _holds(path.read_bytes(), numbers)
    yield _judged("numbers in the PDF", [] if inside else ["they are not those beside it"], "they are those beside it")
    other = [f"{name} {version(name)}" for name in TYPESETTERS if content["provenance"].get(name) != version(name)]
    if other:
        yield Verified("PDF", "not checked", f"it was set with other versions; here: {', '.join(other)}")
        return
    from netlens.publish.pdf import pdf_bytes
    from netlens.publish.report_page import page

    attached = {f"{NAME}.json": numbers}
    wrong = [] if path.is_file() and path.read_bytes() == pdf_bytes(notebook, attached=attached) else [_now(path)]
    yield _judged("PDF", wrong, "set again, it is the same byte for byte")
    html = folder / f"{NAME}.html"
    wrong = [] if html.is_file() and html.read_text(encoding="utf-8") == page(notebook) else [_now(html)]
    yield _judged("page", wrong, "written again, it is the same byte for byte")


def _holds(pdf: bytes, content: bytes) -> bool:
    """Whether one of the compressed streams of a PDF is this."""
    for start in re.finditer(rb"stream\r?\n", pdf):
        try:
            if zlib.decompressobj().decompress(pdf[start.end() :], len(content) + 1) == content:
                return True
        except zlib.error:
            continue  # a stream of another kind
    return False


def _text(notebook: nb.Notebook) -> str:
    """All that a notebook shows in words."""
    outputs = [output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", [])]
    shown = [nb.text(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    shown += [nb.text(data["text/markdown"]) for data in outputs if "text/markdown" in data]
    shown += [html.unescape(re.sub(r"<[^>]+>", " ", nb.text(data["text/html"]))) for data in outputs if "text/html" in data]
    return _plain(" ".join(shown))


def _plain(text: str) -> str:
    return " ".join(text.split())


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
    from netlens.audit.provenance import NONE
    from netlens.publish.recomputing import recomputed
    from netlens.trained import obtain

    facts = content["provenance"]
    network, _ = obtain(model, dataset, data_root=data_root, device=device, seed=int(facts["seed"]))
    data = material(network.card, data_root)
    yield _same("weights", network.fingerprint, facts["model fingerprint"])
    yield _same("test data", data.test.fingerprint, facts["test data fingerprint"])
    if network.card:
        yield _same("card", network.card.digest, facts["card digest"])
    yield _same("training data", data.train.fingerprint if data.train else NONE, facts["training data fingerprint"])
    if recompute:
        yield _judged(
            "numbers", recomputed(content, network, data), f"{len(content['findings'])} checks, run again, give the same"
        )


def _same(what: str, found: str, said: str) -> Verified:
    wrong = [] if found == said else [f"fingerprint {found[:12]}, the report says {said[:12]}"]
    return _judged(what, wrong, f"fingerprint {found[:12]}")
