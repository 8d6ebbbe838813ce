"""Inputs that belong to no class: does the model notice, or is it as sure as ever?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.behaviour.answers import probabilities
from netlens.behaviour.auroc import Auroc, auroc
from netlens.behaviour.intervals import Rate, wilson
from netlens.data import Batch
from netlens.errors import DataError
from netlens.models.model import Model

SURE = 0.9
KINDS = ("noise", "shuffled pixels", "shuffled patches", "foreign images")


@dataclass(frozen=True)
class Unfamiliar:
    """What a model makes of one `kind` of junk.

    `sure` : the share answered with a probability above 0.9. `apart` : how well confidence tells familiar from junk inputs.
    `confidence` (N,) : of the junk; `familiar` (M,) : of the real samples.
    """

    kind: str
    sure: Rate
    apart: Auroc
    confidence: NDArray[np.float64]
    familiar: NDArray[np.float64]


def unfamiliar(
    model: Model,
    batch: Batch,
    *,
    familiar: NDArray[np.float64] | None = None,
    preprocess: Callable[[NDArray[Any]], torch.Tensor] | None = None,
    seed: int = 0,
) -> tuple[Unfamiliar, ...]:
    """Show the model junk made from, or beside, the images of a batch.

    Parameters
    ----------
    familiar : (M,) the confidence on real samples, if it is known; of the batch without it.

    Notes
    -----
    Cost: four forward passes an image.

    References
    ----------
    Hendrycks and Gimpel 2017, arXiv:1610.02136, for the largest probability as a signal; Nguyen, Yosinski and Clune 2015,
    arXiv:1412.1897, for confident answers to junk.
    """
    known = probabilities(model, batch.raw, preprocess).max(1) if familiar is None else familiar
    found = []
    for kind in KINDS:
        confidence = probabilities(model, junk(batch.raw, kind, seed), preprocess).max(1)
        sure = wilson(int((confidence > SURE).sum()), len(confidence))
        found.append(Unfamiliar(kind, sure, auroc(known, confidence), confidence, known))
    return tuple(found)


def junk(raw: NDArray[Any], kind: str, seed: int = 0) -> NDArray[np.uint8]:
    """Make as many images of one of `KINDS` as there are in `raw`, of the same shape.

    Raises
    ------
    DataError : the samples are no 8-bit images.
    """
    if raw.dtype != np.uint8 or raw.ndim not in (3, 4):
        raise DataError("unfamiliar inputs", f"the samples are {raw.dtype} shaped {raw.shape}", expected="8-bit images")
    draw = np.random.default_rng([seed, KINDS.index(kind)])
    if kind == "noise":
        return draw.integers(0, 256, raw.shape, dtype=np.uint8)
    if kind == "shuffled pixels":
        return _shuffled(raw, 1, draw)
    if kind == "shuffled patches":
        return _shuffled(raw, max(2, min(raw.shape[1:3]) // 4), draw)
    return foreign(raw.shape, draw)


def _shuffled(raw: NDArray[np.uint8], size: int, draw: np.random.Generator) -> NDArray[np.uint8]:
    """Put the squares of `size` pixels of each image in a random order; what does not fill a square stays where it is."""
    rows, columns = raw.shape[1] // size, raw.shape[2] // size
    inner = raw[:, : rows * size, : columns * size]
    rest = raw.shape[3:]
    cells = (
        inner.reshape(len(raw), rows, size, columns, size, *rest)
        .swapaxes(2, 3)
        .reshape(len(raw), rows * columns, size, size, *rest)
    )
    order = draw.permuted(np.tile(np.arange(rows * columns), (len(raw), 1)), axis=1)
    mixed = cells[np.arange(len(raw))[:, None], order].reshape(len(raw), rows, columns, size, size, *rest).swapaxes(2, 3)
    out = raw.copy()
    out[:, : rows * size, : columns * size] = mixed.reshape(inner.shape)
    return out


def foreign(shape: tuple[int, ...], draw: np.random.Generator) -> NDArray[np.uint8]:
    """Images of another world: cuttings of two photographs for grey data, handwritten digits for colours."""
    from sklearn.datasets import load_digits, load_sample_images

    height, width = shape[1:3]
    if len(shape) == 4 and shape[3] == 3:
        digits = np.round(load_digits().images * (255 / 16)).astype(np.uint8)
        rows, columns = (np.arange(side) * 8 // side for side in (height, width))
        picked = digits[draw.integers(0, len(digits), shape[0])][:, rows][:, :, columns]
        return np.repeat(picked[..., None], 3, axis=3)
    photographs = [np.asarray(image).mean(2).astype(np.uint8) for image in load_sample_images().images]
    out = np.empty(shape[:3], dtype=np.uint8)
    for place in range(shape[0]):
        photograph = photographs[int(draw.integers(len(photographs)))]
        side = int(draw.integers(min(60, *photograph.shape), min(photograph.shape)))
        top, left = (int(draw.integers(0, size - side + 1)) for size in photograph.shape)
        rows, columns = (np.arange(count) * side // count for count in (height, width))
        out[place] = photograph[top : top + side, left : left + side][rows][:, columns]
    return out if len(shape) == 3 else np.repeat(out[..., None], shape[3], axis=3)
