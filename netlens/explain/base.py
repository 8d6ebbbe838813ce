"""What every explanation is, and the care that every method takes of the model it explains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Protocol

import torch

from netlens.errors import ModelError, ShapeError
from netlens.models.model import Model, evaluation

Target = int | torch.Tensor | None


@dataclass(frozen=True)
class Attribution:
    """How much each part of the input, or of a layer, speaks for the target class.

    `values` : signed, in raw units, never normalised: shaped like the inputs, or (N, 1, h, w) for a map of a layer.
    `target` : (N,) the class explained. `params` : the hyper-parameters used. `layer` : where the map was read, if in a layer.
    `delta` : (N,) completeness error, the sum of the values less what they should add up to. `spread` : standard error of each value,
    for methods that sample. All tensors are on the CPU.
    """

    values: torch.Tensor
    target: torch.Tensor
    method: str
    params: dict[str, Any] = field(default_factory=dict)
    layer: str = ""
    seed: int | None = None
    delta: torch.Tensor | None = None
    spread: torch.Tensor | None = None


class Explainer(Protocol):
    """A method: a frozen dataclass whose fields are its hyper-parameters."""

    name: ClassVar[str]
    reference: ClassVar[str]
    needs: ClassVar[str]

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Explain the logit of `target` for each row of `inputs`; without a target, the class that the model predicts."""
        ...


@dataclass(frozen=True)
class Question:
    """What is asked of a model, checked and on its device: `inputs` (N, ...), `target` (N,)."""

    model: Model
    operation: str
    inputs: torch.Tensor
    target: torch.Tensor

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Run the network: (N, ...) -> (N, classes), refusing what is not a batch of finite logits."""
        return run(self.model, inputs, self.operation)

    def scores(self, inputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The logit of each row's target, (N,)."""
        return self.logits(inputs).gather(1, target.unsqueeze(1)).squeeze(1)

    def gradients(self, inputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The gradient of each row's logit with respect to that row, shaped like `inputs`."""
        points = inputs.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(self.scores(points, target).sum(), points, materialize_grads=True)
        return gradient

    @property
    def rows(self) -> int:
        """How many rows to send through the network at once: as many as stay in the processor's caches."""
        return max(4, min(64, 1_000_000 // max(1, self.inputs[0].numel())))


@contextmanager
def asking(model: Model, inputs: torch.Tensor, target: Target, operation: str) -> Iterator[Question]:
    """Check a question and hold the model still while it is answered.

    Inside, the network is in evaluation mode, gradients are on, and no parameter collects one. Afterwards, whatever happened,
    every module has its mode back, and every parameter its `requires_grad` and its `grad`.

    Raises
    ------
    ShapeError : `inputs` is no batch of finite numbers, or `target` is no class of the model.
    ModelError : the network does not give finite logits, one row per sample.
    """
    _check_inputs(inputs, operation)
    asked = [(parameter, parameter.requires_grad) for parameter in model.net.parameters()]
    with torch.inference_mode(False), torch.enable_grad(), evaluation(model.net):
        try:
            for parameter, _ in asked:
                parameter.requires_grad_(False)
            batch = inputs.detach().clone().to(model.device)
            yield Question(model, operation, batch, _targets(model, batch, target, operation))
        finally:
            for parameter, requires_grad in asked:
                parameter.requires_grad_(requires_grad)


def run(model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
    """Run the network once and check what it gives.

    Raises
    ------
    ModelError : the output is not one tensor (N, classes) of finite numbers.
    """
    logits = model.net(inputs)
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != len(inputs):
        found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        problem = f"{model.name} gives {found} for a batch of {len(inputs)}"
        raise ModelError(
            operation, problem, expected="one tensor of logits, (N, classes)", remedy="Wrap the network so that it does."
        )
    if not logits.detach().isfinite().all():
        raise ModelError(operation, f"{model.name} gives logits that are not finite numbers", remedy="Check its weights.")
    return logits


def params_of(explainer: Any) -> dict[str, Any]:
    """The hyper-parameters of a method, by name."""
    return {entry.name: getattr(explainer, entry.name) for entry in fields(explainer)}


def _check_inputs(inputs: torch.Tensor, operation: str) -> None:
    if not isinstance(inputs, torch.Tensor) or inputs.ndim < 2 or not inputs.is_floating_point():
        found = f"{tuple(inputs.shape)} {inputs.dtype}" if isinstance(inputs, torch.Tensor) else type(inputs).__name__
        raise ShapeError(operation, f"the inputs are {found}", expected="a batch of floating-point inputs, such as (N, C, H, W)")
    if len(inputs) == 0:
        raise ShapeError(operation, "the batch is empty", expected="at least one sample")
    if not inputs.isfinite().all():
        raise ShapeError(operation, "the inputs hold NaN or infinite values", expected="finite numbers")


def _targets(model: Model, inputs: torch.Tensor, target: Target, operation: str) -> torch.Tensor:
    classes = len(model.classes)
    if target is None:
        with torch.no_grad():
            return torch.cat([run(model, part, operation).argmax(1) for part in torch.split(inputs, 64)])
    chosen = torch.as_tensor(target, device=inputs.device)
    if (
        chosen.is_floating_point()
        or chosen.dtype == torch.bool
        or chosen.ndim > 1
        or (chosen.ndim == 1 and len(chosen) != len(inputs))
    ):
        problem = f"the target is {tuple(chosen.shape)} {chosen.dtype} for a batch of {len(inputs)}"
        raise ShapeError(operation, problem, expected="one class index, or one for each sample, (N,)")
    outside = chosen[(chosen < 0) | (chosen >= classes)]
    if outside.numel():
        raise ShapeError(operation, f"the target {outside.flatten()[0].item()} is no class", expected=f"0 to {classes - 1}")
    return chosen.long().expand(len(inputs))
