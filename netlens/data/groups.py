"""Groups: what is known of each sample besides its label, to look at parts of the data one by one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netlens.data.dataset import Groups
from netlens.data.frames import read_frame
from netlens.errors import DataError, unknown

if TYPE_CHECKING:
    import pandas as pd

PATH = ("path", "image", "file", "filename")
MISSING = "not stated"


def from_columns(frame: pd.DataFrame, names: Sequence[str], operation: str) -> Groups:
    """Take attributes from columns of the source itself.

    Raises
    ------
    DataError : there is no such column.
    """
    for name in names:
        if name not in frame.columns:
            raise unknown(operation, "column of groups", name, map(str, frame.columns), DataError)
    return {name: _texts(frame[name]) for name in names}


def from_file(
    path: Path, samples: int, names: Sequence[str], operation: str, *, separator: str = "", encoding: str = ""
) -> Groups:
    """Read attributes from a CSV with one row a sample.

    Parameters
    ----------
    names : the samples' paths in their source, where they have any. A column called `path` is matched with them; without it, the rows
        are taken to be in the order of the source, which a folder of images does not have.
    separator, encoding : of the file, as the card says them of its CSVs.

    Raises
    ------
    DataError : the rows do not match the samples.
    """
    frame = read_frame(path, operation, separator=separator, encoding=encoding)
    by = next((str(name) for name in frame.columns if str(name).lower() in PATH), None)
    attributes = [str(name) for name in frame.columns if name != by]
    if not attributes:
        raise DataError(operation, f"'{path}' has no column besides '{by}'", expected="a column for each attribute")
    if by is None or not names:
        if names:
            expected = "a column called path that says which image a row is for"
            raise DataError(operation, f"'{path}' does not say which image a row is for", expected=expected)
        if len(frame) != samples:
            problem = f"'{path}' has {len(frame)} rows, and there are {samples} samples"
            raise DataError(operation, problem, expected="one row for each sample, in the same order")
        return {name: _texts(frame[name]) for name in attributes}
    places = {str(value): place for place, value in enumerate(frame[by].tolist())}
    if len(places) < len(frame):
        twice = frame[by][frame[by].duplicated()].iloc[0]
        raise DataError(operation, f"'{path}' names '{twice}' twice", expected="one row for each sample")
    lost = [name for name in names if name not in places]
    if lost:
        problem = f"'{path}' has no row for '{lost[0]}'" + (f" and {len(lost) - 1} more" if len(lost) > 1 else "")
        raise DataError(operation, problem, expected=f"one row for each sample; its first row is for '{frame[by].iloc[0]}'")
    order = [places[name] for name in names]
    return {name: _texts(frame[name])[order] for name in attributes}


def _texts(values: pd.Series[Any]) -> NDArray[np.str_]:
    """Values as texts; whole numbers keep their form although a gap made them decimal."""
    whole = values.dtype.kind == "f" and bool((values.dropna() % 1 == 0).all())
    return np.array([MISSING if value != value or value is None else str(int(value) if whole else value) for value in values])
