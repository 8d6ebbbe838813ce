"""Check a card: load the model, run it on some samples, and say what there is and what looks wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from netlens.behaviour.intervals import Rate, wilson
from netlens.card import Card, read_card
from netlens.data import Batch, Dataset, of_card
from netlens.devices import choose
from netlens.errors import UsageError
from netlens.explain.wording import joined
from netlens.models import Model, load_model
from netlens.models.weights import some
from netlens.publish.fitting_inputs import Better, better_input, better_order

OPERATION = "netlens card check"
SAMPLES = 100
ENOUGH = 20  # samples for a word on accuracy


@dataclass(frozen=True)
class Checked:
    """What a check found. `refusals` : for each method why it cannot explain this model, or ""."""

    card: str
    name: str
    form: str
    task: str
    modality: str
    input_shape: tuple[int, ...]
    classes: tuple[str, ...]
    parameters: int
    fingerprint: str
    samples: int
    accuracy: Rate
    better: Better | None
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    refusals: dict[str, str]

    @property
    def record(self) -> dict[str, Any]:
        """All of it as plain values for JSON."""
        return asdict(self)


def check(card: str | Path, *, data_root: str = "", device: str = "auto", samples: int = SAMPLES) -> Checked:
    """Load the model of a card, run it on samples of its data, and see which methods can explain it.

    Parameters
    ----------
    samples : how many to measure the accuracy on, drawn once and for all.

    Raises
    ------
    NetlensError : the card, the model or the data cannot be used.
    """
    if Path(card).suffix != ".toml":
        raise UsageError(OPERATION, f"'{card}' is no card", expected="the path of a .toml file")
    return examined(read_card(card), data_root=data_root, device=device, samples=samples)


def examined(card: Card, *, data_root: str = "", device: str = "auto", samples: int = SAMPLES) -> Checked:
    """Check a card that has been read.

    Raises
    ------
    NetlensError : the model or the data cannot be used.
    """
    from netlens.explain.applicability import refusals

    if samples < 1:
        raise UsageError(OPERATION, f"samples got {samples}", expected="a number from 1 on")
    model = load_model(card, choose(device, OPERATION), data_root=data_root)
    assert model.card is not None
    data = of_card(model.card, "test", data_root=data_root)
    batch = _drawn(data, samples)
    logits = model.logits(batch.inputs)
    right = int((logits.argmax(1) == batch.labels).sum())
    accuracy = wilson(right, len(batch))
    better = _better(model, batch)
    return Checked(
        card=str(card.path),
        name=model.name,
        form=model.card.model.form,
        task=model.task,
        modality=data.modality,
        input_shape=tuple(batch.inputs.shape[1:]),
        classes=model.classes,
        parameters=model.parameters,
        fingerprint=model.fingerprint,
        samples=len(data),
        accuracy=accuracy,
        better=better,
        notes=model.notes,
        warnings=(*_no_numbers(logits, model), *_warnings(accuracy, better, model, batch)),
        refusals=refusals(model, batch.inputs),
    )


def _no_numbers(logits: torch.Tensor, model: Model) -> Iterator[str]:
    """A word on answers that are NaN, and on the weights that they may come from."""
    if lost := int(logits.isnan().any(1).sum()):
        state = model.net.state_dict().items()
        broken = [name for name, one in state if isinstance(one, torch.Tensor) and bool((one != one).any())]
        where = f" The weights hold NaN: {some(broken)}." if broken else ""
        yield f"it gives NaN for {lost} of {len(logits)} samples.{where}"


def _drawn(data: Dataset, samples: int) -> Batch:
    ids = np.random.default_rng(0).permutation(len(data))[:samples]
    return data.take(sorted(ids.tolist()))


def _better(model: Model, batch: Batch) -> Better | None:
    """What would make more answers right: first the inputs, then the order of the classes."""
    if len(batch) < ENOUGH:
        return None
    found = better_input(model, batch)
    if found is not None:
        return found
    return better_order(model, batch)


def _warnings(accuracy: Rate, better: Better | None, model: Model, batch: Batch) -> list[str]:
    said = []
    if better is not None:
        now, then = f"{100 * accuracy.value:.0f} %", f"{100 * better.accuracy:.0f} %"
        also = f" ({joined(better.also)} would fit as well)" if better.also else ""
        said.append(f"accuracy is {now}, and {then} with {better.what}{also}. If that is how it was trained, {better.remedy}.")
    labels = batch.labels.numpy()
    most = np.bincount(labels, minlength=len(model.classes)).max() / len(labels)
    if better is None and accuracy.n >= ENOUGH and accuracy.low <= max(most, 1 / len(model.classes)):
        said.append(
            "it is not better than always giving the same answer; no usual normalisation and no other order of classes mends it"
        )
    return said


def lines(checked: Checked) -> list[str]:
    """The check for people."""
    rate, names = checked.accuracy, list(checked.classes)
    listed = ", ".join(names[:12]) + (f", and {len(names) - 12} more" if len(names) > 12 else "")
    facts = {
        "model": f"{checked.name} ({checked.form})",
        "task": f"{checked.task} of {checked.modality}s into {len(names)} classes: {listed}",
        "input": f"{' x '.join(map(str, checked.input_shape))} {'tokens' if checked.modality == 'text' else 'numbers'} a sample",
        "parameters": f"{checked.parameters:,}",
        "fingerprint": checked.fingerprint,
        "data": f"{checked.samples:,} samples",
        "accuracy": f"{100 * rate.value:.0f} % of {rate.n} samples ({100 * rate.low:.0f} to {100 * rate.high:.0f} %)",
    }
    able = [name for name, reason in checked.refusals.items() if not reason]
    told = [f"{key:<12} {value}" for key, value in facts.items()]
    told.append(f"{'methods':<12} {', '.join(able) or 'none'}")
    told += [f"{'not':<12} {', '.join(names)}: {reason}" for reason, names in _by_reason(checked.refusals).items()]
    return told


def _by_reason(refusals: dict[str, str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, reason in refusals.items():
        if reason:
            grouped.setdefault(reason, []).append(name)
    return grouped
