"""Weights as pictures, only where they are pictures: the layer must see the image itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from netlens.capture import Hook, hooked
from netlens.internals.stream import run
from netlens.models.model import Model, evaluation
from netlens.models.still import eager

OPERATION = "filters"


@dataclass(frozen=True)
class Filters:
    """The weights of the layer that sees the image, one picture a unit, (units, channels, h, w); or None, and `reason` says why."""

    path: str
    pictures: NDArray[np.float32] | None
    reason: str


def filters(model: Model, inputs: torch.Tensor, path: str = "") -> Filters:
    """Give the weights of a layer as pictures, if a picture of them means something.

    Parameters
    ----------
    inputs : images (N, C, h, w), as the network takes them.
    path : the layer; empty for the first one with weights that runs.

    Raises
    ------
    ModelError : the layer does not exist, or the network does not show its layers.

    Notes
    -----
    A weight is a pixel of a picture only if its neighbour in the array is its neighbour in the image. So the layer must be a convolution of
    images with 1 or 3 channels, or a linear layer on the pixels themselves. What it sees is compared with the image, number by number.
    """
    model = eager(model)
    listened = [name for name, layer in model.layers.items() if next(layer.parameters(recurse=False), None) is not None]
    seen: dict[str, torch.Tensor] = {}

    def make(name: str) -> Hook:
        def keep(_module: nn.Module, given: tuple[Any, ...], _output: Any) -> None:
            if given and isinstance(given[0], torch.Tensor):
                seen.setdefault(name, given[0].detach().cpu().clone())

        return keep

    if path:
        model.layer(path, OPERATION)
        listened = [name for name in listened if name == path]
    sample = inputs[:1]
    with evaluation(model.net), torch.no_grad(), hooked(model, listened, make, OPERATION):
        run(model, sample, OPERATION)
    path = path or next(iter(seen), "")
    if path not in seen:
        return Filters(
            path,
            None,
            f"`{path}` has no weights of its own, or none that the forward pass calls." if path else "No layer has weights.",
        )
    reason = _no_picture(path, model.layer(path), seen[path], sample.cpu())
    return Filters(path, None if reason else _pictures(model.layer(path), sample), reason)


def _no_picture(path: str, layer: nn.Module, seen: torch.Tensor, image: torch.Tensor) -> str:
    """Why a picture of a layer's weights would mean nothing; empty if it would mean something."""
    if image.ndim != 4 or image.shape[1] not in (1, 3):
        return f"The inputs are no images: they have the shape {tuple(image.shape[1:])}."
    itself = seen.numel() == image.numel() and bool(torch.equal(seen.flatten(), image.flatten().to(seen.dtype)))
    if isinstance(layer, nn.Conv2d):
        if layer.groups == 1 and seen.shape[1] == image.shape[1] and (itself or seen.shape == image.shape):
            return ""
        return f"`{path}` sees {seen.shape[1]} channels of an earlier layer, and no image: its weights have no colours, and the order of channels is arbitrary."
    if isinstance(layer, nn.Linear) and itself:
        return ""
    if isinstance(layer, nn.Linear):
        return f"`{path}` sees {seen.shape[-1]:,} units of an earlier layer, whose order is arbitrary: neighbours in its weights are no neighbours in the image."
    return f"`{path}` is a {type(layer).__name__}, whose weights are no patterns."


def _pictures(layer: nn.Module, image: torch.Tensor) -> NDArray[np.float32]:
    weight = layer.get_parameter("weight").detach().float().cpu()
    pictures: NDArray[np.float32] = (weight if weight.ndim == 4 else weight.reshape(len(weight), *image.shape[1:])).numpy()
    return pictures
