"""A network at a glance: its layers, what each gives, its parameters and its cost, for any torch module."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import torch
from torch import nn

from netlens.errors import ModelError, ShapeError
from netlens.internals.trace import ROOT, Trace, Visit, first_tensor, traced
from netlens.models.model import Model
from netlens.models.still import eager, still

OPERATION = "architecture"
Inputs = torch.Tensor | tuple[Any, ...] | Mapping[str, Any]


@dataclass(frozen=True)
class Layer:
    """A module of the network, in the order in which the forward pass reached it.

    `shape` : of what its last call gave; None where it was never called. `calls` : how often the pass called it. `parameters`,
    `multiply_adds` : its own, without the modules inside it; parameters that an earlier module holds too are `shared` and not counted
    again. `operations` : what its own code ran, by name.
    """

    path: str
    kind: str
    shape: tuple[int, ...] | None
    calls: int
    parameters: int
    shared: int
    multiply_adds: int
    operations: Mapping[str, int]
    inner: bool


@dataclass(frozen=True)
class Architecture:
    """The modules of a network, and what one forward pass through it costs.

    `inputs` : the shape of the input of the pass. Multiply-adds are counted in products of matrices, convolutions, attention and
    recurrence; sums, activations and normalisation are not. They are those of the whole pass: give one sample to have the cost of one.
    """

    name: str
    inputs: tuple[int, ...]
    layers: tuple[Layer, ...]

    @cached_property
    def parameters(self) -> int:
        """How many numbers the network holds, each counted once."""
        return sum(layer.parameters for layer in self.layers)

    @cached_property
    def multiply_adds(self) -> int:
        """How many multiply-adds the pass took."""
        return sum(layer.multiply_adds for layer in self.layers)

    @cached_property
    def depth(self) -> int:
        """How many modules with weights do products; one that is called twice counts twice."""
        return sum(max(layer.calls, 1) for layer in self.layers if layer.multiply_adds and layer.parameters + layer.shared)

    def below(self, path: str) -> tuple[Layer, ...]:
        """A module and the modules inside it."""
        return tuple(layer for layer in self.layers if path in (layer.path, ROOT) or layer.path.startswith(f"{path}."))

    def frame(self) -> pd.DataFrame:
        """One row for each module that holds no others, and for each other that has weights of its own or multiplies itself."""
        rows = [
            {
                "layer": layer.path or "(the network itself)",
                "kind": layer.kind,
                "calls": layer.calls,
                "output": "×".join(map(str, layer.shape)) if layer.shape else "–",
                "parameters": layer.parameters,
                "multiply-adds": layer.multiply_adds,
            }
            for layer in self.layers
            if not layer.inner or layer.parameters or layer.multiply_adds
        ]
        return pd.DataFrame(rows, columns=["layer", "kind", "calls", "output", "parameters", "multiply-adds"])


def architecture(model: Model | nn.Module, inputs: Inputs) -> Architecture:
    """List the modules of a network with shapes, parameters and multiply-adds, by running it once.

    Parameters
    ----------
    model : a model, or any torch module.
    inputs : what its forward takes: a tensor, a tuple of arguments, or a mapping of named ones. Use one sample.

    Raises
    ------
    ShapeError : the network does not run on the inputs; the message says how far it came.
    ModelError : it has no modules to look at, being a plain function.

    Notes
    -----
    Cost: one forward pass. Modules inside TorchScript, and those that an exported program no longer has, do not show: what they
    compute counts for the module around them. A module whose weights another one uses, as in attention, is listed with 0 calls.
    """
    if not isinstance(model, Model | nn.Module):
        raise ModelError(OPERATION, f"a {type(model).__name__} was given", expected="a netlens Model or a torch module")
    named = eager(model if isinstance(model, Model) else _bare(model))
    net = named.net
    arguments, settings = _call(inputs, named.device)
    first = first_tensor(inputs)
    if first is None or first.shape[:1] == (0,):
        raise ShapeError(OPERATION, "the input is empty", expected="one sample, as the network takes it")
    trace = Trace({})
    try:
        with still(net, OPERATION), torch.no_grad(), traced(net) as trace:
            output = net(*arguments, **settings)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        raise _stopped(named.name, tuple(first.shape), trace, error) from error
    last = first_tensor(output)
    root = trace.visits[ROOT]
    if root.shape is None and last is not None:
        root.shape, root.calls = tuple(last.shape), 1
    return Architecture(named.name, tuple(first.shape), tuple(_layers(net, trace)))


def _bare(net: nn.Module) -> Model:
    from netlens.data import Preprocess

    name = type(net).__name__
    return Model(net, getattr(net, "original_name", name), (), Preprocess((), ()))


def _call(inputs: Inputs, device: torch.device) -> tuple[tuple[Any, ...], dict[str, Any]]:
    def moved(value: Any) -> Any:
        return value.to(device) if isinstance(value, torch.Tensor) else value

    if isinstance(inputs, Mapping):
        return (), {key: moved(value) for key, value in inputs.items()}
    return tuple(moved(value) for value in (inputs if isinstance(inputs, tuple) else (inputs,))), {}


def _layers(net: nn.Module, trace: Trace) -> list[Layer]:
    """The modules in the order in which they were reached."""
    reached = list(trace.visits)
    for path, _ in net.named_modules():
        if path not in trace.visits:
            reached.insert(_place(path, reached), path)
    modules, seen, layers = dict(net.named_modules()), set[nn.Parameter](), []
    for path in reached:
        module = modules[path]
        visit = trace.visits.get(path, Visit(path, module))
        own = [parameter for parameter in module._parameters.values() if parameter is not None]
        if isinstance(module, torch.jit.ScriptModule):
            own = list(module.parameters(recurse=False))
        count = sum(parameter.numel() for parameter in set(own) - seen)
        seen |= set(own)
        shared = sum(parameter.numel() for parameter in own) - count
        kind = str(getattr(module, "original_name", type(module).__name__))
        inner = any(True for _ in module.children())
        operations = Counter(visit.operations)
        layers.append(Layer(path, kind, visit.shape, visit.calls, count, shared, visit.multiply_adds, operations, inner))
    return layers


def _place(path: str, reached: list[str]) -> int:
    """Where a module belongs that was never called: before the first one inside it, or after those around it."""
    inside = [place for place, other in enumerate(reached) if other.startswith(f"{path}.")]
    if inside:
        return inside[0]
    around = path.rpartition(".")[0]
    beside = [place for place, other in enumerate(reached) if not around or other == around or other.startswith(f"{around}.")]
    return beside[-1] + 1 if beside else len(reached)


def _stopped(name: str, shape: tuple[int, ...], trace: Trace, error: Exception) -> ShapeError:
    """Say in which module the pass stopped, and what the last one that ended gave."""
    said = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    inside = trace.running[-1] if len(trace.running) > 1 else ""
    module = trace.visits[inside].module if inside else None
    where = f" in '{inside}' ({_words(module)})" if inside else ""
    done = [visit for visit in trace.visits.values() if visit.shape is not None]
    last = trace.visits.get(trace.ended)
    came = (
        f"{len(done)} modules ran; the last was '{last.path}' ({_words(last.module)}), which gave {last.shape}."
        if last is not None and last.shape is not None
        else "No module had run yet."
    )
    problem = f"{name} does not run on inputs {shape}; it stops{where}: {said}"
    return ShapeError(OPERATION, problem, remedy=f"{came} Give inputs that the network takes.")


def _words(module: nn.Module | None) -> str:
    text = str(module)
    return text if len(text) < 80 and "\n" not in text else type(module).__name__
