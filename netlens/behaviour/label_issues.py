"""Labels that are likely wrong: where the model is confident of another class, as confident as it usually is of that class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.intervals import Rate, wilson
from netlens.errors import ShapeError


@dataclass(frozen=True)
class LabelIssues:
    """What confident learning found.

    `share` : of the samples that were judged, those whose label is likely wrong. `samples` : their positions, the likeliest first.
    `suggested` : the class that each rather belongs to. `margin` : by how much the model prefers it over the label.
    `joint` (classes, classes) : confident samples by label (rows) and by the class that they rather belong to (columns).
    """

    share: Rate
    samples: NDArray[np.int64]
    suggested: NDArray[np.int64]
    margin: NDArray[np.float64]
    joint: NDArray[np.int64]


def label_issues(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> LabelIssues:
    """Find labels (N,) that the probabilities (N, classes) contradict with confidence.

    Raises
    ------
    ShapeError : there is no sample, the shapes do not fit, or a probability is not finite.

    Notes
    -----
    The probabilities must come from a model that has not seen these samples: one that has learned them by heart agrees with every
    label. What is found is a list for a person to look at; some of it is the model's own error.

    References
    ----------
    Northcutt, Jiang and Chuang 2021, "Confident learning", arXiv:1911.00068.
    """
    labels = np.asarray(labels)
    if probabilities.ndim != 2 or len(probabilities) != len(labels) or len(labels) == 0:
        problem = f"there are probabilities {probabilities.shape} for {len(labels)} labels"
        raise ShapeError("label issues", problem, expected="one row of probabilities for each label")
    if not np.isfinite(probabilities).all():
        raise ShapeError("label issues", "some probabilities are not finite", expected="finite numbers")
    classes = probabilities.shape[1]
    usual = np.full(classes, np.inf)  # a class without samples is never suggested
    for label in np.unique(labels):
        usual[label] = probabilities[labels == label, label].mean()
    confident = np.where(probabilities >= usual, probabilities, -1.0)
    likely = confident.argmax(1)
    sure = confident.max(1) >= 0
    joint = np.zeros((classes, classes), dtype=np.int64)
    np.add.at(joint, (labels[sure], likely[sure]), 1)
    places = np.flatnonzero(sure & (likely != labels))
    margin = probabilities[places, likely[places]] - probabilities[places, labels[places]]
    order = np.argsort(-margin, kind="stable")
    share = wilson(len(places), len(labels))
    return LabelIssues(share, places[order], likely[places][order], margin[order], joint)
