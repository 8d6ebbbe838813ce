"""Numbers that go into an explanation: finite ones, in the right shape, of a class that exists."""

from __future__ import annotations

import math

import torch

from netlens.errors import ShapeError
from netlens.models.model import Model

FEW = 64  # numbers that Python looks at sooner than torch starts an operation


def check_inputs(inputs: torch.Tensor, operation: str, *, tokens: bool = False) -> None:
    """Refuse what is no batch of finite numbers; ids of tokens (N, T) pass where they are welcome."""
    if are_tokens(inputs):
        if not tokens:
            problem = (
                f"the inputs are {tuple(inputs.shape)} {inputs.dtype}, such as ids of tokens, which have no gradient and no size"
            )
            remedy = "Use explain.text, which explains texts with every method."
            raise ShapeError(operation, problem, expected="a batch of floating-point inputs, such as (N, C, H, W)", remedy=remedy)
    elif not isinstance(inputs, torch.Tensor) or inputs.ndim < 2 or not inputs.is_floating_point():
        found = f"{tuple(inputs.shape)} {inputs.dtype}" if isinstance(inputs, torch.Tensor) else type(inputs).__name__
        raise ShapeError(operation, f"the inputs are {found}", expected="a batch of floating-point inputs, such as (N, C, H, W)")
    if inputs.numel() == 0:
        raise ShapeError(operation, "the batch is empty", expected="at least one sample")
    if not finite(inputs):
        raise ShapeError(operation, "the inputs hold NaN or infinite values", expected="finite numbers")


def are_tokens(inputs: object) -> bool:
    """Whether inputs are ids of tokens: whole numbers (N, T)."""
    return isinstance(inputs, torch.Tensor) and inputs.ndim == 2 and inputs.dtype in (torch.int64, torch.int32)


def checked_target(model: Model, inputs: torch.Tensor, target: int | torch.Tensor, operation: str) -> torch.Tensor:
    classes = len(model.classes)
    if not isinstance(target, torch.Tensor):
        try:
            target = torch.tensor(target)
        except (TypeError, ValueError, RuntimeError) as error:
            expected = f"indices of classes, 0 to {classes - 1}"
            remedy = "model.classes.index(name) gives the index of a name."
            raise ShapeError(operation, f"the target is {target!r}", expected=expected, remedy=remedy) from error
    if (
        target.is_floating_point()
        or target.dtype == torch.bool
        or target.ndim > 1
        or (target.ndim == 1 and len(target) != len(inputs))
    ):
        problem = f"the target is {tuple(target.shape)} {target.dtype} for a batch of {len(inputs)}"
        raise ShapeError(operation, problem, expected="one class index, or one for each sample, (N,)")
    found: list[int] = target.tolist() if target.ndim else [int(target)]
    outside = [value for value in found if not 0 <= value < classes]
    if outside:
        raise ShapeError(operation, f"the target {outside[0]} is no class", expected=f"0 to {classes - 1}")
    target = target.to(inputs.device, torch.long)
    return target if target.ndim else target.expand(len(inputs))


def finite(tensor: torch.Tensor) -> bool:
    """Whether every number is finite. Their sum tells, at less cost, unless it overflows."""
    plain = tensor.detach() if tensor.requires_grad else tensor
    if plain.numel() <= FEW:
        return all(map(math.isfinite, plain.reshape(-1).tolist()))
    return math.isfinite(plain.sum().item()) or bool(plain.isfinite().all())


def exact(tensor: torch.Tensor) -> torch.Tensor:
    """The same numbers in float32 when they come in half precision or as whole numbers, so that sums and means of them are right."""
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()
