"""Arrays in an .npz file: images, texts or rows of a table, with their labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
from numpy.typing import NDArray

from netlens.data.dataset import Modality
from netlens.data.found import Asked, Found
from netlens.data.labels import checked
from netlens.errors import DataError

SAMPLES = ("raw", "images", "texts", "x", "data", "inputs", "X")
LABELS = ("labels", "label", "y", "targets", "target")
LARGEST = 8 * 2**30  # bytes, unpacked


def arrays(asked: Asked) -> Found | None:
    """Read samples and labels: `x` and `y`, or one pair a split such as `x_train` and `x_test`.

    Returns
    -------
    None for the training split of a file that holds one pair, for that is all held out.

    Raises
    ------
    DataError : the file is damaged or too large, holds no such arrays, or arrays of the wrong kind.
    """
    said, operation = asked.card.data, asked.operation
    held = _load(asked.path, operation)
    both = any(f"{name}_train" in held for name in SAMPLES)
    if asked.split == "train" and not both and not said.train:
        return None
    ending = f"_{asked.split}" if both else ""
    raw = _pick(held, said.image or said.text, [name + ending for name in SAMPLES], "samples", operation)
    labels = _pick(held, said.label, [name + ending for name in LABELS], "labels", operation)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or len(raw) != len(labels):
        problem = f"there are samples shaped {raw.shape} and labels shaped {labels.shape}"
        raise DataError(operation, problem, expected="one label for each sample")
    groups = {name: _group(held, name, len(labels), operation) for name in asked.attributes}
    modality = _modality(raw, said.modality, operation)
    features = tuple(said.features or _names(held, raw)) if modality == "table" else ()
    if modality == "table" and not np.isfinite(raw).all():
        raise DataError(operation, "the table holds NaN or infinite values", expected="a finite number in each cell")
    samples = raw.astype(np.float64) if modality == "table" else raw
    return Found(samples, checked(labels, operation), modality, features, groups=groups)


def _load(path: Path, operation: str) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise DataError(operation, f"the file '{path}' does not exist", remedy="Paths in a card start at the card.")
    try:
        with ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > LARGEST:
            problem = f"'{path}' unpacks to {size / 2**30:,.0f} GiB"
            raise DataError(
                operation, problem, expected=f"at most {LARGEST >> 30} GiB", remedy="Use a folder of images, or Parquet."
            )
        with np.load(path, allow_pickle=False) as held:
            return {name: held[name] for name in held.files}
    except (OSError, ValueError, BadZipFile, EOFError, KeyError) as error:
        problem = (
            f"'{path}' cannot be read as .npz ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'damaged'})"
        )
        raise DataError(operation, problem, expected="arrays of numbers or texts, as numpy.savez writes them") from error


def _pick(held: dict[str, NDArray[Any]], asked: str, usual: list[str], what: str, operation: str) -> NDArray[Any]:
    name = next((name for name in ([asked] if asked else usual) if name in held), None)
    if name is None:
        expected = f"'{asked}'" if asked else f"an array called {' or '.join(usual[:3])}"
        raise DataError(operation, f"it holds no {what}; its arrays are {', '.join(held) or 'none'}", expected=expected)
    return held[name]


def _modality(raw: NDArray[Any], said: str, operation: str) -> Modality:
    kind, shape = raw.dtype.kind, raw.shape
    if kind in "UT" and raw.ndim == 1 and said in ("", "text"):
        return "text"
    if kind in "iufb" and raw.ndim == 2 and said in ("", "table"):
        return "table"
    if raw.dtype == np.uint8 and said in ("", "image") and (raw.ndim == 3 or (raw.ndim == 4 and shape[3] in (1, 3))):
        return "image"
    remedy = ""
    if raw.ndim == 4 and shape[1] in (1, 3):
        remedy = "Bring the channels to the end: raw.transpose(0, 2, 3, 1)."
    elif raw.ndim in (3, 4) and kind == "f":
        remedy = "Scale to 0..255, round, and save as uint8. The network's own preprocessing follows."
    expected = "images (N, H, W) or (N, H, W, C) of uint8, texts (N,), or a table (N, F)"
    found = f"the samples are {raw.dtype} shaped {shape}" + (f", and the card says {said}" if said else "")
    raise DataError(operation, found, expected=expected, remedy=remedy)


def _names(held: dict[str, NDArray[Any]], raw: NDArray[Any]) -> list[str]:
    named = held.get("features", held.get("feature_names", np.array([])))
    return [str(name) for name in named] if len(named) else [f"column {place + 1}" for place in range(raw.shape[1])]


def _group(held: dict[str, NDArray[Any]], name: str, samples: int, operation: str) -> NDArray[np.str_]:
    values = _pick(held, name, [], f"groups '{name}'", operation)
    if values.shape != (samples,):
        raise DataError(operation, f"the groups '{name}' are shaped {values.shape}", expected=f"({samples},)")
    return values.astype(np.str_)
