"""Nuisances: what can be measured of a sample without knowing what it shows. A model should not live on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.data import Dataset
from netlens.explain.chunks import spans

Numbers = Mapping[str, NDArray[np.float64]]
THIRDS = ("low", "middle", "high")
AT_ONCE = 1024


def nuisances(dataset: Dataset) -> dict[str, NDArray[np.float64]]:
    """Measure the nuisances of each sample: one number a sample for each attribute.

    Returns
    -------
    Of images: brightness, contrast, area (the share of pixels that stand out from the border), sharpness, and where they have
    colours, colourfulness. Of texts: words, and letters a word. Of the rows of a table: missing and zero entries.
    """
    measure = {"image": of_images, "text": of_texts, "table": of_rows}[dataset.modality]
    parts = [measure(np.asarray(dataset.raw[np.arange(part.start, part.stop)])) for part in spans(len(dataset), AT_ONCE)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def of_images(raw: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Nuisances of images (N, H, W) or (N, H, W, C), in shares of the full range."""
    pixels = raw.astype(np.float64) / 255
    grey = pixels if pixels.ndim == 3 else pixels.mean(3)
    around = np.median(border(grey), axis=1)
    steps = np.abs(np.diff(grey, axis=1)).mean((1, 2)) + np.abs(np.diff(grey, axis=2)).mean((1, 2))
    found = {
        "brightness": grey.mean((1, 2)),
        "contrast": grey.std((1, 2)),
        "area": (np.abs(grey - around[:, None, None]) > 0.25).mean((1, 2)),
        "sharpness": steps,
    }
    if pixels.ndim == 4 and pixels.shape[3] == 3:
        found["colourfulness"] = (pixels.max(3) - pixels.min(3)).mean((1, 2))
    return found


def border(grey: NDArray[np.float64]) -> NDArray[np.float64]:
    """The outermost pixels of images (N, H, W), as (N, pixels)."""
    sides = (grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1])
    return np.concatenate(sides, axis=1)


def of_texts(raw: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Nuisances of texts (N,)."""
    words = np.array([len(text.split()) for text in raw.tolist()], dtype=float)
    letters = np.array([len("".join(text.split())) for text in raw.tolist()], dtype=float)
    return {"words": words, "letters a word": letters / np.maximum(words, 1)}


def of_rows(raw: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Nuisances of rows (N, F)."""
    values = raw.astype(np.float64)
    return {"missing entries": np.isnan(values).sum(1).astype(float), "zero entries": (values == 0).sum(1).astype(float)}


def thirds(numbers: Numbers) -> dict[str, NDArray[np.str_]]:
    """Cut each number into the low, the middle and the high third of its samples; one that hardly varies is left out."""
    found = {}
    for name, values in numbers.items():
        cuts = np.quantile(values, [1 / 3, 2 / 3])
        if values.min() < values.max():
            found[name] = np.asarray(THIRDS)[np.searchsorted(cuts, values, side="left")]
    return found
