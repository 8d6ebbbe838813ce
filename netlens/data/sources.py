"""The sources that a card may name: a kind and a place, such as `folder:images`, and who reads each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netlens.data.arrays import arrays
from netlens.data.dataset import Modality
from netlens.data.folder import images_by_class, split_folder
from netlens.data.found import Asked, Found
from netlens.data.frames import column, read_frame
from netlens.data.groups import PATH, from_columns
from netlens.data.images import ImageFiles
from netlens.data.labels import checked
from netlens.data.objects import from_callable
from netlens.data.rows import LABEL, numbers
from netlens.errors import DataError, unknown

if TYPE_CHECKING:
    import pandas as pd

TEXT = ("text", "sentence", "review", "document")


def read(asked: Asked, kind: str) -> Found | None:
    """Read a split of a source of a kind; None where the source has no such split.

    Raises
    ------
    DataError : it cannot be read.
    """
    return READERS[kind](asked)


def parted(source: str, known: Sequence[str], operation: str) -> tuple[str, str]:
    """Take a source apart into its kind and its place; the kind of a registered name is empty, that of a callable `callable`.

    Raises
    ------
    DataError : there is no such kind and no such name.
    """
    kind, mark, place = source.partition(":")
    if not mark:
        if source in known:
            return "", source
        choices = [*known, *(f"{one}:PATH" for one in READERS if one != "callable"), "file.py:callable"]
        raise unknown(operation, "data set", source, choices, DataError)
    if kind in READERS and kind != "callable":
        if not place:
            raise DataError(operation, f"the source '{source}' names no place", expected=f"{kind}:PATH")
        return kind, place
    if kind.endswith(".py") or "." in kind or "/" in kind:
        return "callable", source
    raise unknown(operation, "kind of source", kind, [*(one for one in READERS if one != "callable"), "file.py"], DataError)


def _folder(asked: Asked) -> Found | None:
    home = split_folder(asked.path, asked.split, asked.operation)
    if asked.split == "train" and home == asked.path and not asked.card.data.train:
        return None  # it is not divided: all of it is held out
    said = asked.card.data
    paths, labels = images_by_class(home, asked.classes, asked.operation)
    names = tuple(path.relative_to(asked.path).as_posix() for path in paths)
    return Found(_images(paths, asked), np.array(labels), said.modality or "image", names=names)


def _images(paths: Sequence[Path], asked: Asked) -> ImageFiles:
    said = asked.card.data
    size = (said.size[0], said.size[1]) if said.size else None
    return ImageFiles(tuple(paths), asked.operation, asked.channels, size, said.resize)


def _frame(asked: Asked) -> Found | None:
    if asked.split == "train" and not asked.card.data.train:
        return None
    said = asked.card.data
    frame = read_frame(asked.path, asked.operation, separator=said.separator, encoding=said.encoding)
    label = column(frame, said.label, LABEL, "labels", asked.operation)
    labels = checked(_labels(frame[label]), asked.operation)
    groups = from_columns(frame, asked.attributes, asked.operation)
    modality = said.modality or _modality(frame, asked)
    if modality == "image":
        name = column(frame, said.image, PATH, "paths of images", asked.operation)
        paths = _paths(frame[name].tolist(), asked)
        return Found(_images(paths, asked), labels, modality, names=tuple(map(str, frame[name])), groups=groups)
    if modality == "text":
        name = column(frame, said.text, TEXT, "texts", asked.operation)
        return Found(_texts(frame[name].tolist(), name, asked.operation), labels, modality, groups=groups)
    features = said.features or [str(name) for name in frame.columns if name != label and name not in groups]
    if not features:
        raise DataError(asked.operation, f"'{asked.path}' has no column besides the labels", expected="a column for each feature")
    return Found(numbers(frame, features, asked.operation), labels, modality, tuple(features), groups=groups)


def _labels(values: pd.Series[Any]) -> NDArray[Any]:
    """The labels of a table; blanks around a name are none of it."""
    if values.isna().any():
        return values.astype(object).where(values.notna(), None).to_numpy()
    plain: NDArray[Any] = values.to_numpy()
    if plain.dtype.kind != "O":
        return plain
    return np.asarray(values.map(lambda value: value.strip() if isinstance(value, str) else value), dtype=object)


def _modality(frame: pd.DataFrame, asked: Asked) -> Modality:
    """What a sample is: what the card names a column of, or else what the columns are called."""
    said, names = asked.card.data, {str(name).lower() for name in frame.columns}
    if said.image or said.text or said.features:
        return "image" if said.image else "text" if said.text else "table"
    return "image" if names & set(PATH) else "text" if names & set(TEXT) else "table"


def _paths(names: Sequence[object], asked: Asked) -> list[Path]:
    """Where the images of a CSV are: a relative path starts at the CSV, and may not lead out of the card's folder."""
    empty = next((row for row, name in enumerate(names) if not isinstance(name, str) or not name.strip()), None)
    if empty is not None:
        raise DataError(asked.operation, f"row {empty} has no path of an image", expected="a path in each row")
    paths = [asked.card.place(str(asked.path.parent / str(name).strip())) for name in names]
    missing = next((path for path in paths if not path.is_file()), None)
    if missing:
        raise DataError(asked.operation, f"the image '{missing}' does not exist", remedy="Paths in a CSV start at the CSV.")
    return paths


def _texts(values: Sequence[object], name: str, operation: str) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
    empty = next((row for row, value in enumerate(values) if not isinstance(value, str) or not value.strip()), None)
    if empty is not None:
        raise DataError(operation, f"the column '{name}' has no text in row {empty}", expected="a text in each row")
    return np.array(values, dtype=np.str_)


def _of(modality: Modality) -> Callable[[Asked], Found | None]:
    """A reader of frames whose modality the source names."""

    def reader(asked: Asked) -> Found | None:
        said = asked.card.data
        if said.modality not in ("", modality):
            problem = f"the source says {modality}, and [data] modality says {said.modality}"
            raise DataError(asked.operation, problem, expected="one of the two")
        data = said.model_copy(update={"modality": modality})
        return _frame(Asked(asked.card.model_copy(update={"data": data}), asked.place, asked.split, asked.operation))

    return reader


READERS: dict[str, Callable[[Asked], Found | None]] = {
    "folder": _folder,
    "csv": _frame,
    "parquet": _frame,
    "jsonl": _frame,
    "npz": arrays,
    "table": _of("table"),
    "text": _of("text"),
    "callable": from_callable,
}
