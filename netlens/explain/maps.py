"""Which layers of a network still have a height and a width, steps of a series, or tokens with places, and what they hold."""

from __future__ import annotations

from typing import Any

import torch

from netlens.capture import activations
from netlens.errors import ModelError, ShapeError
from netlens.explain.question import Question, asking
from netlens.explain.series import AXIS, time_axis
from netlens.explain.token_maps import as_maps, last_read, token_places
from netlens.explain.uses import tokens_of, uses_of
from netlens.models.model import Model


def last_map(question: Question) -> str:
    """The last layer, in the order of execution, whose output still has a height and a width, steps of a series, or tokens with places.

    Of layers with tokens, the last one is taken on whose patches the logits depend; see `token_maps.last_read`.

    Raises
    ------
    ModelError : no layer has.
    """
    layers = spatial_layers(question)
    if not layers:
        problem = f"{question.model.name} has no layer with maps (N, K, h, w) larger than one pixel" + _untold(question)
        raise ModelError(question.operation, problem, remedy="Use saliency or integrated_gradients instead.")
    tokens = [path for path in layers if uses_of(question)[path].tokens]
    if layers[-1] not in tokens:
        return layers[-1]
    return last_read(question, tokens, {path: _first(question, uses_of(question)[path].tokens) for path in tokens})


def spatial_layers(question: Question) -> list[str]:
    """The layers whose output has places, in the order of execution: (N, K, h, w), (N, K, t) along a series, or tokens of an image."""
    uses = {path: use for path, use in uses_of(question).items() if use.last_map is not None and use.leaf}
    if any(use.series for use in uses.values()) and time_axis(question) is None:
        uses = {path: use for path, use in uses.items() if not use.series}
    placed = {
        count: token_places(question, count, _first(question, count)) for count in {use.tokens for use in uses.values()} - {0}
    }
    return [path for path, use in uses.items() if not use.tokens or placed[use.tokens] is not None]


def told_places(question: Question, layer: str) -> dict[str, Any]:
    """For a layer with tokens, how they lie in the image, in words; of a series, which axis of the inputs is time; nothing for other maps."""
    use = uses_of(question).get(layer)
    if use is not None and use.series:
        axis, shape = time_axis(question), ", ".join(map(str, question.inputs.shape[1:]))
        return {AXIS: axis, "series": f"{use.series} steps along axis {axis} of the inputs (N, {shape})"}
    found = token_places(question, use.tokens, _first(question, use.tokens)) if use is not None and use.tokens else None
    return {} if found is None else {"tokens": found.told}


def _first(question: Question, tokens: int) -> str:
    """The first layer, in the order of execution, with so many tokens; "" for none."""
    return next((path for path, count in tokens_of(question).items() if count == tokens), "")


def map_layers(model: Model, inputs: torch.Tensor) -> list[str]:
    """The layers of `model` that Grad-CAM can read, in the order of execution."""
    with asking(model, inputs[:1], 0, "GradCAM") as question:
        return spatial_layers(question)


def can_be_laid(model: Model, inputs: torch.Tensor) -> bool:
    """Whether the map that Grad-CAM reads of `model` can be enlarged to these inputs.

    Raises
    ------
    NetlensError : it cannot, or there is no map.
    """
    with asking(model, inputs[:1], 0, "GradCAM") as question:
        require_places(question, last_map(question), "grad_cam")
    return True


def calls_of(question: Question, layer: str) -> dict[str, int]:
    """Which call of a layer to read: the last that gave maps, else the last; nothing for a layer that was not reached."""
    use = uses_of(question).get(layer)
    return {} if use is None else {layer: use.last if use.last_map is None else use.last_map}


def read_maps(question: Question, layer: str, inputs: torch.Tensor) -> torch.Tensor:
    """The maps of a layer (B, K, h, w), h = 1 for those of a series; what follows the layer is not run.

    Raises
    ------
    ModelError : the layer has no maps, or was not reached.
    """
    calls = calls_of(question, layer)
    with activations(question.model, [layer], question.operation, leaf=True, calls=calls, stop=True) as kept:
        question.once(inputs)
    return shaped(question, layer, kept.get(layer))


