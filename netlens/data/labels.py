"""Labels as they stand in a source, names or numbers, turned into positions among the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.errors import DataError, nearest

EXPECTED = "one label a sample: the name of its class, or a whole number"
MOST = 100_000  # classes; whole numbers beyond are years, identities or amounts


def class_names(labels: NDArray[Any], operation: str) -> tuple[str, ...]:
    """The classes that labels speak of: whole numbers from 0 to the largest, or else the different values, sorted.

    Raises
    ------
    DataError : a label is too large a number for the place of a class.
    """
    values = np.unique(labels)
    if values.dtype.kind in "iu" and values[0] == 0:
        if values[-1] >= MOST:
            problem = f"the labels are whole numbers from 0 to {values[-1]:,}, of which {len(values):,} occur"
            remedy = "Is it the column of the labels? Else name the classes in [data] classes."
            raise DataError(operation, problem, expected="the places of the classes, or their names", remedy=remedy)
        return tuple(map(str, range(int(values[-1]) + 1)))
    return tuple(map(str, values.tolist()))


def checked(values: Sequence[Any] | NDArray[Any], operation: str, rows: Sequence[str] | None = None) -> NDArray[Any]:
    """Give labels as whole numbers or as texts.

    Parameters
    ----------
    rows : what errors call each row; by default its number, counted from 0.

    Raises
    ------
    DataError : a label is missing, is a number that is not whole, or is more than one value.
    """
    array = np.asarray(values) if isinstance(values, np.ndarray) else _column(values)
    if array.ndim != 1:
        raise DataError(operation, f"the labels are shaped {array.shape}", expected=EXPECTED)
    if array.dtype.kind == "O":
        odd = next(
            (at for at, value in enumerate(array) if isinstance(value, list | tuple | dict | set | bytes | np.ndarray)), None
        )
        if odd is not None:
            raise DataError(operation, f"the label of {_row(odd, rows)} is a {type(array[odd]).__name__}", expected=EXPECTED)
        missing = np.array([value is None or value != value for value in array.tolist()], dtype=bool)
    else:
        missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(len(array), dtype=bool)
    if missing.any():
        where = np.flatnonzero(missing)
        problem = f"{_row(int(where[0]), rows)} has no label" + (f", nor have {len(where) - 1} more" if len(where) > 1 else "")
        raise DataError(operation, problem, expected="a label for each sample")
    if array.dtype.kind == "f":
        broken = np.flatnonzero((array != np.round(array)) | np.isinf(array))
        if len(broken):
            problem = f"the label of {_row(int(broken[0]), rows)} is {array[broken[0]]:g}"
            raise DataError(operation, problem, expected="names of classes, or whole numbers; a value to predict is no class")
        return array.astype(np.int64)
    return array.astype(np.int64) if array.dtype.kind in "iub" else np.array([str(value) for value in array.tolist()])


def _column(values: Sequence[Any]) -> NDArray[Any]:
    """Values as an array (N,), whatever they are."""
    if any(hasattr(value, "__len__") and not isinstance(value, str) for value in values):
        column = np.empty(len(values), object)
        column[:] = values
        return column
    return np.asarray(values)


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
