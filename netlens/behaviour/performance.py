"""How often a classifier is right: overall, for each class, and which classes it confuses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.behaviour.intervals import Rate, wilson
from netlens.errors import ShapeError


@dataclass(frozen=True)
class Performance:
    """`recall[k]`: of the samples of class k, the share found. `precision[k]`: of the answers k, the share that is right.

    `confusion` (classes, classes): row the label, column the prediction. `majority`: the share of the commonest label, which
    a model that always answers the same would reach. `probabilities` (N, classes); `labels`, `predictions` (N,).
    """

    classes: tuple[str, ...]
    accuracy: Rate
    recall: tuple[Rate, ...]
    precision: tuple[Rate, ...]
    confusion: NDArray[np.int64]
    majority: float
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]

    def mistakes(self, n: int) -> list[int]:
        """Positions of the `n` wrong answers that were given with the highest probability, the surest first."""
        wrong = np.flatnonzero(self.predictions != self.labels)
        surest = self.probabilities[wrong].max(1)
        return [int(i) for i in wrong[np.argsort(-surest, kind="stable")][:n]]

    def confusions(self) -> list[tuple[str, str, int]]:
        """Pairs (label, prediction, count) of different classes, the commonest first."""
        off = self.confusion.copy()
        np.fill_diagonal(off, 0)
        order = np.argsort(-off, axis=None, kind="stable")
        pairs = [divmod(int(place), len(self.classes)) for place in order if off.flat[place] > 0]
        return [(self.classes[label], self.classes[answer], int(off[label, answer])) for label, answer in pairs]


def performance(logits: torch.Tensor, labels: torch.Tensor, classes: tuple[str, ...]) -> Performance:
    """Judge logits (N, classes) against labels (N,).

    Raises
    ------
    ShapeError : the shapes do not fit each other, or a label is no class.
    """
    expected = (len(labels), len(classes))
    if tuple(logits.shape) != expected or len(labels) == 0:
        raise ShapeError(
            "performance", f"the logits are {tuple(logits.shape)}", expected=f"{expected} for these labels and classes"
        )
    truth = labels.numpy().astype(np.int64)
    if truth.min() < 0 or truth.max() >= len(classes):
        raise ShapeError("performance", f"the labels go from {truth.min()} to {truth.max()}", expected=f"0 to {len(classes) - 1}")
    probabilities = torch.softmax(logits.double(), 1).numpy()
    answers = probabilities.argmax(1)
    confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
    np.add.at(confusion, (truth, answers), 1)
    hits = np.diag(confusion)
    return Performance(
        classes=classes,
        accuracy=wilson(int(hits.sum()), len(truth)),
        recall=tuple(wilson(int(hit), int(n)) for hit, n in zip(hits, confusion.sum(1), strict=True)),
        precision=tuple(wilson(int(hit), int(n)) for hit, n in zip(hits, confusion.sum(0), strict=True)),
        confusion=confusion,
        majority=float(confusion.sum(1).max() / len(truth)),
        probabilities=probabilities,
        labels=truth,
        predictions=answers,
    )
