"""Load a data set by name."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.data.catalogue import DATASETS
from netlens.data.dataset import Dataset, Groups, Samples
from netlens.data.preprocess import Preprocess, Standardise, Transform
from netlens.errors import DataError, unknown

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Part:
    """What a reader found for one split. A `preprocess` of its own goes before the usual one."""

    raw: Samples
    labels: NDArray[np.int64]
    preprocess: Transform | None = None
    features: tuple[str, ...] = ()
    groups: Groups = field(default_factory=dict)
    classes: tuple[str, ...] = ()  # in place of those of the catalogue


def load(name: str, split: str = "test", *, data_root: str | Path = "") -> Dataset:
    """Load one split of a data set.

    Parameters
    ----------
    name : a key of `netlens.data.DATASETS`.
    split : `train` or `test`.
    data_root : the folder that holds downloaded data; empty for `NETLENS_DATA` or the user's cache.

    Raises
    ------
    UsageError : the name or the split is unknown.
    DataError : the data cannot be reached or read.

    Notes
    -----
    Rows of a table are standardised by their training split, unless the reader gives a preprocessing of its own.
    """
    if name not in DATASETS:
        raise unknown("data", "data set", name, DATASETS)
    if split not in SPLITS:
        raise unknown(f"data set '{name}'", "split", split, SPLITS)
    entry = DATASETS[name]
    parts = _read(name, "" if entry.offline else str(data_root))
    if split not in parts:
        raise DataError(f"data set '{name}'", "it has no training data: all of it is held out", expected='the split "test"')
    part = parts[split]
    preprocess = part.preprocess or (
        Standardise.fit(np.asarray(parts["train"].raw)) if entry.modality == "table" else Preprocess(entry.mean, entry.std)
    )
    return Dataset(
        name, split, part.classes or entry.classes, part.raw, part.labels, preprocess, entry.modality, part.features, part.groups
    )


@cache
def _read(name: str, data_root: str) -> dict[str, Part]:
    entry = DATASETS[name]
    where, _, what = entry.reader.partition(":")
    reader: Any = getattr(importlib.import_module(where), what)
    found: dict[str, Any] = reader() if entry.offline else reader(data_root)
    return {split: part if isinstance(part, Part) else Part(*part) for split, part in found.items()}
