"""Which layers of a network still have a height and a width, and what they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from netlens.capture import activations, hooked
from netlens.errors import ModelError
from netlens.explain.question import Question, asking, exact
from netlens.models.model import Model

_LAYERS: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], dict[str, int]]] = WeakKeyDictionary()


def last_map(question: Question) -> str:
    """The last layer, in the order of execution, whose output still has a height and a width.

    Raises
    ------
    ModelError : no layer has.
    """
    layers = spatial_layers(question)
    if not layers:
        problem = f"{question.model.name} has no layer with maps (N, K, h, w) larger than one pixel"
        raise ModelError(question.operation, problem, remedy="Use saliency or integrated_gradients instead.")
    return layers[-1]


def spatial_layers(question: Question) -> list[str]:
    """The layers whose output is (N, K, h, w) with more than one place, in the order of execution."""
    return list(map_calls(question))


def map_layers(model: Model, inputs: torch.Tensor) -> list[str]:
    """The layers of `model` that Grad-CAM can read, in the order of execution."""
    with asking(model, inputs[:1], 0, "GradCAM") as question:
        return spatial_layers(question)


def map_calls(question: Question) -> dict[str, int]:
    """The layers with maps, and for each the last of its calls that gave maps; one forward pass, once for a network and a shape."""
    known = _LAYERS.setdefault(question.model.net, {})
    key = (tuple(question.inputs.shape[1:]), question.inputs.dtype)
    if key not in known:
        known[key] = _observe(question)
    return known[key]


def _observe(question: Question) -> dict[str, int]:
    found: dict[str, int] = {}
    counts: Counter[str] = Counter()

    def make(path: str) -> Callable[..., None]:
        def note(_module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
            if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1:
                found.pop(path, None)  # a layer used again moves to the end
                found[path] = counts[path]
            counts[path] += 1

        return note

    rows = question.plan.prepare(question.inputs[:1])  # the plan first: what it measures is no call of ours
    with hooked(question.model, list(question.model.layers), make, question.operation), torch.no_grad():
        question.logits(rows)
    return found


def scored_maps(question: Question, layer: str, inputs: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The maps of a layer (B, K, h, w), where the graph starts, and each row's logit (B,).

    Raises
    ------
    ModelError : the layer has no maps, or was not reached.
    """
    with activations(question.model, [layer], question.operation, leaf=True, calls=map_calls(question)) as kept:
        scores = exact(question.once(inputs).gather(1, target.unsqueeze(1)).squeeze(1))
    maps = kept.get(layer)
    if maps is None or maps.ndim != 4:
        found = "was not reached" if maps is None else f"gives {tuple(maps.shape)}"
        raise no_maps(question, layer, found)
    return maps, scores


def weighing(question: Question, layer: str, inputs: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The maps of a layer and the gradient of each row's logit with respect to them, both (B, K, h, w), without a graph.

    Raises
    ------
    ModelError : the layer has no maps, or no gradient reaches it.
    """
    maps, scores = scored_maps(question, layer, inputs, target)
    if not scores.requires_grad:
        raise no_maps(question, layer, "has no path to the logits")
    return maps.detach(), question.derivative(scores, maps)


def no_maps(question: Question, layer: str, found: str) -> ModelError:
    """Make the error for a layer that cannot be read as maps."""
    known = ", ".join(spatial_layers(question))
    problem = f"the layer '{layer}' of {question.model.name} {found}"
    return ModelError(question.operation, problem, expected="maps (N, K, h, w)", remedy=f"Layers with maps: {known or 'none'}.")
