"""Does the model betray which samples it was trained on? Membership inference by a threshold on the loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.auroc import Auroc, auroc, roc
from netlens.behaviour.intervals import Rate, wilson
from netlens.errors import ShapeError

STRICT = 0.01


@dataclass(frozen=True)
class Membership:
    """How well the loss tells members (trained on) from others: a lower bound on leakage, for stronger attacks exist.

    `auc` : 0.5 is a guess. `null` : the 95th percentile of the area when members and others are shuffled. `caught` : the share of
    members found when at most 1 % of the others is accused. `caught_null` : its 95th percentile by chance. `false`, `true` : the curve.
    """

    auc: Auroc
    null: float
    caught: Rate
    caught_null: float
    false: NDArray[np.float64]
    true: NDArray[np.float64]


def losses(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """The cross-entropy (N,) of each sample, in nats; the smallest positive double stands for a probability of 0."""
    chosen = probabilities[np.arange(len(labels)), labels]
    return -np.log(np.maximum(chosen, np.finfo(float).tiny))


def membership(members: NDArray[np.float64], others: NDArray[np.float64], *, simulations: int = 500, seed: int = 0) -> Membership:
    """Attack by the losses of members (M,) and of samples that were never trained on (N,).

    Parameters
    ----------
    simulations : how often both are shuffled for the null.

    Raises
    ------
    ShapeError : one side is empty or holds NaN.

    References
    ----------
    Yeom, Giacomelli, Fredrikson and Jha 2018, arXiv:1709.01604; Carlini et al. 2022, arXiv:2112.03570, for the rate at 1 %.
    """
    from scipy.stats import rankdata

    if simulations < 1:
        raise ShapeError("membership inference", f"simulations is {simulations}", expected="at least 1")
    area = auroc(-np.asarray(members), -np.asarray(others))
    scores = -np.concatenate([members, others])
    ranks = rankdata(scores)
    m, n = len(members), len(others)
    draw = np.random.default_rng(seed)
    areas, rates = np.empty(simulations), np.empty(simulations)
    for place in range(simulations):
        order = draw.permutation(m + n)
        areas[place] = (ranks[order[:m]].sum() - m * (m + 1) / 2) / (m * n)
        rates[place] = _caught(scores[order[:m]], scores[order[m:]]) / m
    false, true = roc(scores[:m], scores[m:])
    caught = wilson(_caught(scores[:m], scores[m:]), m)
    return Membership(area, float(np.quantile(areas, 0.95)), caught, float(np.quantile(rates, 0.95)), false, true)


def _caught(members: NDArray[np.float64], others: NDArray[np.float64]) -> int:
    """How many members score above all but 1 % of the others."""
    allowed = int(STRICT * len(others))
    cut = np.partition(others, len(others) - 1 - allowed)[len(others) - 1 - allowed]
    return int((members > cut).sum())
