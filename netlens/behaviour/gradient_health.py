"""Does every layer still learn? The gradient of the loss at the weights of each layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from netlens.errors import ModelError, ShapeError
from netlens.models.model import Model
from netlens.models.still import still

OPERATION = "gradient health"


@dataclass(frozen=True)
class LayerHealth:
    """One layer with weights: the root mean square of its `weight` and of the loss's `gradient` there; NaN where it is not finite."""

    layer: str
    weight: float
    gradient: float

    @property
    def silent(self) -> bool:
        """Whether no gradient reaches the layer, or its numbers are not finite."""
        return not (math.isfinite(self.gradient) and math.isfinite(self.weight)) or self.gradient == 0


@dataclass(frozen=True)
class GradientHealth:
    """The layers in order. `ratio` : the largest gradient over the smallest that is not 0; `silent` : layers that no gradient reaches."""

    layers: tuple[LayerHealth, ...]
    n: int

    @property
    def silent(self) -> tuple[str, ...]:
        """The paths of the silent layers."""
        return tuple(one.layer for one in self.layers if one.silent)

    @property
    def ratio(self) -> float:
        """How far the gradients of the layers that learn lie apart; NaN when fewer than two do."""
        sizes = [one.gradient for one in self.layers if not one.silent]
        return max(sizes) / min(sizes) if len(sizes) > 1 else math.nan


def gradient_health(model: Model, inputs: torch.Tensor, *, rows: int = 64) -> GradientHealth:
    """Take the gradient of the loss at every weight, with labels that are drawn at random so that even a perfect model has something to learn.

    Raises
    ------
    ModelError : the network has no layer with weights that can be differentiated.
    ShapeError : there is no input.

    Notes
    -----
    Cost: one forward and one backward pass an input. The parameters keep their `grad` and `requires_grad`.
    """
    if len(inputs) == 0:
        raise ShapeError(OPERATION, "there is no input", expected="at least one")
    owners = [
        (path, parameter)
        for path, layer in model.layers.items()
        for name, parameter in layer.named_parameters(recurse=False)
        if parameter.is_floating_point() and "weight" in name
    ]
    parameters = list(dict.fromkeys(parameter for _, parameter in owners))
    if not parameters:
        problem = f"{model.name} has no layer with weights that can be differentiated"
        raise ModelError(OPERATION, problem, remedy="Its gradients cannot be looked at.")
    labels = torch.randint(len(model.classes), (len(inputs),), generator=torch.Generator().manual_seed(0)).to(model.device)
    sums = [torch.zeros_like(parameter) for parameter in parameters]
    with still(model.net, OPERATION):
        asked = [parameter.requires_grad for parameter in parameters]
        try:
            for parameter in parameters:
                parameter.requires_grad_(True)
            for part in torch.split(torch.arange(len(inputs)), rows):
                scores = model.net(inputs[part].to(model.device, parameters[0].dtype)).float()
                loss = torch.nn.functional.cross_entropy(scores, labels[part], reduction="sum")
                found = torch.autograd.grad(loss, parameters, allow_unused=True)
                for total, slope in zip(sums, found, strict=True):
                    if slope is not None:
                        total += slope / len(inputs)
        finally:
            for parameter, before in zip(parameters, asked, strict=True):
                parameter.requires_grad_(before)
    slopes = dict(zip(parameters, sums, strict=True))
    layers: dict[str, LayerHealth] = {}
    for path, parameter in owners:
        one = LayerHealth(path, _size(parameter.detach()), _size(slopes[parameter]))
        if path not in layers or one.gradient < layers[path].gradient:
            layers[path] = one
    return GradientHealth(tuple(layers.values()), len(inputs))


def _size(values: torch.Tensor) -> float:
    size = float(values.double().square().mean().sqrt())
    return size if math.isfinite(size) else math.nan
