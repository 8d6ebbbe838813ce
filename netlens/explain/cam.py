"""Class activation maps by gradients: which places of a layer speak for a class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from netlens.explain.base import Attribution, Target, asking, on_cpu, params_of
from netlens.explain.maps import as_read, last_map, map_layers, spatial_layers, told_places, weighing
from netlens.explain.numbers import exact
from netlens.models.model import Model

__all__ = ["GradCAM", "GradCAMPlusPlus", "LayerCAM", "last_map", "map_layers", "spatial_layers"]

Combine = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class GradCAM:
    """The maps of a layer, weighted by the mean gradient of the logit in each, summed, and cut off below zero.

    Parameters
    ----------
    layer : path of a layer with maps (N, K, h, w), or (N, K, t) along a series, or with the tokens (N, T, D) of an image; empty for the last.
    relu : keep only what speaks for the class, as in the paper; without it the map is signed.

    Notes
    -----
    What lies before the layer runs without a graph.

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra 2017, arXiv:1610.02391.
    """

    name: ClassVar[str] = "grad_cam"
    family: ClassVar[str] = "activation map"
    needs: ClassVar[str] = "gradients and a layer with maps"
    cost: ClassVar[str] = "1 forward, 1 backward down to the layer"
    gives: ClassVar[str] = "one map of the layer's size"
    reference: ClassVar[str] = "arXiv:1610.02391"

    layer: str = ""
    relu: bool = True

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values (N, 1, h, w), or (N, 1, t) along a series, in logits per unit of activation times activation; `layer` says where."""

        def combine(maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
            return _weighted(maps, gradient.mean((2, 3), keepdim=True))

        return _map(self, model, inputs, target, combine, relu=self.relu)


@dataclass(frozen=True)
class GradCAMPlusPlus:
    """Grad-CAM with weights that count each place where the gradient is positive, so that several objects of a class all show.

    Parameters
    ----------
    layer : path of a layer with maps (N, K, h, w), or (N, K, t) along a series, or with the tokens (N, T, D) of an image; empty for the last.

    Notes
    -----
    The paper explains the exponential of the logit, whose second and third derivatives are powers of the first where the tail of
    the network is piecewise linear. The exponential itself is a common factor of the map, and is left out.

    References
    ----------
    Chattopadhay, Sarkar, Howlader and Balasubramanian 2018, arXiv:1710.11063.
    """

    name: ClassVar[str] = "grad_cam_plus_plus"
    family: ClassVar[str] = "activation map"
    needs: ClassVar[str] = "gradients and a layer with maps"
    cost: ClassVar[str] = "1 forward, 1 backward down to the layer"
    gives: ClassVar[str] = "one map of the layer's size, not negative"
    reference: ClassVar[str] = "arXiv:1710.11063"

    layer: str = ""

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values (N, 1, h, w), or (N, 1, t) along a series, not negative; `layer` says where."""

        def combine(maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
            below = 2 + maps.sum((2, 3), keepdim=True) * gradient  # alpha is 1 / below: the square of the gradient cancels
            shares = gradient.relu() / below.masked_fill_(below == 0, float("inf"))
            return _weighted(maps, shares.sum((2, 3), keepdim=True))

        return _map(self, model, inputs, target, combine, relu=True)


@dataclass(frozen=True)
class LayerCAM:
    """The maps of a layer, each place weighted by its own gradient where that is positive: sharp also in early layers.

    Parameters
    ----------
    layer : path of a layer with maps (N, K, h, w), or (N, K, t) along a series, or with the tokens (N, T, D) of an image; empty for the last.

    References
    ----------
    Jiang, Zhang, Hou, Cheng and Wei 2021, doi:10.1109/TIP.2021.3089943.
    """

    name: ClassVar[str] = "layer_cam"
    family: ClassVar[str] = "activation map"
    needs: ClassVar[str] = "gradients and a layer with maps"
    cost: ClassVar[str] = "1 forward, 1 backward down to the layer"
    gives: ClassVar[str] = "one map of the layer's size, not negative"
    reference: ClassVar[str] = "doi:10.1109/TIP.2021.3089943"

    layer: str = ""

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values (N, 1, h, w), or (N, 1, t) along a series, not negative; `layer` says where."""

        def combine(maps: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
            return (gradient.relu() * maps).sum(1, keepdim=True)

        return _map(self, model, inputs, target, combine, relu=True)


def _map(method: Any, model: Model, inputs: torch.Tensor, target: Target, combine: Combine, *, relu: bool) -> Attribution:
    """Read maps and gradients of the method's layer, and combine them."""
    with asking(model, inputs, target, type(method).__name__) as question:
        layer = method.layer or last_map(question)

        def one(part: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
            maps, gradient = weighing(question, layer, part, classes)
            found = combine(exact(maps), exact(gradient))
            return as_read(question, layer, found.relu() if relu else found)

        values = question.chunked(one, question.inputs, question.target)
        params = params_of(method) | told_places(question, layer)
        return Attribution(on_cpu(values), question.target.cpu(), method.name, params, layer)


def _weighted(maps: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Sum the maps (B, K, h, w) with one weight a map (B, K, 1, 1): (B, 1, h, w)."""
    return (maps * weights).sum(1, keepdim=True)
