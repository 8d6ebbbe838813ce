"""Complexity: on how few places does an explanation rest? It says nothing about whether they are the right ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.explain.base import Attribution
from netlens.explain.numbers import are_tokens
from netlens.explain.series import steps_axis
from netlens.explain.tokens_absent import wordless
from netlens.models.model import Model
from netlens.quality.base import Direction, Score, pixelwise, scored


@dataclass(frozen=True)
class Sparseness:
    """The Gini index of the sizes of the values: 0 when all places count the same, near 1 when one place counts alone.

    Notes
    -----
    Over the pixels, steps or columns; channels are added up, the map of a layer is enlarged, and what belongs to no word of a text, such
    as padding, does not count. With P places the greatest index is
    1 - 1 / P. An explanation that is 0 everywhere singles nothing out: 0.

    References
    ----------
    Chalasani, Chen, Chowdhury, Jha and Wu 2020, arXiv:1810.06583.
    """

    name: ClassVar[str] = "sparseness"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:1810.06583"
    cost: ClassVar[str] = "no pass"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Return the Gini index of each row."""
        found = []
        for part in _shares(model, attribution, inputs, "Sparseness"):
            places = torch.arange(1, len(part) + 1, dtype=torch.float64)
            found.append(part.sort().values @ (2 * places - len(part) - 1) / len(part))
        return scored(self, torch.stack(found))


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

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Return the entropy of each row."""
        return scored(
            self, torch.stack([torch.special.entr(part).sum() for part in _shares(model, attribution, inputs, "Entropy")])
        )


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

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Return the effective size of each row."""
        parts = _shares(model, attribution, inputs, "EffectiveSize")
        return scored(self, torch.stack([1 / part.square().sum() for part in parts]))


def _shares(model: Model, attribution: Attribution, inputs: torch.Tensor, operation: str) -> list[torch.Tensor]:
    """For each row the share of each of its places in the total size of the values, (places,)."""
    values = pixelwise(attribution, inputs, operation, steps_axis(model, inputs, operation))
    counted = ~wordless(model, inputs, operation).cpu() if are_tokens(inputs) else torch.ones_like(values, dtype=torch.bool)
    counted |= ~counted.any(1, keepdim=True)  # a text without a word
    return [shares(row[kept].unsqueeze(0)).squeeze(0) for row, kept in zip(values, counted, strict=True)]


def shares(values: torch.Tensor) -> torch.Tensor:
    """The share of each place in the total size of the values (N, places); equal shares where all are 0."""
    sizes = values.abs()
    largest = sizes.amax(1, keepdim=True)
    sizes = torch.where(largest > 0, sizes / torch.where(largest > 0, largest, 1.0), 1.0)
    return sizes / sizes.sum(1, keepdim=True)
