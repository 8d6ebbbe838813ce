"""Complexity: on how few places does an explanation rest? It says nothing about whether they are the right ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.explain.base import Attribution
from netlens.models.model import Model
from netlens.quality.base import Direction, Score, pixelwise, scored


@dataclass(frozen=True)
class Sparseness:
    """The Gini index of the sizes of the values: 0 when all places count the same, near 1 when one place counts alone.

    Notes
    -----
    Over the pixels, steps or columns; channels are added up, and the map of a layer is enlarged. With P places the greatest index is
    1 - 1 / P. An explanation that is 0 everywhere singles nothing out: 0.

    References
    ----------
    Chalasani, Chen, Chowdhury, Jha and Wu 2020, arXiv:1810.06583.
    """

    name: ClassVar[str] = "sparseness"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:1810.06583"
    cost: ClassVar[str] = "no pass"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:  # noqa: ARG002 - as every metric
        """Return the Gini index of each row."""
        sizes = shares(pixelwise(attribution, inputs, "Sparseness")).sort(1).values
        places = torch.arange(1, sizes.shape[1] + 1, dtype=torch.float64)
        weights = (2 * places - sizes.shape[1] - 1) / sizes.shape[1]
        return scored(self, sizes @ weights)


@dataclass(frozen=True)
class Entropy:
    """The entropy of the shares that places have in the explanation, in nats: 0 for one place alone, log P when all P count the same.

    Notes
    -----
    As for `Sparseness`. An explanation that is 0 everywhere has the entropy log P.

    References
    ----------
    Bhatt, Weller and Moura 2020, arXiv:2005.00631.
    """

    name: ClassVar[str] = "entropy"
    direction: ClassVar[Direction] = "lower"
    reference: ClassVar[str] = "arXiv:2005.00631"
    cost: ClassVar[str] = "no pass"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:  # noqa: ARG002 - as every metric
        """Return the entropy of each row."""
        return scored(self, torch.special.entr(shares(pixelwise(attribution, inputs, "Entropy"))).sum(1))


@dataclass(frozen=True)
class EffectiveSize:
    """How many places of equal weight would be as concentrated: 1 for one place alone, P when all P count the same.

    Notes
    -----
    The sum of the values' sizes squared, over the sum of their squares: Kish's effective sample size. As for `Sparseness`; an
    explanation that is 0 everywhere has size P.

    References
    ----------
    Kish 1965, Survey Sampling.
    """

    name: ClassVar[str] = "effective_size"
    direction: ClassVar[Direction] = "lower"
    reference: ClassVar[str] = "Kish 1965, Survey Sampling"
    cost: ClassVar[str] = "no pass"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:  # noqa: ARG002 - as every metric
        """Return the effective size of each row."""
        return scored(self, 1 / shares(pixelwise(attribution, inputs, "EffectiveSize")).square().sum(1))


def shares(values: torch.Tensor) -> torch.Tensor:
    """The share of each place in the total size of the values (N, places); equal shares where all are 0."""
    sizes = values.abs()
    largest = sizes.amax(1, keepdim=True)
    sizes = torch.where(largest > 0, sizes / torch.where(largest > 0, largest, 1.0), 1.0)
    return sizes / sizes.sum(1, keepdim=True)
