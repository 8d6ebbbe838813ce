"""Explain inputs with one method, and leave the picture, the numbers and the sentences in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

import netlens
from netlens import paths
from netlens.data import Batch, Dataset, load, of_card
from netlens.errors import OutputError, unknown
from netlens.explain import EXPLAINERS, Attribution, Explainer, describe, describe_texts
from netlens.explain import text as explain_text
from netlens.explain.series import AXIS
from netlens.models import TUTORIAL_MODELS, Model
from netlens.publish import hyperparameters, report, usual
from netlens.publish.atomic import beside, new_folder, writing
from netlens.publish.explained_inputs import Reader, Sample
from netlens.publish.explained_record import arrays, notes, record, text
from netlens.publish.explained_texts import TextReader, with_unknown_words
from netlens.publish.plan import BUILD
from netlens.trained import obtain

if TYPE_CHECKING:
    from netlens.views import View

OPERATION = "netlens explain"
PICTURE, DRAWING, VALUES, TEXT, NUMBERS = FILES = (
    "explanation.png",
    "explanation.svg",
    "values.npz",
    "explanation.txt",
    "explanation.json",
)
SHOWN = 8  # columns of the picture; more would be too small to read


@dataclass(frozen=True)
class Explained:
    """Where an explanation is, what it says of each input, what a reader should know besides, and all of it for a program."""

    folder: Path
    sentences: tuple[str, ...]
    notes: tuple[str, ...]
    record: dict[str, Any]

    @property
    def summary(self) -> dict[str, Any]:
        """All of it as plain values for JSON."""
        return {**self.record, "notes": list(self.notes), "folder": str(self.folder), "files": list(FILES)}

    @property
    def files(self) -> tuple[Path, ...]:
        """What was written."""
        return tuple(self.folder / name for name in FILES)


def explain(
    card: str,
    inputs: Sequence[str],
    method: str,
    given: Mapping[str, str],
    *,
    target: str = "",
    dataset: str = "",
    data_root: str = "",
    device: str = "auto",
    seed: int = 0,
    resize: bool = False,
    out: Path | None = None,
) -> Explained:
    """Explain inputs, and write `explanation.png`, `.svg`, `.txt`, `.json` and `values.npz`, all of them or none.

    Parameters
    ----------
    card : a tutorial model's name, or the path of a card.
    inputs : image files, arrays of raw samples, or positions in the data set such as `test:5` and `test:0-3`; for a model of texts
        sentences, files with one text a line, or positions.
    method : a key of `netlens.explain.EXPLAINERS`. `given` : texts for its hyper-parameters.
    target : the name or the index of the class to explain; without one, what the network reads in each input.
    dataset : what a tutorial model is trained on, and where positions are looked up; a card names its own.
    seed : of everything random; a `seed` among `given` is of the method alone.
    resize : stretch image files to the size that the network takes.
    out : the folder for the results; by default `explanations/MODEL-METHOD`, in a project under its `_build`.

    Raises
    ------
    NetlensError : a name does not exist, an input cannot be used, the method does not cover the model, or the folder cannot be written.
    """
    if method not in EXPLAINERS:
        raise unknown(OPERATION, "method", method, EXPLAINERS)
    explainer = _explainer(method, given, seed)
    name = usual.model(card, OPERATION)
    usual.check({"device": device, "seed": seed, "dataset": dataset or None}, OPERATION)
    own = obtain(name, data_root=data_root, device=device)[0] if name.endswith(".toml") else None
    split = _splits(own, name, dataset, data_root)
    folder = out or _home() / f"{report.slug(name)}-{method}"
    _make_sure_of(folder)
    held_out = split("test")
    reader = Reader(split, held_out.raw.shape[1:], resize, OPERATION)
    reads = held_out.modality == "text"
    samples = TextReader(reader).all(inputs) if reads else reader.all(inputs)
    model = own or obtain(name, dataset, data_root=data_root, device=device, seed=seed)[0]
    batch = _batch(samples, model)
    if reads:
        samples = with_unknown_words(samples, model)
        attribution = explain_text(model, explainer, batch.raw, _target(target, model))
        sentences = describe_texts(model, batch.raw, attribution)
    else:
        attribution = explainer(model, batch.inputs, _target(target, model))
        sentences = describe(model, batch.inputs, attribution, names=held_out.features)
    view = _view(model, samples, batch, attribution, held_out.features)
    return _write(folder, model, samples, batch, attribution, sentences, view, {"dataset": held_out.name, "seed": seed})


def _splits(own: Model | None, name: str, dataset: str, data_root: str) -> Callable[[str], Dataset]:
    """Where positions are looked up: in the data set that was asked for, or else in the model's own."""
    if own is not None and not dataset:
        return cache(lambda split: of_card(own.card, split, data_root))
    named = dataset or TUTORIAL_MODELS[name].dataset
    return cache(lambda split: load(named, split, data_root=data_root))


