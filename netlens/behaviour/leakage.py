"""Test samples that are also, or almost, training samples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.behaviour.intervals import Rate, wilson
from netlens.data import Dataset
from netlens.errors import ShapeError
from netlens.explain.chunks import spans

NEAR = 0.5  # of the distance at which samples of one class usually lie from each other; nearer where chance demands it
FALSE = 0.05  # pairs that chance alone may give in one search
PROBES = 1000  # training points that show how near chance brings two of them
SIDE = 32  # larger images are compared at this size
ROWS = 512


@dataclass(frozen=True)
class Leakage:
    """Pairs of a test sample and a training sample that are too much alike.

    `copies` : the share of test samples that are training samples, byte for byte; `near` : those that are almost. `copied`, `alike`
    (pairs, 2) : positions in the test and in the training split. `distance` : of each alike pair, as a share of the usual one.
    """

    copies: Rate
    near: Rate
    copied: NDArray[np.int64]
    alike: NDArray[np.int64]
    distance: NDArray[np.float64]


def leakage(train: Dataset, test: Dataset) -> Leakage:
    """Look for test samples that are in the training split, exactly or almost.

    Notes
    -----
    Texts are compared exactly, and without case, punctuation and white space. Images and tables are compared by distance, see
    `neighbours`. No pass through a network.
    """
    seen: dict[bytes, int] = {}
    for place, digest in enumerate(_digests(train)):
        seen.setdefault(digest, place)
    copied = [(place, seen[digest]) for place, digest in enumerate(_digests(test)) if digest in seen]
    exact = np.array(copied, dtype=np.int64).reshape(-1, 2)
    if test.modality == "text":
        alike, distance = _same_words(train, test)
    else:
        alike, distance = neighbours(_points(train), train.labels, _points(test))
    fresh = ~np.isin(alike[:, 0], exact[:, 0])
    alike, distance = alike[fresh], distance[fresh]
    n = len(test)
    return Leakage(wilson(len(exact), n), wilson(len(alike), n), exact, alike, distance)


def neighbours(
    train: NDArray[np.float32], labels: NDArray[np.int64], test: NDArray[np.float32], near: float = NEAR
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find test points (N, F) that lie suspiciously near a training point (M, F), nearest first.

    The yardstick of a training point is the distance to its own nearest neighbour, kept between half and all of what is usual (the
    median) in its class: classes differ, and handwritten ones lie four times as near to each other as eights. A pair is suspicious below
    the share `near` of it, and only where chance would hardly bring any two so near, which in a table of few columns it often does.

    Returns
    -------
    Pairs (test, train), and each distance as a share of the yardstick.
    """
    if len(train) < 2 or train.shape[1] != test.shape[1]:
        problem = f"there are training points {train.shape} and test points {test.shape}"
        raise ShapeError("leakage", problem, expected="at least two training points, and as many values of each point")
    yardstick = _yardstick(train, labels)
    distance, place = _nearest(test, train)
    share = _shares(distance, yardstick[place])
    found = np.flatnonzero(share < min(near, _chance(train, labels, len(test))))
    order = found[np.argsort(share[found], kind="stable")]
    return np.stack([order, place[order]], 1), share[order]


def _yardstick(train: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    own, _ = _nearest(train, train, skip_self=True)
    usual = np.zeros(len(train))
    for label in np.unique(labels):
        usual[labels == label] = np.median(own[labels == label])
    return np.clip(own, usual / 2, usual)


def _shares(distance: NDArray[np.float64], yardstick: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.full(len(distance), np.inf)
    share[yardstick > 0] = distance[yardstick > 0] / yardstick[yardstick > 0]
    share[distance == 0] = 0
    return share


def _chance(train: NDArray[np.float32], labels: NDArray[np.int64], n: int) -> float:
    """The share of the yardstick below which chance alone puts `FALSE` of `n` points.

    Training points that were set aside are measured against the others. The chance of a share below r falls like a power of r, by the
    number of directions that the data fill; the power is read off two quantiles that a few copies among the training points do not move.
    """
    order = np.random.default_rng(0).permutation(len(train))
    probes, rest = order[: min(PROBES, len(train) // 4)], order[min(PROBES, len(train) // 4) :]
    if len(probes) < 50:
        return NEAR
    distance, place = _nearest(train[probes], train[rest])
    shares = _shares(distance, _yardstick(train[rest], labels[rest])[place])
    low, middle = np.quantile(shares, [0.05, 0.25])
    if not 0 < low < middle < np.inf:
        return NEAR
    power = np.log(5) / np.log(middle / low)
    return float(low * (FALSE / n / 0.05) ** (1 / power))


def _nearest(
    points: NDArray[np.float32], others: NDArray[np.float32], skip_self: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    left, right = torch.from_numpy(points), torch.from_numpy(others)
    distances, places = np.empty(len(points)), np.empty(len(points), dtype=np.int64)
    for part in spans(len(points), ROWS):
        apart = torch.cdist(left[part], right)
        if skip_self:
            rows = torch.arange(part.stop - part.start)
            apart[rows, rows + part.start] = torch.inf
        value, place = apart.min(1)
        distances[part], places[part] = value.numpy(), place.numpy()
    return distances, places


def _points(dataset: Dataset) -> NDArray[np.float32]:
    """Each sample as a vector: the pixels of an image at 32 x 32 at most, the inputs of a table's row."""
    parts = []
    for part in spans(len(dataset), ROWS):
        raw = np.asarray(dataset.raw[np.arange(part.start, part.stop)])
        if dataset.modality == "table":
            parts.append(dataset.preprocess(raw).numpy().reshape(len(raw), -1).astype(np.float32))
            continue
        images = torch.from_numpy(raw.astype(np.float32) / 255)
        images = images.unsqueeze(1) if raw.ndim == 3 else images.movedim(-1, 1)
        sides = (min(images.shape[2], SIDE), min(images.shape[3], SIDE))
        parts.append(torch.nn.functional.adaptive_avg_pool2d(images, sides).flatten(1).numpy())
    return np.concatenate(parts)


def _digests(dataset: Dataset) -> Iterator[bytes]:
    for part in spans(len(dataset), ROWS):
        for sample in np.asarray(dataset.raw[np.arange(part.start, part.stop)]):
            yield hashlib.sha256(_bytes(sample)).digest()


def _bytes(sample: Any) -> bytes:
    return sample.encode() if isinstance(sample, str) else np.ascontiguousarray(sample).tobytes()


def _same_words(train: Dataset, test: Dataset) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    seen: dict[str, int] = {}
    for place, text in enumerate(train.raw):
        seen.setdefault(_letters(str(text)), place)
    pairs = [(place, seen[key]) for place, text in enumerate(test.raw) if (key := _letters(str(text))) in seen]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2), np.zeros(len(pairs))


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())
