"""A method asked again about changed copies of the same inputs, all copies in as few calls as memory allows."""

from __future__ import annotations

from collections.abc import Callable

import torch

from netlens.explain.base import Attribution, Explainer, Target, asking
from netlens.explain.chunks import spans
from netlens.models.model import Model
from netlens.quality.base import elementwise
from netlens.quality.draws import row_generator

AT_ONCE = 32 * 2**20  # elements of inputs explained in one call


def own_target(model: Model, inputs: torch.Tensor, target: Target, operation: str) -> torch.Tensor:
    """The class that is explained for each row, (N,), the inputs checked."""
    with asking(model, inputs, target, operation) as question:
        return question.target.cpu()


def explained(
    explainer: Explainer, model: Model, inputs: torch.Tensor, target: torch.Tensor, copies: torch.Tensor, operation: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Explain the inputs (N, ...) and their copies (N, K, ...): the values of each element, shaped alike, float64."""
    rows = torch.cat([inputs.unsqueeze(1), copies.to(inputs)], 1)
    values = torch.empty(rows.shape, dtype=torch.float64)
    flat, classes, found = rows.flatten(0, 1), target.repeat_interleave(rows.shape[1]), values.view(-1, *rows.shape[2:])
    for part in spans(len(flat), max(1, AT_ONCE // inputs[0].numel())):
        found[part] = values_of(explainer, model, flat[part], classes[part], operation)
    return values[:, 0], values[:, 1:]


def values_of(explainer: Explainer, model: Model, inputs: torch.Tensor, target: torch.Tensor, operation: str) -> torch.Tensor:
    """The values of each element that a method gives."""
    attribution: Attribution = explainer(model, inputs, target)
    return elementwise(attribution, inputs, operation)


def nearby(inputs: torch.Tensor, radius: float, n_samples: int, seed: int) -> torch.Tensor:
    """Copies (N, n_samples, ...) with each element moved at random by at most `radius` times the range of its row."""
    return _moved(inputs, radius, n_samples, seed, lambda shape, draw: torch.rand(shape, generator=draw) * 2 - 1)


def noisy(inputs: torch.Tensor, noise: float, n_samples: int, seed: int) -> torch.Tensor:
    """Copies (N, n_samples, ...) under normal noise, its standard deviation `noise` times the range of the row."""
    return _moved(inputs, noise, n_samples, seed, lambda shape, draw: torch.randn(shape, generator=draw))


def _moved(
    inputs: torch.Tensor, size: float, n_samples: int, seed: int, make: Callable[[torch.Size, torch.Generator], torch.Tensor]
) -> torch.Tensor:
    shape = torch.Size((n_samples, *inputs.shape[1:]))
    draws = torch.stack([make(shape, row_generator(seed, row)) for row in inputs]).to(inputs)
    return inputs.unsqueeze(1) + size * _ranges(inputs).view(-1, *[1] * inputs.ndim) * draws


def _ranges(inputs: torch.Tensor) -> torch.Tensor:
    """The range of each row, (N,); 1 where all elements are the same."""
    low, high = inputs.flatten(1).aminmax(dim=1)
    return torch.where(high > low, high - low, 1.0)
