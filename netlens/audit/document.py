"""The audit as one JSON document, `audit.json`: every number of the report, and the hash of what each came from.

`audit.schema.json` beside this file is its schema. A number is named by its JSON pointer, such as `/findings/NL301/value`.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from netlens.audit.crosswalk import crosswalk
from netlens.audit.finding import Finding
from netlens.audit.provenance import digest
from netlens.audit.subject import SCHEMA
from netlens.behaviour import Rate
from netlens.data import Dataset
from netlens.errors import DataError, OutputError

if TYPE_CHECKING:
    from netlens.audit.audit import Audit
    from netlens.audit.subject import Subject

NAME = "audit.json"
SOURCES = ("model fingerprint", "test data fingerprint", "training data fingerprint", "profile", "seed", "netlens")
MOST = 20_000  # test samples up to which every answer is kept, so that two audits can be compared sample by sample
EARLIER = "Give the audit.json of an earlier report."


def document(audit: Audit) -> dict[str, Any]:
    """Write an audit as plain JSON."""
    from netlens.audit.sentences.summary import title_page

    subject, model = audit.subject, audit.subject.model
    declared = model.card.declared.model_dump() if model.card else {}
    content = {
        "schema": subject.schema,
        "report": title_page(audit),
        "outcome": {"exit_code": audit.exit_code, "unshown": audit.unshown},
        "model": {
            "name": model.name,
            "fingerprint": model.fingerprint,
            "parameters": model.parameters,
            "classes": list(model.classes),
            "notes": list(model.notes),
            "declared": declared,
        },
        "data": {
            "name": subject.data_name,
            "modality": subject.test.modality,
            "train": _split(subject.train),
            "test": _split(subject.test),
        },
        "performance": _performance(subject),
        "calibration": _calibration(subject),
        "worst_cases": _worst_cases(subject),
        "cases": _cases(subject),
        "answers": _answers(subject),
        "findings": {},
        "policy": {"use": audit.policy.use, "required": list(audit.policy.required), "thresholds": audit.policy.rows()},
        "crosswalk": crosswalk(declared, audit.findings),
        "provenance": dict(audit.provenance),
    }
    plain: dict[str, Any] = rounded(content)
    plain["policy"]["thresholds"] = audit.policy.rows()  # as they decided, for the hashes are over them
    sources = _sources(audit)
    for code, finding in audit.findings.items():
        plain["findings"][code] = _finding(rounded(asdict(finding)), {**sources, "limits": audit.policy.limits(code)})
    return plain


def read(path: str | Path) -> dict[str, Any]:
    """Read the document of an audit.

    Raises
    ------
    DataError : there is no such file, or it holds no audit.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"audit '{path.name}'", f"'{path}' cannot be read ({type(error).__name__})", remedy=EARLIER) from error
    return parsed(text, path)


def parsed(text: str, path: Path) -> dict[str, Any]:
    """The document of an audit from its text; `path` says where it stood.

    Raises
    ------
    DataError : it is no audit.
    """
    operation, remedy = f"audit '{path.name}'", EARLIER
    try:
        content = json.loads(text)
    except ValueError as error:
        raise DataError(operation, f"'{path}' cannot be read ({type(error).__name__})", remedy=remedy) from error
    if not isinstance(content, dict) or not str(content.get("schema", "")).startswith("netlens-audit/"):
        raise DataError(operation, f"'{path}' holds no audit", expected='JSON with a key "schema"', remedy=remedy)
    data = content.get("data")
    whole = isinstance(content.get("model"), dict) and isinstance(data, dict) and isinstance(data.get("test"), dict)
    if content["schema"] == SCHEMA and not whole:  # another form is for its reader to refuse
        raise DataError(operation, f"'{path}' does not say what was audited, on which data", remedy=remedy)
    return content


def findings(content: Mapping[str, Any]) -> list[Finding]:
    """Read the findings of a document back; what is no number is NaN again."""
    names = [field.name for field in fields(Finding)]
    found = []
    for plain in content.get("findings", {}).values():
        values = {name: plain[name] for name in names}
        numbers = {name: math.nan if values[name] is None else values[name] for name in ("value", "low", "high")}
        found.append(Finding(**{**values, **numbers, "missing": tuple(values["missing"])}))
    return found


