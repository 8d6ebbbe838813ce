"""Disturbed images: how much of its accuracy a model keeps under noise, blur and poor light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.answers import right
from netlens.behaviour.paired import Paired, paired
from netlens.data import Batch
from netlens.errors import DataError, unknown
from netlens.explain.chunks import spans
from netlens.models.model import Model

Images = NDArray[np.uint8]
AT_ONCE = 256
SEVERITIES = 3
LEGIBLE = 28
LARGE = 64
GRAINY = ("noise", "speckle")


@dataclass(frozen=True)
class Corruption:
    """Accuracy under one `kind` of disturbance: `by_severity` holds the comparison with the clean images for severity 1, 2, 3."""

    kind: str
    by_severity: tuple[Paired, ...]

    @property
    def worst(self) -> Paired:
        """The comparison at the highest severity."""
        return self.by_severity[-1]


def corruptions(
    model: Model,
    batch: Batch,
    *,
    kinds: tuple[str, ...] = (),
    clean: NDArray[np.bool_] | None = None,
    preprocess: Callable[[NDArray[Any]], Any] | None = None,
    seed: int = 0,
) -> tuple[Corruption, ...]:
    """Measure accuracy on disturbed copies of the same images.

    Parameters
    ----------
    kinds : some of `CORRUPTIONS`; all without it. clean : (N,) whether each answer to the clean images is right, if it is known.

    Raises
    ------
    DataError : the samples are no 8-bit images.
    UsageError : a kind is unknown.

    Notes
    -----
    Images are disturbed in pixels, before they are normalised, and rounded to 8 bits as a camera would. Cost: one forward pass for each
    image, kind and severity, and one for each clean image.

    References
    ----------
    Hendrycks and Dietterich 2019, arXiv:1903.12261. Of its fifteen kinds six that also suit small and grey images, as strong as in
    CIFAR-10-C; grain is twice as strong for sides above 64 pixels, as in ImageNet-C.
    """
    for kind in kinds:
        if kind not in CORRUPTIONS:
            raise unknown("corruptions", "corruption", kind, CORRUPTIONS)
    labels = batch.labels.numpy()
    before = right(model, batch.raw, labels, preprocess) if clean is None else clean
    found = []
    for kind in kinds or tuple(CORRUPTIONS):
        after = [
            right(model, corrupt(batch.raw, kind, severity, seed), labels, preprocess) for severity in range(1, SEVERITIES + 1)
        ]
        found.append(Corruption(kind, tuple(paired(before, one) for one in after)))
    return tuple(found)


def corrupt(raw: NDArray[Any], kind: str, severity: int, seed: int = 0) -> Images:
    """Disturb images (N, H, W) or (N, H, W, C), uint8, by one of `CORRUPTIONS`, at severity 1, 2 or 3.

    Raises
    ------
    DataError : the samples are no 8-bit images.
    UsageError : the kind or the severity is unknown.
    """
    if kind not in CORRUPTIONS:
        raise unknown("corruptions", "corruption", kind, CORRUPTIONS)
    if severity not in range(1, SEVERITIES + 1):
        raise unknown("corruptions", "severity", str(severity), [str(one) for one in range(1, SEVERITIES + 1)])
    if raw.dtype != np.uint8 or raw.ndim not in (3, 4):
        raise DataError("corruptions", f"the samples are {raw.dtype} shaped {raw.shape}", expected="8-bit images")
    disturb, strengths = CORRUPTIONS[kind]
    strength = strengths[severity - 1] * (2 if kind in GRAINY and min(raw.shape[1:3]) > LARGE else 1)
    draw, out = np.random.default_rng([seed, severity]), np.empty_like(raw)
    for part in spans(len(raw), AT_ONCE):
        pixels: Pixels = (raw[part] / np.float32(255)).astype(np.float32)
        disturbed: Pixels = disturb(pixels, strength, draw)
        out[part] = np.round(np.clip(disturbed, 0, 1) * 255)
    return out


Pixels = NDArray[np.float32]


def noise(pixels: Pixels, deviation: float, draw: np.random.Generator) -> Pixels:
    """Add a normal random number to every value: a sensor in the dark."""
    return pixels + np.float32(deviation) * draw.standard_normal(pixels.shape, dtype=np.float32)


def speckle(pixels: Pixels, share: float, draw: np.random.Generator) -> Pixels:
    """Set a share of the pixels to black or white: broken pixels and bits."""
    hit = draw.random(pixels.shape[:3], dtype=np.float32)
    shaped = hit if pixels.ndim == 3 else hit[..., None]
    found = pixels.copy()
    found[np.broadcast_to(shaped < share / 2, pixels.shape)] = 0
    found[np.broadcast_to(shaped > 1 - share / 2, pixels.shape)] = 1
    return found


def blur(pixels: Pixels, strength: float, _draw: np.random.Generator) -> Pixels:
    """Blur by a Gaussian; its width grows with the root of the image's side, so that small images stay legible as long."""
    from scipy.ndimage import gaussian_filter

    width = strength * min(pixels.shape[1:3]) ** 0.5
    return np.asarray(gaussian_filter(pixels, (0, width, width) + (0,) * (pixels.ndim - 3), truncate=3), dtype=np.float32)


def brightness(pixels: Pixels, more: float, _draw: np.random.Generator) -> Pixels:
    """Add the same to every value: too much light."""
    return pixels + np.float32(more)


def contrast(pixels: Pixels, keep: float, _draw: np.random.Generator) -> Pixels:
    """Draw every value towards the mean of its image: fog, a bad print."""
    mean = pixels.mean(tuple(range(1, pixels.ndim)), keepdims=True)
    faded: Pixels = mean + np.float32(keep) * (pixels - mean)
    return faded


def coarse(pixels: Pixels, keep: float, _draw: np.random.Generator) -> Pixels:
    """Shrink each image to a share of its size by averaging, and enlarge it again: too few pixels.

    Images with sides below 28 pixels, which have few to lose, are shrunk less.
    """
    for axis, side in enumerate(pixels.shape[1:3], start=1):
        fewer = max(2, round(side * (1 - (1 - keep) * min(1.0, side / LEGIBLE))))
        weights = _averaging(side, fewer)
        back = (2 * np.arange(side) + 1) * fewer // (2 * side)
        pixels = np.moveaxis(np.tensordot(pixels, weights[back], axes=(axis, 1)), -1, axis)
    return pixels


def _averaging(side: int, fewer: int) -> Pixels:
    """(fewer, side): the share that each of `side` pixels has in each of `fewer` larger ones."""
    edges = np.linspace(0, side, fewer + 1)
    starts, ends = edges[:-1, None], edges[1:, None]
    overlap = np.clip(np.minimum(ends, np.arange(1, side + 1)) - np.maximum(starts, np.arange(side)), 0, None)
    weights: Pixels = (overlap / overlap.sum(1, keepdims=True)).astype(np.float32)
    return weights


CORRUPTIONS: dict[str, tuple[Callable[[Pixels, float, np.random.Generator], Pixels], tuple[float, ...]]] = {
    "noise": (noise, (0.04, 0.07, 0.1)),
    "speckle": (speckle, (0.02, 0.04, 0.07)),
    "blur": (blur, (0.09, 0.135, 0.18)),
    "brightness": (brightness, (0.1, 0.2, 0.3)),
    "contrast": (contrast, (0.6, 0.4, 0.25)),
    "coarse pixels": (coarse, (0.8, 0.65, 0.5)),
}
