"""Does a model know how sure it may be? Its confidence against how often it is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.intervals import Rate, wilson


@dataclass(frozen=True)
class Calibration:
    """The samples sorted into bins of equal width by the confidence of the answer.

    `edges` (bins + 1,); `confidence` (bins,) the mean, NaN for an empty bin; `accuracy` one Rate a bin. `ece` is the expected
    calibration error: the gap between the two, averaged over samples. `null` is the 95th percentile of the ECE that a perfectly
    calibrated model with these confidences shows by chance. `band` (bins, 2) is the 95 % range of such a model's accuracy.
    """

    edges: NDArray[np.float64]
    confidence: NDArray[np.float64]
    accuracy: tuple[Rate, ...]
    ece: float
    null: float
    band: NDArray[np.float64]


def calibration(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], *, bins: int = 15, simulations: int = 1000, seed: int = 0
) -> Calibration:
    """Compare confidence with accuracy, and with what chance alone would show.

    Parameters
    ----------
    probabilities : (N, classes). labels : (N,).
    simulations : how often the answers of a perfectly calibrated model are drawn for `null` and `band`.

    Notes
    -----
    The ECE is never negative, so even a perfect model shows some; at 200 samples about 0.07. Read it against `null`.

    References
    ----------
    Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning". Bröcker and Smith 2007,
    "Increasing the reliability of reliability diagrams", for the simulation.
    """
    surest = probabilities.max(1)
    right = (probabilities.argmax(1) == labels).astype(float)
    edges = np.linspace(0, 1, bins + 1)
    places = np.clip(np.searchsorted(edges, surest, side="left") - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    sums = np.bincount(places, weights=surest, minlength=bins)
    hits = np.bincount(places, weights=right, minlength=bins)
    draws = np.random.default_rng(seed).random((simulations, len(surest))) < surest
    drawn = np.stack([np.bincount(places, weights=draw, minlength=bins) for draw in draws])
    filled = counts > 0
    band = np.full((bins, 2), np.nan)
    band[filled] = np.percentile(drawn[:, filled] / counts[filled], [2.5, 97.5], axis=0).T
    confidence = np.divide(sums, counts, out=np.full(bins, np.nan), where=filled)
    return Calibration(
        edges=edges,
        confidence=confidence,
        accuracy=tuple(wilson(int(hit), int(n)) for hit, n in zip(hits, counts, strict=True)),
        ece=float(np.abs(hits - sums).sum() / len(surest)),
        null=float(np.percentile(np.abs(drawn - sums).sum(1) / len(surest), 95)),
        band=band,
    )