def _explainer(method: str, given: Mapping[str, str], seed: int) -> Explainer:
    kind = EXPLAINERS[method]
    values = hyperparameters.read(kind, given, OPERATION)
    if "seed" in hyperparameters.hyperparameters(kind):
        values = {"seed": seed, **values}
    return cast("Callable[..., Explainer]", kind)(**values)


def _home() -> Path:
    root = paths.find_project()
    return (root / BUILD if root else Path()) / "explanations"


def _make_sure_of(folder: Path) -> None:
    """Refuse, before anything costly is done, a folder that cannot be written or that holds anything but an explanation.

    Raises
    ------
    OutputError : it cannot be replaced as a whole.
    """
    with writing(OPERATION, folder):
        found = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
        probe = beside(folder)
        probe.mkdir(parents=True)
        probe.rmdir()
    strange = [name for name in found if name not in FILES]
    if strange or folder.resolve() == Path.cwd():
        problem = f"'{folder}' holds something else than an explanation: {strange[0]}" if strange else f"'{folder}' is in use"
        raise OutputError(OPERATION, problem, expected="a new folder, or one to replace", remedy="Choose another one with --out.")


def _batch(samples: Sequence[Sample], model: Model) -> Batch:
    """The samples for the network. Only pictures are made of the batch, and they show no labels; an unknown one is 0."""
    raw = np.stack([sample.raw for sample in samples])
    labels = torch.tensor([sample.label or 0 for sample in samples])
    return Batch(model.preprocess(raw), raw, labels, np.arange(len(samples)))


def _target(text: str, model: Model) -> int | None:
    """The class that a text names, or else numbers; None for an empty one."""
    if not text:
        return None
    if text in model.classes:
        return model.classes.index(text)
    if text.isdecimal() and int(text) < len(model.classes):
        return int(text)
    raise unknown(OPERATION, f"class of {model.name}", text, model.classes)


def _view(model: Model, samples: Sequence[Sample], batch: Batch, attribution: Attribution, features: Sequence[str]) -> View:
    """The picture of the first inputs: maps over images, bars for the rows of a table, colours behind series that a map was read of."""
    from netlens.views import columns_by_samples, methods_by_samples, series_by_samples, texts

    if "words" in attribution.params:
        return texts(attribution, model.classes, names=[sample.name for sample in samples], most=SHOWN)
    titles = [sample.name for sample in samples[:SHOWN]]
    if AXIS in attribution.params:
        return series_by_samples([_first(attribution)], _head(batch), model.classes, titles=titles)
    if features:
        return columns_by_samples(_first(attribution), _head(batch), features, model.classes, titles=titles)
    return methods_by_samples([_first(attribution)], _head(batch), model.classes)


def _write(
    folder: Path,
    model: Model,
    samples: Sequence[Sample],
    batch: Batch,
    attribution: Attribution,
    sentences: Sequence[str],
    view: View,
    facts: Mapping[str, Any],
) -> Explained:
    told = {"netlens": netlens.__version__, **facts, **record(model, samples, attribution, sentences)}
    told |= {"alt": view.alt, "caption": view.caption}
    told_as_text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
    with new_folder(folder, OPERATION) as part:
        view.save(part / PICTURE)
        view.save(part / DRAWING)
        numbers: dict[str, Any] = {**arrays(attribution, batch.raw), "metadata": np.array(told_as_text)}
        np.savez(part / VALUES, **numbers)
        (part / TEXT).write_text(text(told), encoding="utf-8")
        (part / NUMBERS).write_text(told_as_text + "\n", encoding="utf-8")
    said = tuple(f"{sample.name}: {sentence}" for sample, sentence in zip(samples, sentences, strict=True))
    remarks = [*model.notes, *notes(samples, attribution)]
    if len(samples) > SHOWN:
        remarks.append(f"the picture shows the first {SHOWN} of {len(samples)} inputs; {VALUES} holds all")
    return Explained(folder, said, tuple(remarks), told)


def _head(batch: Batch) -> Batch:
    return Batch(batch.inputs[:SHOWN], batch.raw[:SHOWN], batch.labels[:SHOWN], batch.ids[:SHOWN])


def _first(attribution: Attribution) -> Attribution:
    delta, spread = (None if part is None else part[:SHOWN] for part in (attribution.delta, attribution.spread))
    return replace(attribution, values=attribution.values[:SHOWN], target=attribution.target[:SHOWN], delta=delta, spread=spread)
