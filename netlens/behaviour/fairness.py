"""Are groups treated alike? Rates by group, compared with intervals that chance has been taken out of."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.intervals import Rate, wilson
from netlens.behaviour.unpaired import Unpaired, unpaired, wider
from netlens.errors import ShapeError

ENOUGH = 100
RIGHT, SELECTED, FOUND, FALSE = "right", "selected", "found", "falsely selected"
MEANING = {
    RIGHT: "of all samples, the share that is answered rightly",
    SELECTED: "of all samples, the share that gets the favourable answer",
    FOUND: "of the samples that merit the favourable answer, the share that gets it (true positive rate)",
    FALSE: "of the samples that do not merit it, the share that gets it all the same (false positive rate)",
}


@dataclass(frozen=True)
class Gap:
    """One rate of one group against that of another.

    `lower`, `higher` : the groups. `by` : the lower rate against the higher one, its intervals widened for all comparisons.
    """

    rate: str
    lower: str
    higher: str
    by: Unpaired

    @property
    def real(self) -> bool:
        """Whether chance alone cannot explain the gap."""
        return self.by.high < 0


@dataclass(frozen=True)
class Fairness:
    """Rates by group.

    `attribute` : what the groups are of. `rates` : name of the rate to group to Rate. `gaps` : every pair of groups with enough samples,
    for every rate, the largest difference first. `few` : pairs (rate, group) with too few samples to be compared.
    """

    attribute: str
    rates: dict[str, dict[str, Rate]]
    gaps: tuple[Gap, ...]
    few: tuple[tuple[str, str], ...]


def fairness(
    predictions: NDArray[np.int64],
    labels: NDArray[np.int64],
    groups: NDArray[np.str_],
    *,
    attribute: str = "group",
    favourable: int | None = None,
    enough: int = ENOUGH,
    attributes: int = 1,
) -> Fairness:
    """Compare the rates of groups.

    Parameters
    ----------
    predictions, labels, groups : (N,).
    favourable : the class that people want to get. Without it only the share of right answers is compared.
    enough : the fewest cases in the denominator of a rate that is compared.
    attributes : how many attributes are looked at in all; the intervals are widened for the others too.

    Raises
    ------
    ShapeError : the shapes differ, or there is no sample.

    References
    ----------
    Hardt, Price and Srebro 2016, arXiv:1610.02413; Feldman, Friedler, Moeller, Scheidegger and Venkatasubramanian 2015,
    arXiv:1412.3756, for the four-fifths rule.
    """
    if not len(predictions) == len(labels) == len(groups) or len(labels) == 0:
        problem = f"there are {len(predictions)} answers, {len(labels)} labels and {len(groups)} groups"
        raise ShapeError("fairness", problem, expected="one of each for every sample")
    groups = np.asarray(groups).astype(str)
    names = np.unique(groups).tolist()
    parts = {RIGHT: (predictions == labels, np.ones(len(labels), dtype=bool))}
    if favourable is not None:
        chosen, merited = predictions == favourable, labels == favourable
        parts |= {SELECTED: (chosen, np.ones(len(labels), dtype=bool)), FOUND: (chosen, merited), FALSE: (chosen, ~merited)}
    rates = {
        rate: {name: wilson(int((hits & of & (groups == name)).sum()), int((of & (groups == name)).sum())) for name in names}
        for rate, (hits, of) in parts.items()
    }
    few = tuple((rate, name) for rate, each in rates.items() for name in names if each[name].n < enough)
    pairs = [
        (rate, pair)
        for rate, each in rates.items()
        for pair in combinations([name for name in names if each[name].n >= enough], 2)
    ]
    gaps = [_gap(rate, rates[rate], pair, wider(len(pairs) * attributes)) for rate, pair in pairs]
    return Fairness(attribute, rates, tuple(sorted(gaps, key=lambda one: one.by.difference)), few)


def _gap(rate: str, rates: dict[str, Rate], pair: tuple[str, str], z: float) -> Gap:
    lower, higher = sorted(pair, key=lambda name: rates[name].value)
    one, other = rates[lower], rates[higher]
    return Gap(rate, lower, higher, unpaired(one.hits, one.n, other.hits, other.n, z))
