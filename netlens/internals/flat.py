"""Activation functions, by the calls that a network makes, and where they are flat."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

FLAT = 0.01  # of the largest slope: below it, next to no gradient passes
NAMES: dict[Any, str] = {
    functional.relu: "ReLU", torch.relu: "ReLU", torch.relu_: "ReLU", torch.Tensor.relu: "ReLU", torch.Tensor.relu_: "ReLU",
    functional.relu6: "ReLU6", functional.hardtanh: "Hardtanh", functional.leaky_relu: "LeakyReLU", functional.elu: "ELU",
    functional.selu: "SELU", functional.celu: "CELU", functional.gelu: "GELU", functional.silu: "SiLU", functional.mish: "Mish",
    functional.softplus: "Softplus", functional.softsign: "Softsign", functional.hardswish: "Hardswish",
    functional.hardsigmoid: "Hardsigmoid", functional.sigmoid: "Sigmoid", torch.sigmoid: "Sigmoid", torch.Tensor.sigmoid: "Sigmoid",
    torch.sigmoid_: "Sigmoid", torch.Tensor.sigmoid_: "Sigmoid", torch.special.expit: "Sigmoid",
    functional.tanh: "Tanh", torch.tanh: "Tanh", torch.Tensor.tanh: "Tanh",
    torch.tanh_: "Tanh", torch.Tensor.tanh_: "Tanh", functional.logsigmoid: "LogSigmoid", functional.threshold: "Threshold",
}  # fmt: skip


def flat_ends(function: Callable[[torch.Tensor], torch.Tensor]) -> tuple[float, float]:
    """Where a function of one number is flat: below the first and above the second; infinite where it is not.

    Notes
    -----
    Slopes are read on a grid from -30 to 30, in steps of 0.001, by differentiating.
    """
    with torch.inference_mode(False), torch.enable_grad():
        grid = (torch.arange(-30000, 30001, dtype=torch.float64) / 1000).requires_grad_()
        (slope,) = torch.autograd.grad(function(grid.clone()).sum(), grid)
    steep = torch.nonzero(slope.abs() >= FLAT * slope.abs().max()).flatten()
    first, last = int(steep[0]), int(steep[-1])
    points = grid.detach()
    low = -math.inf if first == 0 else float(points[first - 1])
    high = math.inf if last == len(points) - 1 else float(points[last + 1])
    return low, high


def without_inplace(rest: list[Any]) -> list[Any]:
    """The positional arguments after the input, without the flag `inplace`, which the functional forms take last."""
    return [value for value in rest if not isinstance(value, bool)]
