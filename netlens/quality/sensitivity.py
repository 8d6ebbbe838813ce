"""Sensitivity: how far an explanation moves when the input moves by almost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Explainer, Target
from netlens.models.model import Model
from netlens.quality.base import Direction, Score, scored
from netlens.quality.copies import explained, nearby, own_target


@dataclass(frozen=True)
class MaxSensitivity:
    """The largest change of the explanation over random points near the input, relative to the explanation's size.

    Parameters
    ----------
    radius : how far each element may move, as a share of the input's own range. n_samples : points near each input.

    Notes
    -----
    The size is the Euclidean norm. Where the explanation is 0 everywhere, the change itself is given. The class that is explained
    stays that of the input. Random points find a lower bound of the true maximum.

    References
    ----------
    Yeh, Hsieh, Suggala, Inouye and Ravikumar 2019, arXiv:1901.09392.
    """

    name: ClassVar[str] = "max_sensitivity"
    direction: ClassVar[Direction] = "lower"
    reference: ClassVar[str] = "arXiv:1901.09392"
    cost: ClassVar[str] = "n_samples + 1 explanations"

    radius: float = 0.02
    n_samples: int = 10
    seed: int = 0

    def __call__(self, model: Model, explainer: Explainer, inputs: torch.Tensor, target: Target = None) -> Score:
        """Return the largest relative change of each row."""
        changes = _changes(self, model, explainer, inputs, target)
        return scored(self, changes.amax(1), {"method": explainer.name})


@dataclass(frozen=True)
class AverageSensitivity:
    """The mean change of the explanation over random points near the input, relative to the explanation's size.

    Parameters
    ----------
    radius, n_samples : as in `MaxSensitivity`, whose notes hold here too.

    References
    ----------
    Yeh, Hsieh, Suggala, Inouye and Ravikumar 2019, arXiv:1901.09392; Bhatt, Weller and Moura 2020, arXiv:2005.00631.
    """

    name: ClassVar[str] = "average_sensitivity"
    direction: ClassVar[Direction] = "lower"
    reference: ClassVar[str] = "arXiv:1901.09392"
    cost: ClassVar[str] = "n_samples + 1 explanations"

    radius: float = 0.02
    n_samples: int = 10
    seed: int = 0

    def __call__(self, model: Model, explainer: Explainer, inputs: torch.Tensor, target: Target = None) -> Score:
        """Return the mean relative change of each row."""
        changes = _changes(self, model, explainer, inputs, target)
        return scored(self, changes.mean(1), {"method": explainer.name})


def _changes(
    metric: MaxSensitivity | AverageSensitivity, model: Model, explainer: Explainer, inputs: torch.Tensor, target: Target
) -> torch.Tensor:
    """The relative change at each point, (N, n_samples)."""
    operation = type(metric).__name__
    if metric.n_samples < 1 or not 0 < metric.radius < float("inf"):
        problem = f"n_samples is {metric.n_samples} and radius is {metric.radius}"
        raise ShapeError(operation, problem, expected="at least 1 sample and a finite positive radius")
    classes = own_target(model, inputs, target, operation)
    points = nearby(inputs, metric.radius, metric.n_samples, metric.seed)
    before, after = explained(explainer, model, inputs, classes, points, operation)
    size = torch.linalg.vector_norm(before.flatten(1), dim=1, keepdim=True)
    change = torch.linalg.vector_norm((after - before.unsqueeze(1)).flatten(2), dim=2)
    relative: torch.Tensor = change / torch.where(size > 0, size, 1.0)
    return relative
