"""Write out the recurrent modules of a network while it runs, and check them against what the modules give."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from netlens.capture import hooked
from netlens.errors import ModelError, ShapeError
from netlens.internals.recurrent_call import Call
from netlens.internals.recurrent_cells import hear_cell
from netlens.internals.recurrent_modules import hear_module
from netlens.models.model import Model
from netlens.models.still import eager, still

KINDS = "nn.RNN, nn.LSTM, nn.GRU or one of their cells"


def recurrent_layers(model: Model) -> tuple[str, ...]:
    """The paths of the recurrent modules and cells of a network, in its order; empty when it has none."""
    modules = dict(eager(model).net.named_modules()).items()
    return tuple(path for path, module in modules if path and isinstance(module, nn.RNNBase | nn.RNNCellBase))


@contextmanager
def listening(
    model: Model, inputs: torch.Tensor, operation: str, layer: str = ""
) -> Iterator[tuple[Model, torch.Tensor, list[Call]]]:
    """Replace what recurrent modules give by their equations, which are the same numbers, for as long as the context lasts.

    Yields the network to run, its inputs on its device, and the list that is filled by each run. Every state is then part of the graph of
    the logits. cuDNN, which keeps its states to itself, is off.

    Raises
    ------
    ModelError : there is no recurrent layer; or a module gives something else than its equations.
    """
    if not isinstance(inputs, torch.Tensor) or inputs.ndim < 2 or inputs.numel() == 0:
        found = tuple(inputs.shape) if isinstance(inputs, torch.Tensor) else type(inputs).__name__
        raise ShapeError(operation, f"the inputs are {found}", expected="a batch with at least one sample")
    if inputs.is_floating_point() and not bool(inputs.isfinite().all()):
        raise ShapeError(operation, "the inputs hold NaN or infinite values", expected="finite numbers")
    model = eager(model)
    layers = _chosen(model, layer, operation)
    calls: list[Call] = []
    with still(model.net, operation):
        batch = inputs.detach().to(model.device)
        if batch.is_floating_point():
            batch = batch.to(model.precision)

        def make(path: str) -> Any:
            module = model.layer(path, operation)
            heard = hear_cell if isinstance(module, nn.RNNCellBase) else hear_module
            return lambda module, given, named, output: heard(calls, path, module, _arguments(given, named), output, operation)

        with hooked(model, layers, make, operation, keywords=True):
            yield model, batch, calls


def run(model: Model, batch: torch.Tensor, calls: list[Call], operation: str) -> torch.Tensor:
    """Run the network inside `listening`, and see to it that something was heard.

    Raises
    ------
    ShapeError : the network does not take the inputs. ModelError : it did not run a recurrent layer that was listened to.
    """
    try:
        logits: torch.Tensor = model.net(batch)
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError) as error:
        problem = f"{model.name} does not run on inputs {tuple(batch.shape)}: {str(error).splitlines()[0]}"
        raise ShapeError(operation, problem, remedy="Check that the network and the data fit together.") from error
    if not calls:
        raise ModelError(operation, f"{model.name} did not run the layer", remedy="Name a layer that the network runs.")
    return logits


def _chosen(model: Model, layer: str, operation: str) -> tuple[str, ...]:
    found = recurrent_layers(model)
    if layer:
        module = model.layer(layer, operation)
        if layer not in found:
            problem = f"the layer '{layer}' of {model.name} is a {type(module).__name__}"
            raise ModelError(operation, problem, expected=f"a recurrent one: {', '.join(found) or 'there is none'}")
        return (layer,)
    if not found:
        scripted = isinstance(model.net, torch.jit.ScriptModule)
        problem = f"{model.name} is TorchScript, which hides its layers" if scripted else f"{model.name} has no recurrent layer"
        remedy = "Use the network that it was made from." if scripted else "Its activations can be read with netlens.internals."
        raise ModelError(operation, problem, expected=KINDS, remedy=remedy)
    return found


def _arguments(given: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
    """What a module reads and its state before the first step, in whichever way they were given."""
    read = given[0] if given else named["input"]
    return read, given[1] if len(given) > 1 else named.get("hx")
