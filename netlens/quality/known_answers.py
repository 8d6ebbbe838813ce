"""Planted evidence: models of which one knows what they look at, and how much of an explanation lies there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from netlens.errors import NetlensError, ShapeError
from netlens.explain.base import Attribution, Explainer
from netlens.quality.base import interval, pixelwise
from netlens.quality.planted import Truth, half_blind, planted_patch, table_formula, trigger_token

__all__ = [
    "Answer",
    "KnownAnswers",
    "Truth",
    "half_blind",
    "known_answers",
    "planted_patch",
    "pointing_game",
    "relevance_mass",
    "relevance_rank",
    "table_formula",
    "trigger_token",
    "truths",
]


def relevance_mass(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The share of a map's size that lies inside the truth, (N,), from 0 to 1; 0 for a map of zeros.

    Deviation from the paper: sizes and not only positive values, since evidence against a class has its place too.

    References
    ----------
    Arras, Osman and Samek 2020, arXiv:2003.07258.
    """
    sizes = _checked(values, mask).abs()
    total = sizes.sum(1)
    return torch.where(total > 0, (sizes * mask).sum(1) / total.clamp(min=1e-300), 0.0)


def relevance_rank(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Of the K places with the largest sizes, the share inside a truth of K places, (N,); ties count by their expected share.

    References
    ----------
    Arras, Osman and Samek 2020, arXiv:2003.07258.
    """
    sizes = _checked(values, mask).abs()
    found = []
    for row, inside in zip(sizes, mask, strict=True):
        k = int(inside.sum())
        edge = row.topk(k).values[-1]
        above, at = row > edge, row == edge
        share = (k - above.sum()) / at.sum()
        found.append(float(((above & inside).sum() + share * (at & inside).sum()) / k))
    return torch.tensor(found, dtype=torch.float64)


def pointing_game(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Whether the place with the largest size lies inside the truth, (N,); of several such places, the share that does.

    References
    ----------
    Zhang, Lin, Brandt, Shen and Sclaroff 2016, arXiv:1608.00507.
    """
    sizes = _checked(values, mask).abs()
    top = sizes == sizes.amax(1, keepdim=True)
    return (top & mask).double().sum(1) / top.double().sum(1)


@dataclass(frozen=True)
class Answer:
    """How one method did on one truth: each measure (N,), or the `reason` why it gives no answer."""

    method: str
    truth: str
    mass: torch.Tensor
    rank: torch.Tensor
    pointing: torch.Tensor
    error: torch.Tensor
    chance: float
    reason: str = ""
    attribution: Attribution | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The means, and the 95 % interval of the mass."""
        mass, low, high = interval(self.mass) if len(self.mass) else (math.nan,) * 3
        means = {name: float(part.mean()) if len(part) else math.nan for name, part in self._others().items()}
        return {
            "method": self.method,
            "truth": self.truth,
            "mass": mass,
            "low": low,
            "high": high,
            **means,
            "chance": self.chance,
            "n": len(self.mass),
            "reason": self.reason,
        }

    def _others(self) -> dict[str, torch.Tensor]:
        return {"rank": self.rank, "pointing": self.pointing, "error": self.error}


@dataclass(frozen=True)
class KnownAnswers:
    """What every method said about every truth."""

    answers: tuple[Answer, ...]
    truths: tuple[Truth, ...]

    def frame(self) -> pd.DataFrame:
        """One row a method and truth: mass with its interval, rank accuracy, pointing game, error against exact values, chance."""
        return pd.DataFrame([answer.row for answer in self.answers])

    def of(self, method: str, truth: str) -> Answer:
        """One answer."""
        return next(answer for answer in self.answers if (answer.method, answer.truth) == (method, truth))


def known_answers(methods: Sequence[Explainer], given: Sequence[Truth]) -> KnownAnswers:
    """Ask each method about each truth, and measure how much of its answer lies where the evidence was planted.

    A method that does not apply, such as Grad-CAM on a table, gives no answer; its own words say why.
    """
    return KnownAnswers(tuple(_ask(method, truth) for truth in given for method in methods), tuple(given))


def truths(samples: int = 32, seed: int = 0) -> tuple[Truth, ...]:
    """The four truths: a planted patch, a network blind on one side, a table with a known formula, a trigger among tokens."""
    return tuple(make(samples, seed) for make in (planted_patch, half_blind, table_formula, trigger_token))


def _ask(method: Explainer, truth: Truth) -> Answer:
    try:
        found = method(truth.model, truth.inputs, truth.target)
        values = pixelwise(found, truth.inputs, "known answers")
    except NetlensError as error:
        none = torch.zeros(0, dtype=torch.float64)
        return Answer(method.name, truth.name, none, none, none, none, truth.chance, str(error))
    mask = truth.mask
    parts = relevance_mass(values, mask), relevance_rank(values, mask), pointing_game(values, mask)
    missed = torch.zeros(0, dtype=torch.float64)
    if truth.exact is not None:
        missed = (values - truth.exact).abs().sum(1) / truth.exact.abs().sum(1)
    return Answer(method.name, truth.name, *parts, missed, truth.chance, "", found)


def _checked(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    if values.ndim != 2 or values.shape != mask.shape or mask.dtype != torch.bool or not mask.any(1).all():
        problem = f"values shaped {tuple(values.shape)} meet a truth shaped {tuple(mask.shape)} {mask.dtype}"
        raise ShapeError(
            "known answers", problem, expected="two tensors (N, places), the truth of bools with a place in each row"
        )
    return values.double()
