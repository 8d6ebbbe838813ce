"""Labels as they stand in a source, names or numbers, turned into positions among the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.errors import DataError, nearest


def class_names(labels: NDArray[Any]) -> tuple[str, ...]:
    """The classes that labels speak of: whole numbers from 0 to the largest, or else the different values, sorted."""
    values = np.unique(labels)
    if values.dtype.kind in "iu" and values[0] == 0:
        return tuple(map(str, range(int(values[-1]) + 1)))
    return tuple(map(str, values.tolist()))


def checked(values: Sequence[Any] | NDArray[Any], operation: str, rows: Sequence[str] | None = None) -> NDArray[Any]:
    """Give labels as whole numbers or as texts.

    Parameters
    ----------
    rows : what errors call each row; by default its number, counted from 0.

    Raises
    ------
    DataError : a label is missing, or is a number that is not whole.
    """
    array = np.asarray(values)
    if array.dtype.kind == "O":
        missing = np.array([value is None or value != value for value in array.tolist()], dtype=bool)
    else:
        missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(len(array), dtype=bool)
    if missing.any():
        where = np.flatnonzero(missing)
        problem = f"{_row(int(where[0]), rows)} has no label" + (f", nor have {len(where) - 1} more" if len(where) > 1 else "")
        raise DataError(operation, problem, expected="a label for each sample")
    if array.dtype.kind == "f":
        broken = np.flatnonzero(array != np.round(array))
        if len(broken):
            problem = f"the label of {_row(int(broken[0]), rows)} is {array[broken[0]]:g}"
            raise DataError(operation, problem, expected="names of classes, or whole numbers; a value to predict is no class")
        return array.astype(np.int64)
    return array.astype(np.int64) if array.dtype.kind in "iub" else np.array([str(value) for value in array.tolist()])


def positions(
    labels: NDArray[Any], classes: Sequence[str], operation: str, rows: Sequence[str] | None = None
) -> NDArray[np.int64]:
    """Number labels by their class: by its name, or where labels are numbers that name no class, by its position.

    Raises
    ------
    DataError : a label is no class.
    """
    places = {name: place for place, name in enumerate(classes)}
    by_name = {value: places.get(str(value)) for value in np.unique(labels).tolist()}
    if labels.dtype.kind == "i" and all(place is None for place in by_name.values()):
        by_name = {value: value if 0 <= value < len(classes) else None for value in by_name}
    wrong = next((value for value, place in by_name.items() if place is None), None)
    if wrong is not None:
        guess = nearest(str(wrong), classes)
        hint = f"Did you mean '{guess}'? " if guess else ""
        at = int(np.flatnonzero(labels == wrong)[0])
        problem = f"the label '{wrong}' of {_row(at, rows)} is none of the {len(classes)} classes"
        known = f"{', '.join(classes[:20])}{', ...' if len(classes) > 20 else ''}"
        raise DataError(operation, problem, remedy=f"{hint}Known: {known}.")
    return np.array([by_name[value] for value in labels.tolist()], dtype=np.int64)


def _row(at: int, rows: Sequence[str] | None) -> str:
    return f"'{rows[at]}'" if rows else f"row {at}"
