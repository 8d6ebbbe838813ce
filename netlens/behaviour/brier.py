"""One number for how good probabilities are, and the worst bin of their calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.calibration import Calibration
from netlens.behaviour.intervals import Rate, wilson
from netlens.behaviour.paired import Z95
from netlens.behaviour.unpaired import wider

ENOUGH = 20


@dataclass(frozen=True)
class Brier:
    """`value`: the mean squared distance between the probabilities and the truth, 0 to 2, with its 95 % interval. Lower is better.

    `guess` : the score of a model that always gives the shares of the classes.
    """

    value: float
    low: float
    high: float
    guess: float
    n: int


def brier(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> Brier:
    """Score probabilities (N, classes) against labels (N,).

    References
    ----------
    Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    truth = np.eye(probabilities.shape[1])[labels]
    each = ((probabilities - truth) ** 2).sum(1)
    half = Z95 * float(each.std(ddof=1)) / len(each) ** 0.5 if len(each) > 1 else np.nan
    value, shares = float(each.mean()), truth.mean(0)
    return Brier(value, value - half, value + half, float(1 - (shares**2).sum()), len(each))


@dataclass(frozen=True)
class WorstBin:
    """The maximum calibration error: the largest gap among the bins that hold enough samples.

    `value` : the gap; positive when the model was surer than it was right. `confidence` : the mean of that bin. `rate` : its share of
    right answers; the interval is widened for looking at every bin, since one of several always lies far off.
    """

    value: float
    confidence: float
    rate: Rate

    @property
    def chance(self) -> bool:
        """Whether a perfectly calibrated model may show this gap in the worst of its bins."""
        return self.rate.low <= self.confidence <= self.rate.high


def worst_bin(result: Calibration, enough: int = ENOUGH) -> WorstBin | None:
    """Find the bin with the largest gap; None when no bin holds `enough` samples.

    References
    ----------
    Naeini, Cooper and Hauskrecht 2015.
    """
    places = [place for place, rate in enumerate(result.accuracy) if rate.n >= enough]
    if not places:
        return None
    place = max(places, key=lambda one: abs(result.confidence[one] - result.accuracy[one].value))
    found, confidence = result.accuracy[place], float(result.confidence[place])
    return WorstBin(confidence - found.value, confidence, wilson(found.hits, found.n, wider(len(places))))
