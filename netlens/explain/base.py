"""What every explanation is, and what every method says of itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol

import torch

from netlens.errors import ShapeError
from netlens.explain.numbers import exact, finite
from netlens.explain.question import Question, Target, asking, run
from netlens.models.model import Model

__all__ = ["Attribution", "Explainer", "Question", "Target", "asking", "on_cpu", "params_of", "run"]

NEAR_ZERO = 0.01  # a change of the logit below this share of the values' total size is a cancellation, and no yardstick


@dataclass(frozen=True)
class Attribution:
    """How much each part of the input, or of a layer, speaks for the target class.

    `values` : signed, in raw units, never normalised: shaped like the inputs, or (N, 1, h, w) for a map of a layer,
    (N, 1, t) along a series.
    `target` : (N,) the class explained. `params` : the hyper-parameters used. `layer` : where the map was read, if in a layer.
    `delta` : (N,) completeness error, the sum of the values less what they should add up to. `spread` : standard error of each value,
    for methods that sample. `tolerance` : the largest `error` at which the method keeps its promise; None when it promises no sum.
    All tensors are on the CPU.

    Raises
    ------
    ShapeError : a number is not finite.
    """

    values: torch.Tensor
    target: torch.Tensor
    method: str
    params: dict[str, Any] = field(default_factory=dict)
    layer: str = ""
    seed: int | None = None
    delta: torch.Tensor | None = None
    spread: torch.Tensor | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        for part in (self.values, self.delta, self.spread):
            if part is not None and not finite(part):
                problem = f"the values of {self.method} hold NaN or infinite numbers"
                remedy = "Try net.double(), or scale the inputs or the weights."
                raise ShapeError("explain", problem, expected="finite numbers", remedy=remedy)

    @property
    def error(self) -> torch.Tensor | None:
        """(N,) the size of `delta` as a share of what the values should add up to; None when nothing was promised."""
        return None if self.delta is None else relative_error(self.values, self.delta)

    @property
    def complete(self) -> torch.Tensor | None:
        """(N,) whether the values add up to what they should, within the method's tolerance; None when nothing was promised."""
        return None if self.error is None or self.tolerance is None else self.error <= self.tolerance


class Explainer(Protocol):
    """A method: a frozen dataclass whose fields are its hyper-parameters.

    `name` : its key in the registry. `family` : the idea it rests on. `needs` : what the model must offer. `cost` : passes through
    the network for one input. `gives` : the shape and the meaning of the values. `reference` : the paper.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    needs: ClassVar[str]
    cost: ClassVar[str]
    gives: ClassVar[str]
    reference: ClassVar[str]

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Explain the logit of `target` for each row of `inputs`; without a target, the class that the model predicts."""
        ...


def relative_error(values: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    """(N,) the size of `delta` as a share of the sum that the values should have had.

    Where positive and negative values cancel, so that this sum is small beside them, the share is of 1 % of their total size.
    """
    flat = values.double().flatten(1)
    promised = (flat.sum(1) - delta).abs()
    yardstick = torch.maximum(promised, NEAR_ZERO * flat.abs().sum(1))
    return torch.where(delta == 0, 0.0, delta.abs() / yardstick)


def params_of(explainer: Any) -> dict[str, Any]:
    """The hyper-parameters of a method, by name; a tensor is told by its shape and the start of its SHA-256."""
    return {entry.name: _told(getattr(explainer, entry.name)) for entry in fields(explainer)}


def _told(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        digest = hashlib.sha256(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()).hexdigest()
        return f"tensor {tuple(value.shape)} {digest[:12]}"
    return tuple(_told(item) for item in value) if isinstance(value, tuple | list) else value


def on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """A result as an attribution holds it: on the CPU, in one piece, in float32 at least, without a graph."""
    return exact(tensor.detach() if tensor.requires_grad else tensor).cpu().contiguous()
