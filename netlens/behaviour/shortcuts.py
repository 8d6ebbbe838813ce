"""Could a model get its answers from nuisances? How much of the labels they tell, and how much of the relevance lies at the border."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.intervals import Rate, wilson
from netlens.behaviour.unpaired import Unpaired, unpaired, wider
from netlens.errors import ShapeError

FOLDS = 4
ENOUGH = 10
BORDER = 0.125


@dataclass(frozen=True)
class Told:
    """How well one nuisance tells the labels.

    `accuracy` : of the best guess from it, on samples that the guess was not made from. `score` : the way from always answering the
    commonest class (0) to always being right (1), with its interval. `clearest` : the class that is guessed best, and `found` how much
    oftener it is guessed for its own samples than for others, the interval widened for the number of classes.
    """

    nuisance: str
    accuracy: Rate
    score: float
    low: float
    high: float
    clearest: int
    found: Unpaired


def told_by(
    numbers: Mapping[str, NDArray[np.float64]], labels: NDArray[np.int64], *, bins: int = 10, seed: int = 0
) -> tuple[Told, ...]:
    """Measure how well each nuisance tells the label, the one that tells most first.

    Parameters
    ----------
    numbers : one value a sample for each nuisance. labels : (N,).
    bins : the values are cut into so many bins of equal count; in each the commonest label of the training folds is guessed.

    Raises
    ------
    ShapeError : the shapes differ, or there are fewer samples than folds.

    Notes
    -----
    Four-fold cross-validation. No pass through a network.
    """
    labels = np.asarray(labels)
    wrong = [name for name, values in numbers.items() if len(values) != len(labels)]
    if wrong or len(labels) < FOLDS:
        problem = f"there are {len(labels)} labels" + (f", and another number of values of '{wrong[0]}'" if wrong else "")
        raise ShapeError("shortcuts", problem, expected=f"one value for each of at least {FOLDS} samples")
    order = np.random.default_rng(seed).permutation(len(labels))
    folds = [order[start:end] for start, end in pairwise(np.linspace(0, len(labels), FOLDS + 1).astype(int))]
    majority = float(np.bincount(labels).max() / len(labels))
    found = []
    for name, values in numbers.items():
        guesses = np.empty_like(labels)
        for fold in folds:
            guesses[fold] = _guess(values, labels, fold, bins)
        rate = wilson(int((guesses == labels).sum()), len(labels))
        shares = (rate.value, rate.low, rate.high)
        score, low, high = ((share - majority) / (1 - majority) if majority < 1 else 0.0 for share in shares)
        apart = recognised(guesses, labels)
        clearest = max(apart, key=lambda label: apart[label].low, default=0)
        found.append(Told(name, rate, score, low, high, clearest, apart.get(clearest, unpaired(0, 0, 0, 0))))
    return tuple(sorted(found, key=lambda one: -one.score))


def recognised(answers: NDArray[np.int64], labels: NDArray[np.int64], enough: int = ENOUGH) -> dict[int, Unpaired]:
    """For each class, how much oftener it is answered for its own samples than for others; intervals widened for the number of classes.

    Classes with fewer than `enough` samples are left out.
    """
    judged = [int(label) for label in np.unique(labels) if min((labels == label).sum(), (labels != label).sum()) >= enough]
    z = wider(len(judged))
    return {
        label: unpaired(
            int(((answers == label) & (labels == label)).sum()),
            int((labels == label).sum()),
            int(((answers == label) & (labels != label)).sum()),
            int((labels != label).sum()),
            z,
        )
        for label in judged
    }


def _guess(values: NDArray[np.float64], labels: NDArray[np.int64], fold: NDArray[np.int64], bins: int) -> NDArray[np.int64]:
    """Guess the labels of a fold from the other folds."""
    rest = np.ones(len(labels), dtype=bool)
    rest[fold] = False
    cuts = np.unique(np.quantile(values[rest], np.linspace(0, 1, bins + 1)[1:-1]))
    counts = np.zeros((len(cuts) + 1, int(labels.max()) + 1))
    np.add.at(counts, (np.searchsorted(cuts, values[rest]), labels[rest]), 1)
    counts += np.bincount(labels[rest], minlength=counts.shape[1]) / (10 * len(labels))  # an empty bin guesses the commonest
    guess: NDArray[np.int64] = counts.argmax(1)[np.searchsorted(cuts, values[fold])]
    return guess


def of_corners(raw: NDArray[Any], share: float = BORDER) -> dict[str, NDArray[np.float64]]:
    """The brightness of the four corners and of the rim of images (N, H, W[, C]): where no object should be."""
    grey = raw.astype(np.float64) / 255
    grey = grey if grey.ndim == 3 else grey.mean(3)
    rows, columns = (max(1, round(share * side)) for side in grey.shape[1:])
    top, bottom, left, right = slice(0, rows), slice(-rows, None), slice(0, columns), slice(-columns, None)
    corners = {
        "upper left corner": (top, left),
        "upper right corner": (top, right),
        "lower left corner": (bottom, left),
        "lower right corner": (bottom, right),
    }
    found = {name: grey[:, down, across].mean((1, 2)) for name, (down, across) in corners.items()}
    found["rim"] = grey[:, rim(grey.shape[1], grey.shape[2], share)].mean(1)
    return found


def rim(height: int, width: int, share: float = BORDER) -> NDArray[np.bool_]:
    """The places (H, W) of an image that lie within `share` of a side of its edge."""
    rows, columns = (max(1, round(share * side)) for side in (height, width))
    inside = np.zeros((height, width), dtype=bool)
    inside[rows : height - rows, columns : width - columns] = True
    return ~inside


def border_relevance(values: NDArray[np.floating], share: float = BORDER) -> NDArray[np.float64]:
    """The share of the relevance of each map, (N, H, W) or (N, C, H, W), that lies on the rim; NaN for a map of zeros.

    Notes
    -----
    Relevance without its sign. Compare with the share of the pixels that the rim has, `rim(H, W).mean()`.
    """
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    sizes = sizes.sum(1) if sizes.ndim == 4 else sizes
    if sizes.ndim != 3 or len(sizes) == 0:
        raise ShapeError("border relevance", f"the maps are shaped {np.shape(values)}", expected="(N, H, W) or (N, C, H, W)")
    total = sizes.sum((1, 2))
    on_rim = sizes[:, rim(sizes.shape[1], sizes.shape[2], share)].sum(1)
    found = np.full(len(sizes), np.nan)
    found[total > 0] = on_rim[total > 0] / total[total > 0]
    return found
