"""Two models on the same samples, or two audits: what one fixes, what it breaks, and whether the two look at the same things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from netlens.audit.document import findings, read, rounded
from netlens.audit.finding import SEVERITY
from netlens.behaviour import Change, Rate, change, wilson
from netlens.data import Batch, Dataset, of_card
from netlens.errors import DataError
from netlens.explain import Attribution, IntegratedGradients
from netlens.models.model import Model
from netlens.quality.agreement import foreground, similarity
from netlens.quality.base import interval, pixelwise
from netlens.trained import obtain

OPERATION = "comparison"
SCHEMA = "netlens-comparison/1"


@dataclass(frozen=True)
class Side:
    """One of the two: its answers (N,) to the samples, as positions among the classes, and the model or the audit that they are from."""

    name: str
    fingerprint: str
    classes: tuple[str, ...]
    data: str
    data_fingerprint: str
    labels: NDArray[np.int64]
    answers: NDArray[np.int64]
    model: Model | None = None
    test: Dataset | None = None
    audit: Mapping[str, Any] | None = None

    @property
    def accuracy(self) -> Rate:
        """The share of right answers."""
        return wilson(int((self.answers == self.labels).sum()), len(self.labels))


def side(what: str, dataset: str = "", *, data_root: str | Path = "", device: str = "auto", seed: int = 0) -> Side:
    """Make one side of a comparison.

    Parameters
    ----------
    what : a tutorial model's name, the path of a card, the path of an `audit.json`, or the folder of a report that holds one.
    dataset, data_root, device, seed : as in `netlens.trained.obtain`; an audit needs none of them.

    Raises
    ------
    DataError : the audit cannot be read, or holds no answers.
    """
    path = Path(what)
    if path.is_dir() or path.suffix == ".json":
        return _of_audit(path / "audit.json" if path.is_dir() else path)
    model, _ = obtain(what, dataset, data_root=data_root, device=device, seed=seed)
    test = of_card(model.card, "test", data_root)
    answers = model.logits(test.all().inputs).argmax(1).numpy()
    return Side(model.name, model.fingerprint, model.classes, test.name, test.fingerprint, test.labels, answers, model, test)


def _of_audit(path: Path) -> Side:
    content = read(path)
    answers = content.get("answers")
    if not answers:
        remedy = "Make the audit again with this version, or compare the models themselves."
        raise DataError(OPERATION, f"'{path.name}' ({content['schema']}) does not hold the answers", remedy=remedy)
    model, data = content["model"], content["data"]
    labels, predictions = (np.asarray(answers[key], dtype=np.int64) for key in ("labels", "predictions"))
    fingerprint = data["test"]["fingerprint"]
    return Side(
        model["name"],
        model["fingerprint"],
        tuple(model["classes"]),
        data["name"],
        fingerprint,
        labels,
        predictions,
        audit=content,
    )


@dataclass(frozen=True)
class Drift:
    """Whether two networks look at the same places.

    `values` (N,) : the rank correlation of their maps of each sample, on the foreground, for the class that its label names; `mean`, and its
    95 % interval `low` to `high`. `noise` : what a map of noise gets. `batch`, `before`, `after` : the samples and both maps.
    """

    method: str
    values: torch.Tensor
    mean: float
    low: float
    high: float
    noise: float
    batch: Batch
    before: Attribution
    after: Attribution


@dataclass(frozen=True)
class Comparison:
    """What was found. `drift` is None where a side is an audit, or the models take inputs of different kinds."""

    before: Side
    after: Side
    seed: int
    drift: Drift | None

    @cached_property
    def change(self) -> Change:
        """What the second fixes and what it breaks; `overall.p` is McNemar's exact p value."""
        return change(self.before.answers, self.after.answers, self.before.labels, self.before.classes)

    def frame(self) -> pd.DataFrame:
        """One row a class, and one for all samples."""
        rows = {"all": self.change.overall, **self.change.by_class}
        return pd.DataFrame([{"class": name, **asdict(one)} for name, one in rows.items()])

    def verdicts(self) -> pd.DataFrame:
        """The checks whose verdicts differ between two audits, the worst new verdict first; empty where a side is no audit."""
        if self.before.audit is None or self.after.audit is None:
            return pd.DataFrame(columns=["check", "what it asks", "before", "after"])
        old, new = ({one.code: one for one in findings(one_side.audit or {})} for one_side in (self.before, self.after))
        differ = [code for code in new if code in old and old[code].verdict != new[code].verdict]
        differ.sort(key=lambda code: SEVERITY.index(new[code].verdict))
        rows = [
            {"check": code, "what it asks": new[code].title, "before": old[code].verdict, "after": new[code].verdict}
            for code in differ
        ]
        return pd.DataFrame(rows, columns=["check", "what it asks", "before", "after"])

    def document(self) -> dict[str, Any]:
        """Every number of the report, as it is written to compare.json."""
        from netlens.audit.sentences.comparison import summary

        result, drift = self.change, self.drift
        content = {
            "schema": SCHEMA,
            "report": {
                "title": f"{self.before.name} against {self.after.name}",
                "subtitle": f"Measured on the same {len(self.before.labels):,} samples of {self.before.data}",
                "facts": [
                    ["Before", f"{self.before.name}, {self.before.fingerprint}"],
                    ["After", f"{self.after.name}, {self.after.fingerprint}"],
                    ["Data", f"{self.before.data}, {self.before.data_fingerprint}"],
                ],
                "notice": "This report says which answers differ, and whether chance explains it. It does not say that either model is safe.",
            },
            "summary": summary(self),
            **{name: _plain(one) for name, one in (("before", self.before), ("after", self.after))},
            "overall": asdict(result.overall),
            "by_class": {name: asdict(one) for name, one in result.by_class.items()},
            "fixed": result.fixed.tolist(),
            "broken": result.broken.tolist(),
            "moved": result.moved,
            "verdicts": self.verdicts().to_dict("records"),
            "explanations": {
                "method": drift.method,
                "samples": drift.batch.ids.tolist(),
                "rank_correlation": drift.values.tolist(),
                "mean": drift.mean,
                "low": drift.low,
                "high": drift.high,
                "noise": drift.noise,
            }
            if drift
            else None,
            "seed": self.seed,
        }
        plain: dict[str, Any] = rounded(content)
        return plain