def write(content: Mapping[str, Any], folder: str | Path, name: str = NAME) -> Path:
    """Write a document into a folder, whole or not at all.

    Raises
    ------
    OutputError : the folder cannot be written.
    """
    path = Path(folder) / name
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text(content), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise OutputError(
            "audit", f"'{path.parent}' cannot be written ({error.strerror})", remedy="Choose another folder."
        ) from error
    finally:
        if partial.is_file():
            partial.unlink()
    return path


def text(content: Mapping[str, Any]) -> str:
    """Write a document as JSON, a list of plain values on one line."""
    return _lines(content, 0) + "\n"


def rounded(value: Any) -> Any:
    """Make plain JSON: six significant digits, which no reader needs more of; what is not a number becomes null."""
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return rounded(value.tolist())
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, Rate):
        return rounded(asdict(value))
    if isinstance(value, np.generic):
        return rounded(value.item())
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _lines(value: Any, depth: int) -> str:
    """Like `json.dumps(indent=1)`, but what holds no further lists or objects stands on one line."""
    items = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else []
    nested = any(isinstance(item, Mapping | list) for item in items)
    if not nested and not (isinstance(value, Mapping) and len(value) > 6):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    start, end, inside = "\n" + " " * (depth + 1), "\n" + " " * depth, ""
    if isinstance(value, Mapping):
        inside = f",{start}".join(
            f"{json.dumps(key, ensure_ascii=False)}: {_lines(item, depth + 1)}" for key, item in value.items()
        )
        return f"{{{start}{inside}{end}}}"
    inside = f",{start}".join(_lines(item, depth + 1) for item in value)
    return f"[{start}{inside}{end}]"


def _finding(plain: dict[str, Any], sources: dict[str, Any]) -> dict[str, Any]:
    """A finding with the hash of what it was made from (`inputs`) and of what it says (`digest`)."""
    inputs = digest(sources)
    return {**plain, "inputs": inputs, "digest": digest([inputs, plain])}


def _sources(audit: Audit) -> dict[str, Any]:
    """What every finding comes from; with it a second run must give the same."""
    return {name: audit.provenance[name] for name in SOURCES}


def _split(dataset: Dataset | None) -> dict[str, Any] | None:
    if dataset is None:
        return None
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
    by_class = {name: int(count) for name, count in zip(dataset.classes, counts, strict=True)}
    return {"samples": len(dataset), "fingerprint": dataset.fingerprint, "by_class": by_class}


def _performance(subject: Subject) -> dict[str, Any] | None:
    if not subject.finite:
        return None
    result = subject.performance
    return {
        "accuracy": asdict(result.accuracy),
        "majority": result.majority,
        "recall": {name: asdict(rate) for name, rate in zip(result.classes, result.recall, strict=True)},
        "precision": {name: asdict(rate) for name, rate in zip(result.classes, result.precision, strict=True)},
        "confusion": result.confusion.tolist(),
    }


def _calibration(subject: Subject) -> dict[str, Any] | None:
    if not subject.finite:
        return None
    return {field.name: getattr(subject.calibration, field.name) for field in fields(subject.calibration)}


def _answers(subject: Subject) -> dict[str, Any] | None:
    """The label and the answer of every test sample, as positions among the classes."""
    if not subject.finite or len(subject.test) > MOST:
        return None
    return {"labels": subject.performance.labels.tolist(), "predictions": subject.performance.predictions.tolist()}


def _worst_cases(subject: Subject) -> list[dict[str, Any]]:
    return [] if subject.worst is None else [_case(subject, int(i)) for i in subject.worst.ids]


def _cases(subject: Subject) -> list[dict[str, Any]]:
    """The samples whose answers are explained, and what each stands for."""
    found = subject.cases
    if found is None:
        return []
    return [{"stands_for": name, **_case(subject, int(i))} for name, i in zip(found.names, found.batch.ids, strict=True)]


def _case(subject: Subject, sample: int) -> dict[str, Any]:
    result = subject.performance
    return {
        "sample": sample,
        "label": result.classes[result.labels[sample]],
        "answer": result.classes[result.predictions[sample]],
        "probability": float(result.probabilities[sample].max()),
        "probability_of_the_label": float(result.probabilities[sample][result.labels[sample]]),
    }
