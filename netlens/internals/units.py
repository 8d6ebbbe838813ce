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
    from the layer before it. Outputs (N, C, h, w) of which nothing is known have their units on axis 1, others on the last.
    """

    def __init__(self) -> None:
        self.known: int | None = None

    def of(self, module: nn.Module, output: torch.Tensor) -> int:
        """The axis of this output, to be called in the order of the forward pass."""
        if output.ndim < 2:
            return 0
        if isinstance(module, FIRST):
            self.known = 1
        elif isinstance(module, LAST):
            self.known = -1
        if output.ndim == 2:
            return 1
        usual = 1 if output.ndim >= 4 else -1
        return (usual if self.known is None else self.known) % output.ndim


def places(output: torch.Tensor, axis: int) -> tuple[int, ...]:
    """The axes that are neither samples nor units."""
    return tuple(other for other in range(1, output.ndim) if other != axis)
