"""Keep what layers give while a network runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch

from netlens.capture.fast_path import no_fast_path
from netlens.errors import ModelError
from netlens.models.model import Model

Hook = Callable[..., Any]


@contextmanager
def hooked(
    model: Model, layers: Sequence[str], make: Callable[[str], Hook], operation: str = "capture", *, keywords: bool = False
) -> Iterator[None]:
    """Register the forward hook `make(path)` on each layer for as long as the context lasts.

    A hook gets the module, its inputs and its output; with `keywords`, the inputs that were given by name stand before the output.

    Raises
    ------
    ModelError : a layer does not exist, or the network is TorchScript; then no hook was registered.
    """
    modules = [(path, model.layer(path, operation)) for path in layers]
    if any(isinstance(module, torch.jit.ScriptModule) for _, module in modules):
        problem = f"{model.name} is TorchScript, which does not show what its layers give"
        raise ModelError(operation, problem, remedy="Use the network that it was made from, or a method that reads no layer.")
    handles = []
    try:
        for path, module in modules:
            handles.append(module.register_forward_hook(make(path), with_kwargs=keywords))
        with no_fast_path():
            yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def activations(
    model: Model,
    layers: Sequence[str],
    operation: str = "capture",
    *,
    leaf: bool = False,
    calls: Mapping[str, int] | None = None,
    stop: bool = False,
) -> Iterator[dict[str, torch.Tensor]]:
    """Keep the output of each layer during the forward passes inside the context.

    Parameters
    ----------
    leaf : start the graph at the layers: what lies before them runs without a graph, and gradients end there.
    calls : for a layer that the network uses several times, which of its calls to keep, from 0; the last one where it is not named.
    stop : end the context as soon as every layer's call that `calls` names was kept; what follows is not run.

    Yields
    ------
    A dictionary from path to the latest output, still part of the graph. A layer that follows and works in place does not
    change what was kept: it works on a copy.

    Raises
    ------
    ModelError : a layer does not exist, or its output is not one tensor.
    """
    kept: dict[str, torch.Tensor] = {}
    counts: Counter[str] = Counter()
    wanted = calls or {}

    def make(path: str) -> Hook:
        def keep(_module: torch.nn.Module, _inputs: tuple[Any, ...], output: Any) -> torch.Tensor | None:
            counts[path] += 1
            if wanted.get(path, counts[path] - 1) != counts[path] - 1:
                return None
            if not isinstance(output, torch.Tensor):
                problem = f"the layer '{path}' of {model.name} gives a {type(output).__name__}"
                raise ModelError(operation, problem, expected="a layer whose output is one tensor")
            kept[path] = output.detach().requires_grad_() if leaf else output
            if stop and all(layer in kept and layer in wanted for layer in layers):
                raise _ReachedError
            return kept[path].clone()

        return keep

    with hooked(model, layers, make, operation), suppress(_ReachedError):
        yield kept


class _ReachedError(BaseException):
    """The last layer that is listened to was reached. No network's own `except Exception` can take it for a fault."""
