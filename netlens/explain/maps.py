"""Which layers of a network still have a height and a width, and what they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import nn

from netlens.capture import activations, hooked
from netlens.errors import ModelError, ShapeError
from netlens.explain.question import Question, asking
from netlens.models.model import Model


@dataclass(frozen=True)
class _Use:
    """Of the calls of a module, counted from 0: the last one, and the last one that gave maps; a leaf has no modules of its own."""

    last: int
    last_map: int | None
    leaf: bool


_USES: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], dict[str, _Use]]] = WeakKeyDictionary()


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
    return [path for path, use in _uses(question).items() if use.last_map is not None and use.leaf]


def map_layers(model: Model, inputs: torch.Tensor) -> list[str]:
    """The layers of `model` that Grad-CAM can read, in the order of execution."""
    with asking(model, inputs[:1], 0, "GradCAM") as question:
        return spatial_layers(question)


def calls_of(question: Question, layer: str) -> dict[str, int]:
    """Which call of a layer to read: the last that gave maps, else the last; nothing for a layer that was not reached."""
    use = _uses(question).get(layer)
    return {} if use is None else {layer: use.last if use.last_map is None else use.last_map}


def _uses(question: Question) -> dict[str, _Use]:
    """How the network uses its modules, in the order in which they last gave maps; one pass, once for a network and a shape."""
    known = _USES.setdefault(question.model.net, {})
    key = (question.inputs.shape[1:], question.inputs.dtype)
    if key not in known:
        known[key] = _observe(question)
    return known[key]


def _observe(question: Question) -> dict[str, _Use]:
    found: dict[str, _Use] = {}

    def make(path: str) -> Callable[..., None]:
        def note(module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
            before = found.get(path, _Use(-1, None, not any(module.children())))
            if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1:
                found.pop(path, None)  # a layer used again moves to the end
                found[path] = replace(before, last=before.last + 1, last_map=before.last + 1)
            else:
                found[path] = replace(before, last=before.last + 1)

        return note

    rows = question.plan.prepare(question.inputs[:1])  # the plan first: what it measures is no call of ours
    paths = [path for path, _ in question.model.net.named_modules() if path]
    with hooked(question.model, paths, make, question.operation), torch.no_grad():
        question.logits(rows)
    return found


def read_maps(question: Question, layer: str, inputs: torch.Tensor) -> torch.Tensor:
    """The maps of a layer (B, K, h, w); what follows the layer is not run.

    Raises
    ------
    ModelError : the layer has no maps, or was not reached.
    """
    calls = calls_of(question, layer)
    with activations(question.model, [layer], question.operation, leaf=True, calls=calls, stop=True) as kept:
        question.once(inputs)
    return _checked(question, layer, kept.get(layer))


def _checked(question: Question, layer: str, maps: torch.Tensor | None) -> torch.Tensor:
    if maps is None or maps.ndim != 4:
        raise no_maps(question, layer, "was not reached" if maps is None else f"gives {tuple(maps.shape)}")
    return maps


def weighing(question: Question, layer: str, inputs: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The maps of a layer and the gradient of each row's logit with respect to them, both (B, K, h, w), without a graph.

    Raises
    ------
    ModelError : the layer has no maps, or no gradient reaches it.
    """
    with activations(question.model, [layer], question.operation, leaf=True, calls=calls_of(question, layer)) as kept:
        scores = question.once(inputs).gather(1, target.unsqueeze(1))
    maps = _checked(question, layer, kept.get(layer))
    if not scores.requires_grad:
        raise no_maps(question, layer, "has no path to the logits")
    return maps.detach(), question.derivative(scores, maps)


def require_images(question: Question, instead: str) -> None:
    """Refuse inputs on which a map cannot be laid.

    Raises
    ------
    ShapeError : they are no images.
    """
    if question.inputs.ndim != 4:
        problem = f"a map cannot be enlarged to inputs shaped {tuple(question.inputs.shape)}"
        raise ShapeError(question.operation, problem, expected="images (N, C, H, W)", remedy=f"Use {instead} instead.")


def no_maps(question: Question, layer: str, found: str) -> ModelError:
    """Make the error for a layer that cannot be read as maps."""
    known = ", ".join(spatial_layers(question))
    problem = f"the layer '{layer}' of {question.model.name} {found}"
    return ModelError(question.operation, problem, expected="maps (N, K, h, w)", remedy=f"Layers with maps: {known or 'none'}.")
