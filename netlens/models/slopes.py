"""Run a network whose nonlinear operations pass back a slope of our choosing in place of their derivative. No module is touched."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch
from torch.autograd.graph import Node
from torch.nn import functional
from torch.overrides import TorchFunctionMode

# Functions of one number, by the names under which torch has them, as functions or methods, out of place or in place.
ROUND = re.compile("gelu|silu|mish|sigmoid|log_sigmoid|tanh|softplus|tanhshrink|erf|exp|expm1|sin|cos|atan")
CORNERED = re.compile(
    "r?relu|relu6|hardtanh|leaky_relu|prelu|[sc]?elu|hardswish|hardsigmoid|softsign|threshold|(hard|soft)shrink|clamp(_min|_max)?|"
    "abs|square|pow|r?sqrt|log(1p|it)?|reciprocal"
)
POOL = re.compile(r"(?:adaptive_)?max_pool([123])d")
NO_STEP = 1e-10  # between two inputs that are no further apart there is no slope; captum's number
SMALLEST = {dtype: torch.finfo(dtype).tiny for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)}


@dataclass(frozen=True)
class Operation:
    """One call of a nonlinear operation on `inputs`.

    `call` : the call as the network made it. `run` : what it computes of any such tensor, out of place; of a pooling also the indices,
    flat over its last `pooled` dimensions.
    `in_place` : whether it was to write into `inputs`. `round` : whether its derivative changes slowly.
    """

    name: str
    inputs: torch.Tensor
    call: Callable[[], torch.Tensor]
    run: Callable[[torch.Tensor], Any]
    in_place: bool = False
    round: bool = False
    pooled: int = 0

    def gives(self, found: Any) -> torch.Tensor:
        """Hand the network what `run` found of the inputs."""
        result: torch.Tensor = found[0] if self.pooled else found
        return self.inputs.copy_(result) if self.in_place else result


Rule = Callable[[Operation], torch.Tensor]
Base = tuple[torch.Tensor, Any]  # what went into an operation at another time, and what it gave


class Intercepted(TorchFunctionMode):
    """Hand every call of an elementwise function or a max-pooling to `rule`, whoever makes it; all else runs as it is."""

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self.rule = rule

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        operation = nonlinear(func, args, named)
        return func(*args, **named) if operation is None else self.rule(operation)


def nonlinear(func: Any, args: tuple[Any, ...], named: dict[str, Any]) -> Operation | None:
    """Read a call of a torch function; None when it is none of those above, or when its constants depend on the input."""
    name, pooled, known, in_place = _named(getattr(func, "__name__", ""))
    if not known:
        return None
    if not args:
        named = dict(named)
        args = (named.pop("input", None),)
    inputs, rest = args[0], args[1:]
    fitting = isinstance(inputs, torch.Tensor) and inputs.is_floating_point() and "out" not in named
    if not fitting or _depend((*rest, *named.values())):
        return None
    call = partial(func, *args, **named)
    if pooled:
        if named.get("return_indices", name.startswith("adaptive")):  # torch's own adaptive ones always give them
            return None
        pool = getattr(functional, f"{name}_with_indices")
        return Operation(name, inputs, call, lambda values: pool(values, *rest, **named), pooled=pooled)
    in_place = in_place or bool(named.get("inplace"))

    def run(values: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = func(values.clone() if in_place else values, *rest, **named)
        return found

    return Operation(name, inputs, call, run, in_place, bool(ROUND.fullmatch(name)))


@cache
def _named(name: str) -> tuple[str, int, bool, bool]:
    """Which function a name means, over how many dimensions it pools, whether it is known here, and whether it works in place."""
    plain = name.split(".")[0]  # an exported program says relu.default
    short = plain.strip("_")
    pool = POOL.fullmatch(short)
    known = bool(pool or ROUND.fullmatch(short) or CORNERED.fullmatch(short))
    return short, int(pool[1]) if pool else 0, known, plain.endswith("_") and not plain.endswith("__")


def _depend(constants: tuple[Any, ...]) -> bool:
    return any(isinstance(one, torch.Tensor) and one.requires_grad for one in constants)


def between(operation: Operation, base: Base) -> torch.Tensor:
    """Compute an operation that passes back the slope from another input of it, `base`, to its own."""
    way, compute, detail = (Winner, _winners, operation.pooled) if operation.pooled else (Slope, _slopes, operation.in_place)
    found: torch.Tensor = way.apply(operation.inputs, partial(compute, operation, base), detail)
    return found


def marked(operation: Operation) -> torch.Tensor:
    """Compute an operation so that its graph shows that a rule can reach it."""
    inputs = operation.inputs.detach()
    return between(operation, (inputs, operation.run(inputs))) if operation.inputs.requires_grad else operation.call()


def from_zero(operation: Operation) -> torch.Tensor:
    """Compute an activation that passes back its output over its input; one that gives something for 0 keeps its derivative."""
    if operation.pooled or operation.name == "relu" or not operation.inputs.requires_grad:
        return operation.call()
    zero = torch.zeros_like(operation.inputs[:1])
    found = operation.run(zero)
    return operation.call() if found.any() else between(operation, (zero, found))


def is_slope(node: Node) -> bool:
    """Whether an operation of a graph passes back such a slope."""
    return getattr(node, "_forward_cls", None) in (Slope, Winner)


class Slope(torch.autograd.Function):
    """An elementwise function whose gradient is multiplied by given slopes."""

    @staticmethod
    def forward(context: Any, inputs: torch.Tensor, compute: Callable[[torch.Tensor], Any], in_place: bool) -> Any:
        """Compute outputs and slopes of `inputs`."""
        found, slopes = compute(inputs)
        context.save_for_backward(slopes)
        if in_place:
            context.mark_dirty(inputs)
        return inputs.copy_(found) if in_place else found

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> Any:
        """Multiply, in the memory layout of the slopes: that of the network, where a gradient may come in another."""
        (slopes,) = context.saved_tensors
        return slopes * gradient, None, None


class Winner(torch.autograd.Function):
    """A max-pooling in which each output passes its gradient, times a slope, to one input."""

    @staticmethod
    def forward(context: Any, inputs: torch.Tensor, compute: Callable[[torch.Tensor], Any], dims: int) -> Any:
        """Compute outputs, places and slopes of `inputs`."""
        found, places, slopes = compute(inputs)
        context.save_for_backward(places, slopes)
        context.shape, context.layout, context.dims = inputs.shape, layout(inputs), dims
        return found

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> Any:
        """Add up in each input what the outputs pass to it: windows may overlap."""
        places, slopes = context.saved_tensors
        passed = gradient.flatten(-context.dims) * slopes
        whole = torch.empty(context.shape, dtype=passed.dtype, device=passed.device, memory_format=context.layout).zero_()
        whole.flatten(-context.dims).scatter_add_(-1, places, passed)
        return whole, None, None


def _slopes(operation: Operation, base: Base, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The outputs, and the slopes from a base to the inputs; the derivative half-way where the two lie too close for a quotient."""
    found, (before, then) = operation.run(inputs), base
    if before.stride()[1:] != inputs.stride()[1:] and inputs.ndim == 4:  # reading two layouts side by side is slow
        before, then = (part.contiguous(memory_format=layout(inputs)) for part in base)
    step = inputs - before
    if operation.name == "relu":  # the same in few steps, for what most networks are made of: 1 or 0 where there is no step
        reach = step.abs_().add_(SMALLEST[step.dtype])
        return found, torch.maximum(inputs, before).div_(reach).clamp_(0, 1)
    slopes = (found - then).div_(step)
    close = step.abs_() < (torch.finfo(step.dtype).eps ** (1 / 3) if operation.round else NO_STEP)
    if close.any():
        middle = ((inputs + before) / 2).detach().requires_grad_()
        with torch.enable_grad():
            (derivative,) = torch.autograd.grad(operation.run(middle).sum(), middle)
        slopes = torch.where(close, derivative, slopes)
    return found, slopes


def _winners(operation: Operation, base: Base, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The outputs, which input each output's change is put down to, and its share of that input's change.

    Where the maximum grew, that is the input that is now the greatest; where it fell, the one that was the greatest before.
    """
    found, now = operation.run(inputs)
    start, (before, then) = base[0].expand_as(inputs), base[1]
    places = torch.where(found >= before, now, then).flatten(-operation.pooled)
    one, other = (part.flatten(-operation.pooled).gather(-1, places) for part in (inputs, start))
    change = (found - before).flatten(-operation.pooled)
    return found, places, change.div_(one.sub_(other)).nan_to_num_(1)  # 0 / 0 where nothing moved


def layout(tensor: torch.Tensor) -> torch.memory_format:
    """Whether the channels of a batch of images lie next to each other."""
    last = tensor.ndim == 4 and not tensor.is_contiguous() and tensor.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format
