"""The rows of a table as numbers: which columns a network takes, and what keeps them from being numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netlens.errors import DataError, unknown

if TYPE_CHECKING:
    import pandas as pd

LABEL = ("label", "class", "target", "y")


def numbers(frame: pd.DataFrame, features: Sequence[str], operation: str) -> NDArray[np.float64]:
    """Take columns as numbers (N, F), in this order.

    Raises
    ------
    DataError : a column does not exist, holds text, or has empty or infinite cells.
    """
    for name in features:
        if name not in frame.columns:
            raise unknown(operation, "column of features", name, map(str, frame.columns), DataError)
    return np.stack([_numbers(frame[name], name, operation) for name in features], axis=1)


def _numbers(values: pd.Series[Any], name: str, operation: str) -> NDArray[np.float64]:
    import pandas as pd

    if values.dtype.kind in "mM":
        remedy = "Turn it into the number that the network was trained on, such as days, or leave it out of [data] features."
        raise DataError(operation, f"the column '{name}' holds dates or times", expected="numbers", remedy=remedy)
    as_numbers = pd.to_numeric(values, errors="coerce").astype(np.float64).to_numpy()
    empty = values.isna().to_numpy() | (values.astype(str).str.strip().str.lower().isin(["", "nan"])).to_numpy()
    text = np.flatnonzero(np.isnan(as_numbers) & ~empty)
    if len(text):
        problem = f"the column '{name}' holds text: '{values.iloc[text[0]]}' in row {text[0]}"
        remedy = "List the columns that the network takes in [data] features, or turn the texts into numbers first."
        raise DataError(operation, problem, expected="numbers", remedy=remedy)
    wrong = np.flatnonzero(~np.isfinite(as_numbers))
    if len(wrong):
        what = "no value" if empty[wrong[0]] else "an infinite value"
        problem = f"the column '{name}' has {what} in row {wrong[0]}" + (
            f" and in {len(wrong) - 1} more" if len(wrong) > 1 else ""
        )
        remedy = "Fill in or leave out such rows before, the way it was done in training."
        raise DataError(operation, problem, expected="a finite number in each cell", remedy=remedy)
    return np.asarray(as_numbers, dtype=np.float64)
