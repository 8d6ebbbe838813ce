"""Find out whether a network is fed as it was trained: other normalisations, other channels, another order of classes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from netlens.behaviour.intervals import wilson
from netlens.behaviour.paired import paired
from netlens.data import Batch, Preprocess
from netlens.models import Model

USUAL: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "pixels from 0 to 1": ((0.0,), (1.0,)),
    "pixels from -1 to 1": ((0.5,), (0.5,)),
    "pixels from 0 to 255": ((0.0,), (1 / 255,)),
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "CIFAR-10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "CIFAR-100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "CLIP": ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)),
    "MNIST": ((0.1307,), (0.3081,)),
}
SURE = 0.01  # a p value below which two accuracies differ by more than luck
LEAST_GAIN = 0.1  # of accuracy; a smaller one is no sign of a mistake

Rights = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Better:
    """Something about the inputs or classes which, put right, makes more answers right.

    `what` it is; `accuracy` with it; what `[data]` should say, nothing where no key says it; and what fits `also`, as far as so few
    samples tell.
    """

    what: str
    accuracy: float
    data: dict[str, Any]
    also: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        """What to do about it, if that is how the network was trained."""
        said = ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in self.data.items())
        return f"write {said} in [data]" if said else "exchange them in the factory"


def better_input(model: Model, batch: Batch) -> Better | None:
    """Try the usual normalisations and the other order of channels on images; the best one, if luck does not explain it."""
    if not isinstance(model.preprocess, Preprocess) or batch.inputs.ndim != 4:
        return None
    labels = batch.labels.numpy()
    right = _answers(model, batch.inputs) == labels
    found: list[tuple[Better, Rights]] = []
    for what, said, inputs in _others(model.preprocess, batch):
        now = _answers(model, inputs) == labels
        test = paired(right, now)
        if test.p < SURE and test.change > LEAST_GAIN:
            found.append((Better(what, test.after, said), now))
    if not found:
        return None
    best, most = max(found, key=lambda one: one[0].accuracy)
    return replace(best, also=tuple(one.what for one, now in found if one is not best and paired(now, most).p >= SURE))


def better_order(model: Model, batch: Batch) -> Better | None:
    """Look for another order of the classes that makes far more answers right than chance could; fitted on one half, tried on the other."""
    from scipy.optimize import linear_sum_assignment

    answers, labels, classes = _answers(model, batch.inputs), batch.labels.numpy(), len(model.classes)
    half = np.arange(len(labels)) % 2 == 0
    counts = np.zeros((classes, classes))
    np.add.at(counts, (answers[half], labels[half]), 1)
    outputs, meant = linear_sum_assignment(counts + np.eye(classes) * 0.5, maximize=True)  # no change without a reason
    order = dict(zip(outputs.tolist(), meant.tolist(), strict=True))
    right = answers[~half] == labels[~half]
    now = np.array([order[answer] for answer in answers[~half].tolist()]) == labels[~half]
    test = paired(right, now)
    if test.p >= SURE or test.change <= LEAST_GAIN or wilson(int(now.sum()), len(now)).low < 2 / classes:
        return None
    names = [model.classes[order[output]] for output in range(classes)]
    return Better("the classes in another order", test.after, {"classes": names})


def _others(own: Preprocess, batch: Batch) -> Iterator[tuple[str, dict[str, Any], torch.Tensor]]:
    channels = batch.inputs.shape[1]
    for what, (mean, std) in USUAL.items():
        if len(mean) in (1, channels) and (mean, std) != (own.mean, own.std):
            times = channels if len(mean) == 1 else 1
            said = {"mean": list(mean) * times, "std": list(std) * times}
            yield f"the normalisation of {what}", said, Preprocess(mean, std)(batch.raw)
    if channels == 3:
        yield "blue and red exchanged", {}, own(batch.raw[..., ::-1])
    if channels == 1:
        yield "light and dark exchanged", {}, own(255 - batch.raw)


def _answers(model: Model, inputs: torch.Tensor) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return model.logits(inputs).argmax(1).numpy()
