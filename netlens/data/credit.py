"""Credit applications that are simulated by a known formula, so that an explanation can be compared with the truth.

The people are invented. Each column has one part in the log-odds of default, and three have none:

- income: less risk the more of it, by its logarithm;
- debt: more risk the larger the share of income that goes to debts;
- loan: no part, but it rises with debt;
- late payments: each adds the same;
- age: more risk for the young and for the old, least at 45, so that it goes with risk without a slope;
- district: no part, but it differs between the groups;
- lucky number: no part, and goes with nothing.

The protected group is no column. It has no part in the formula either, but people of group B earn less.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netlens.data.load import Part

FEATURES = ("income", "debt", "loan", "late payments", "age", "district", "lucky number")
SAMPLES, HELD_OUT = 5000, 1000
BASE = -2.2


def terms(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each column adds to the log-odds of default, (N, 7): the truth that an explanation should find."""
    income, debt, _, late, age, _, _ = raw.T
    nothing = np.zeros_like(income)
    return np.stack(
        [-1.5 * np.log(income / 30), 6 * (debt - 0.35), nothing, 0.8 * late, 1.2 * ((age - 45) / 15) ** 2, nothing, nothing], 1
    )


def log_odds(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log-odds of default, (N,)."""
    total: NDArray[np.float64] = BASE + terms(raw).sum(1)
    return total


def simulated() -> dict[str, Part]:
    """Draw 5,000 applications; the same ones each time."""
    draw = np.random.default_rng(20)
    group = draw.random(SAMPLES) < 0.35
    income = np.exp(draw.normal(np.where(group, 3.2, 3.5), 0.4))  # thousands a year
    debt = draw.beta(4, 7, SAMPLES)
    loan = 60 * debt + draw.normal(0, 3, SAMPLES) + 5  # thousands
    late = draw.poisson(0.6, SAMPLES)
    age = draw.uniform(20, 70, SAMPLES)
    district = draw.normal(np.where(group, 1.0, -1.0), 0.8)
    lucky = draw.integers(1, 50, SAMPLES)
    raw = np.round(np.stack([income, debt, loan.clip(1), late, age, district, lucky], 1), 3)
    labels = (draw.random(SAMPLES) < 1 / (1 + np.exp(-log_odds(raw)))).astype(np.int64)
    groups = np.where(group, "B", "A")
    parts = {"train": slice(HELD_OUT, None), "test": slice(None, HELD_OUT)}
    return {split: Part(raw[ids], labels[ids], None, FEATURES, {"group": groups[ids]}) for split, ids in parts.items()}
