"""Units: which axis of a layer's output counts its units, and what remains of an output for each of them."""

from __future__ import annotations

import torch
from torch import nn

FIRST = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d,
    nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d,
    nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d,
)  # fmt: skip
LAST = (nn.Linear, nn.LayerNorm, nn.Embedding, nn.MultiheadAttention, nn.RNNBase)


class Axis:
    """Which axis of an output counts its units.

    Axis 1 after convolutions, the last after linear layers and layer norms; a layer that may do either, such as an activation, takes it
    from the last one before it whose output had as many axes, and sees when they were only put into another order. Outputs (N, C, h, w)
    of which nothing is known have their units on axis 1, others on the last.
    """

    def __init__(self) -> None:
        self.known: tuple[int, tuple[int, ...]] | None = None  # the axis of units of an output, and the shape of that output

    def of(self, module: nn.Module, output: torch.Tensor) -> int:
        """The axis of this output, to be called in the order of the forward pass."""
        if output.ndim <= 2:
            return output.ndim - 1
        shape, last = tuple(output.shape), output.ndim - 1
        if isinstance(module, FIRST) or (isinstance(module, nn.LayerNorm) and type(module).__name__.endswith("2d")):
            self.known = 1, shape
        elif isinstance(module, LAST):
            self.known = last, shape
        if self.known is None or len(self.known[1]) != len(shape):
            return 1 if output.ndim >= 4 else last
        axis, before = self.known
        turned = shape[axis] != before[axis] and sorted(shape[1:]) == sorted(before[1:])
        return 1 + last - axis if turned and shape[1 + last - axis] == before[axis] else axis


def by_sample(module: nn.Module, output: torch.Tensor) -> torch.Tensor:
    """The output with one row a sample, also of a module that was told to put time first."""
    first = isinstance(module, nn.RNNBase | nn.MultiheadAttention) and not module.batch_first
    return output.transpose(0, 1) if first and output.ndim == 3 else output


def places(output: torch.Tensor, axis: int) -> tuple[int, ...]:
    """The axes that are neither samples nor units."""
    return tuple(other for other in range(1, output.ndim) if other != axis)
