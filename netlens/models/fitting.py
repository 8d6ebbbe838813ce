"""Find a shape of input that a network takes, where nobody says."""

from __future__ import annotations

import math

import torch
from torch import nn

from netlens.errors import ShapeError
from netlens.models.model import BROKEN, Model

SIDES = (32, 28, 224, 64, 8, 16, 96, 128, 256, 299)


def fitting(model: Model) -> torch.Tensor:
    """One random sample of a shape that the network takes, tried from its first layer.

    Raises
    ------
    ShapeError : none was found.
    """
    draw = torch.Generator().manual_seed(0)
    for shape in _shapes(model.net):
        sample = torch.rand(1, *shape, generator=draw).to(model.device, model.precision)
        try:
            with torch.no_grad():
                model.net(sample)
        except BROKEN:
            continue
        return sample
    problem = f"no shape of input was found that {model.name} takes"
    raise ShapeError("coverage", problem, remedy="Give one sample: coverage(method, inputs).")


def _shapes(net: nn.Module) -> list[tuple[int, ...]]:
    for layer in net.modules():
        if isinstance(layer, nn.Conv2d):
            return [(layer.in_channels, side, side) for side in SIDES]
        if isinstance(layer, nn.Conv1d):
            return [(layer.in_channels, side) for side in SIDES]
        if isinstance(layer, nn.RNNBase):
            return [(SIDES[0], layer.input_size)]
        if isinstance(layer, nn.Linear):
            sides = [math.isqrt(layer.in_features // channels) for channels in (1, 3)]
            images = [(c, side, side) for c, side in zip((1, 3), sides, strict=True) if c * side * side == layer.in_features]
            return [(layer.in_features,), *images, (SIDES[4], layer.in_features)]
    return []
