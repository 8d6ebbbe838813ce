"""Audit a classifier of images: measure, judge, and keep every number."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from netlens.audit import findings
from netlens.audit.findings import Finding
from netlens.audit.provenance import provenance
from netlens.behaviour import Calibration, Performance, Rate, calibration, performance
from netlens.data import Batch, Dataset
from netlens.errors import OutputError
from netlens.explain import Attribution, Explainer, GradCAM, IntegratedGradients, Saliency
from netlens.explain.maps import map_layers
from netlens.models.model import Model

SCHEMA = "netlens-audit/1"


@dataclass(frozen=True)
class Audit:
    """All that an audit measured. `worst` holds the wrong answers with the highest probability, `explanations` their maps."""

    model: Model
    test: Dataset
    train: Dataset
    performance: Performance
    calibration: Calibration
    worst: Batch | None
    explanations: tuple[Attribution, ...]
    findings: tuple[Finding, ...]
    provenance: dict[str, str]

    def document(self) -> dict[str, Any]:
        """Every number of the report, as it is written to audit.json."""
        result, declared = self.performance, self.model.card.declared.model_dump() if self.model.card else {}
        document = {
            "schema": SCHEMA,
            "report": self.title_page(),
            "model": {
                "name": self.model.name,
                "fingerprint": self.model.fingerprint,
                "parameters": self.model.parameters,
                "classes": list(self.model.classes),
                "declared": declared,
            },
            "data": {
                "name": self.test.name,
                "train": {"samples": len(self.train), "by class": _by_class(self.train)},
                "test": {"samples": len(self.test), "by class": _by_class(self.test)},
            },
            "performance": {
                "accuracy": asdict(result.accuracy),
                "majority": result.majority,
                "recall": _rates(result.classes, result.recall),
                "precision": _rates(result.classes, result.precision),
                "confusion": result.confusion.tolist(),
            },
            "calibration": _plain(self.calibration),
            "worst cases": self._worst_cases(),
            "findings": [asdict(finding) for finding in self.findings],
            "provenance": self.provenance,
        }
        rounded: dict[str, Any] = _rounded(document)
        return rounded

    def title_page(self) -> dict[str, Any]:
        """What stands on the first page of the report."""
        return {
            "title": f"Audit of {self.model.name}",
            "subtitle": f"Measured on {len(self.test):,} test images of {self.test.name}",
            "facts": [
                ["Model", f"{self.model.name}, {self.model.parameters:,} parameters"],
                ["Model fingerprint", self.model.fingerprint],
                ["Data", f"{self.test.name}: {len(self.train):,} training and {len(self.test):,} test images"],
                ["Data fingerprint", self.test.fingerprint],
                ["Made by", f"netlens {self.provenance['netlens']}, seed {self.provenance['seed']}"],
            ],
            "notice": "This report does not say that the model is safe. It says what was measured, on which data, and how sure the numbers are.",
        }

    def frame(self) -> pd.DataFrame:
        """The findings as a table, one row a check."""
        columns = {"check": "code", "what it asks": "title", "verdict": "verdict", "what was found": "sentence"}
        return pd.DataFrame([{name: getattr(one, key) for name, key in columns.items()} for one in self.findings])

    def rules(self) -> pd.DataFrame:
        """The rule of each check and the reason for it."""
        return pd.DataFrame([{"check": one.code, "passes when": one.rule, "because": one.reason} for one in self.findings])

    def write(self, folder: str | Path) -> Path:
        """Write audit.json into a folder, whole or not at all.

        Raises
        ------
        OutputError : the folder cannot be written.
        """
        path = Path(folder) / "audit.json"
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        text = json.dumps(self.document(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise OutputError(
                "audit", f"'{path.parent}' cannot be written ({error.strerror})", remedy="Choose another folder."
            ) from error
        finally:
            if partial.is_file():
                partial.unlink()
        return path

    def _worst_cases(self) -> list[dict[str, Any]]:
        if self.worst is None:
            return []
        result = self.performance
        return [
            {
                "sample": int(i),
                "label": result.classes[result.labels[i]],
                "answer": result.classes[result.predictions[i]],
                "probability": float(result.probabilities[i].max()),
                "probability of the label": float(result.probabilities[i][result.labels[i]]),
            }
            for i in self.worst.ids
        ]


def audit(model: Model, train: Dataset, test: Dataset, *, seed: int = 0, n_worst: int = 6, command: str = "") -> Audit:
    """Measure a classifier on a test split.

    Parameters
    ----------
    train : what the model was trained on, to look for copies of test samples.
    seed : of the simulated calibration null.
    n_worst : how many of the surest wrong answers are explained.

    Notes
    -----
    Cost: two forward passes over 128 samples, one over `test`, and the explanations of `n_worst` samples.
    """
    batch = test.all()
    few = batch.inputs[:128]
    change = (model.logits(few) - model.logits(few)).abs().max().item()
    result = performance(model.logits(batch.inputs), batch.labels, model.classes)
    trust = calibration(result.probabilities, result.labels, seed=seed)
    positions = result.mistakes(n_worst)
    worst = test.take(positions) if positions else None
    explanations = _explain(model, worst, result) if worst else ()
    return Audit(
        model=model,
        test=test,
        train=train,
        performance=result,
        calibration=trust,
        worst=worst,
        explanations=explanations,
        findings=(
            findings.repeatable(change, len(few)),
            findings.leakage(train, test),
            findings.beats_majority(result),
            findings.weakest_class(result),
            findings.calibrated(trust, len(test)),
            findings.complete([share for one in explanations if one.error is not None for share in one.error.tolist()]),
        ),
        provenance=provenance(model, train, test, seed, command),
    )


def _explain(model: Model, worst: Batch, result: Performance) -> tuple[Attribution, ...]:
    answers = torch.from_numpy(result.predictions[worst.ids])
    methods: list[Explainer] = [Saliency(), IntegratedGradients()]
    if map_layers(model, worst.inputs):
        methods.append(GradCAM())
    return tuple(method(model, worst.inputs, answers) for method in methods)


def _by_class(dataset: Dataset) -> dict[str, int]:
    counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
    return {name: int(count) for name, count in zip(dataset.classes, counts, strict=True)}


def _rates(classes: tuple[str, ...], rates: tuple[Rate, ...]) -> dict[str, Any]:
    return {name: asdict(rate) for name, rate in zip(classes, rates, strict=True)}


def _plain(result: Calibration) -> dict[str, Any]:
    return {field.name: getattr(result, field.name) for field in fields(result)}


def _rounded(value: Any) -> Any:
    """Make plain JSON: six significant digits, which no reader needs more of; what is not a number becomes null."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if isinstance(value, Rate):
        return _rounded(asdict(value))
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
