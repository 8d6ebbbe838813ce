"""Load a data set by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from netlens.data.catalogue import DATASETS
from netlens.data.dataset import Dataset, Preprocess
from netlens.data.digits import Arrays, digits, mnist, mnist_5k
from netlens.errors import unknown

SPLITS = ("train", "test")
CLASSES = tuple("0123456789")


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
    """
    if name not in DATASETS:
        raise unknown("data", "data set", name, DATASETS)
    if split not in SPLITS:
        raise unknown(f"data set '{name}'", "split", split, SPLITS)
    entry = DATASETS[name]
    raw, labels = _read(name, str(data_root))[split]
    return Dataset(name, split, CLASSES, raw, labels, Preprocess(entry.mean, entry.std), entry.modality)


@cache
def _read(name: str, data_root: str) -> dict[str, Arrays]:
    if name == "mnist":
        return mnist(data_root)
    return {"mnist-5k": mnist_5k, "digits": digits}[name]()