def _plain(one: Side) -> dict[str, Any]:
    return {
        "name": one.name,
        "fingerprint": one.fingerprint,
        "accuracy": asdict(one.accuracy),
        "from_audit": one.audit is not None,
    }


def compare(before: Side, after: Side, *, n_explained: int = 24, seed: int = 0) -> Comparison:
    """Compare two sides on the same samples.

    Parameters
    ----------
    n_explained : samples on which both networks are explained: first those whose answer was fixed or broken, then from the front.

    Raises
    ------
    DataError : the samples or the classes differ.

    Notes
    -----
    Cost beside the answers: Integrated Gradients of `n_explained` samples for each network.
    """
    for what, one, other in (
        ("classes", before.classes, after.classes),
        ("samples", before.data_fingerprint, after.data_fingerprint),
        ("labels", before.labels.tolist(), after.labels.tolist()),
    ):
        if one != other:
            said = f" ({before.data}: {str(one)[:12]}, {after.data}: {str(other)[:12]})" if what == "samples" else ""
            problem = f"'{before.name}' and '{after.name}' were asked about different {what}{said}"
            raise DataError(OPERATION, problem, expected="the same samples with the same classes, in the same order")
    return Comparison(before, after, seed, _drift(before, after, n_explained, seed))


def _drift(before: Side, after: Side, n_explained: int, seed: int) -> Drift | None:
    if before.model is None or after.model is None or before.test is None or after.test is None or n_explained == 0:
        return None
    if before.test.modality == "text":
        return None
    moved = np.flatnonzero(before.answers != after.answers)
    rest = np.setdiff1d(np.arange(len(before.labels)), moved)
    ids = np.concatenate([moved, rest])[:n_explained].tolist()
    batches = [one.test.take(ids) for one in (before, after) if one.test is not None]
    if batches[0].inputs.shape != batches[1].inputs.shape:
        return None
    labels, method = batches[0].labels, IntegratedGradients()
    maps = [method(model, batch.inputs, labels) for model, batch in zip((before.model, after.model), batches, strict=True)]
    where = foreground(batches[0].inputs)
    first, second = (pixelwise(one, batch.inputs, OPERATION) for one, batch in zip(maps, batches, strict=True))
    values = similarity(first, second, "rank", where)
    random = torch.randn(first.shape, generator=torch.Generator().manual_seed(seed), dtype=first.dtype)
    noise = float(similarity(first, random, "rank", where).mean())
    mean, low, high = interval(values)
    return Drift(method.name, values, mean, low, high, noise, batches[0], maps[0], maps[1])