def shaped(question: Question, layer: str, output: torch.Tensor | None) -> torch.Tensor:
    """What a layer gave, or a gradient shaped like it, as maps (B, K, h, w): tokens are laid out, and what has no place is left out.

    Maps of a series are (B, K, 1, t) here; see `as_read`.

    Raises
    ------
    ModelError : it is neither maps nor tokens of an image, or the layer was not reached.
    """
    if output is None:
        raise no_maps(question, layer, "was not reached")
    if of_series(question, layer) and time_axis(question) is not None:
        return output.unsqueeze(2)
    maps = as_maps(question, layer, output, _first(question, output.shape[1]) if output.ndim == 3 else "")
    if maps is None:
        raise no_maps(question, layer, f"gives {tuple(output.shape)}")
    return maps


def weighing(question: Question, layer: str, inputs: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The maps of a layer and the gradient of each row's logit with respect to them, both (B, K, h, w), without a graph.

    Raises
    ------
    ModelError : the layer has no maps, or no gradient reaches it.
    """
    with activations(question.model, [layer], question.operation, leaf=True, calls=calls_of(question, layer)) as kept:
        logits = question.once(inputs)
    output = kept.get(layer)
    maps = shaped(question, layer, output)
    if output is None or not logits.requires_grad:
        raise no_maps(question, layer, "has no path to the logits")
    gradient = question.slopes(logits, output, target)
    return maps.detach(), gradient if maps is output else shaped(question, layer, gradient)


def of_series(question: Question, layer: str) -> bool:
    """Whether a layer gives maps along a series."""
    use = uses_of(question).get(layer)
    return use is not None and use.series > 0


def as_read(question: Question, layer: str, values: torch.Tensor) -> torch.Tensor:
    """Values of the places of a layer (B, 1, h, w) as they are given back: (B, 1, t) for a series."""
    return values.squeeze(2) if of_series(question, layer) else values


def require_places(question: Question, layer: str, instead: str) -> int:
    """The axis of time in the inputs, 0 for images; refuse inputs on which the map of a layer cannot be laid.

    Raises
    ------
    ShapeError : they are neither images nor the series that the layer runs along.
    """
    if question.inputs.ndim == 4:
        return 0
    axis = time_axis(question) if of_series(question, layer) else None
    if axis is None:
        problem = f"a map of '{layer}' cannot be enlarged to inputs shaped {tuple(question.inputs.shape)}"
        expected = "images (N, C, H, W), or a layer that convolves along a series"
        raise ShapeError(question.operation, problem, expected=expected, remedy=f"Use {instead} instead.")
    return axis


def untold_series(model: Model, inputs: torch.Tensor) -> str:
    """Why layers of `model` that convolve along one axis cannot be read on these inputs; nothing where there are none."""
    with asking(model, inputs[:1], 0, "GradCAM") as question:
        return _untold(question)


def _untold(question: Question) -> str:
    """Why layers that convolve along one axis are not read; nothing where there are none."""
    layers = [path for path, use in uses_of(question).items() if use.series and use.leaf]
    if not layers or time_axis(question) is not None:
        return ""
    shape = tuple(question.inputs.shape)
    return (
        f"; '{layers[0]}' gives maps (N, K, t), and which axis of the inputs {shape} is time cannot be told: "
        "no step of them moves one place of what the first Conv1d is given"
    )


def no_maps(question: Question, layer: str, found: str) -> ModelError:
    """Make the error for a layer that cannot be read as maps."""
    known = ", ".join(spatial_layers(question))
    problem = f"the layer '{layer}' of {question.model.name} {found}"
    remedy = f"Layers with maps: {known}." if known else "No layer has maps. Use saliency or integrated_gradients instead."
    expected = "maps (N, K, h, w)"
    if question.inputs.ndim != 4 and any(use.series for use in uses_of(question).values()):
        problem += _untold(question)
        expected += ", or (N, K, t) of a convolution, a pooling or what follows it; tokens (N, t, D) of a series are none"
    return ModelError(question.operation, problem, expected=expected, remedy=remedy)
