"""Tables that scikit-learn ships: two of patients, one of wines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.data.digits import stratified
from netlens.data.load import Part

HELD_OUT = 0.3
MEDIAN_PROGRESSION = 140.5


def breast_cancer() -> dict[str, Part]:
    """Read the measurements of cell nuclei of 569 breast tumours."""
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    return _parts(bunch.data, bunch.target, [str(name) for name in bunch.feature_names])


def wine() -> dict[str, Part]:
    """Read the chemical analyses of 178 wines from three cultivars."""
    from sklearn.datasets import load_wine

    bunch = load_wine()
    return _parts(bunch.data, bunch.target, [str(name).replace("_", " ") for name in bunch.feature_names])


def diabetes() -> dict[str, Part]:
    """Read ten measurements of 442 patients with diabetes; the class is whether their disease progressed more than the median.

    Notes
    -----
    The data give a number for the progression within a year. It is cut at its median, 140.5, to make classes. The source says of `sex`
    only that it has two values, and so do the groups here.
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    long = {"bmi": "body mass index", "bp": "blood pressure", "s1": "total cholesterol", "s2": "LDL", "s3": "HDL"}
    long |= {"s4": "cholesterol / HDL", "s5": "log triglycerides", "s6": "blood sugar"}
    features = [long.get(name, name) for name in bunch.feature_names]
    age, sex = bunch.data[:, 0], bunch.data[:, 1].astype(int)
    groups = {"sex": np.array([f"sex {value}" for value in sex]), "age": np.where(age < 50, "under 50", "50 and over")}
    return _parts(bunch.data, (bunch.target > MEDIAN_PROGRESSION).astype(np.int64), features, groups)


def _parts(
    rows: NDArray[np.float64], labels: NDArray[Any], features: list[str], groups: dict[str, NDArray[np.str_]] | None = None
) -> dict[str, Part]:
    """Split rows with the same mix of classes, and their groups with them."""
    numbers: Any = np.arange(len(labels))
    return {
        split: Part(rows[ids], truth, None, tuple(features), {name: values[ids] for name, values in (groups or {}).items()})
        for split, (ids, truth) in stratified(numbers, labels.astype(np.int64), HELD_OUT).items()
    }
