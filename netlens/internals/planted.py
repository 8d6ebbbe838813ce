"""Deep networks in which the gradient is known to vanish, to explode, or to arrive."""

from __future__ import annotations

import torch
from torch import nn

from netlens.errors import unknown
from netlens.seeding import seeded

PLANTED = {
    "sigmoid": "sigmoids, whose slope is at most 1/4",
    "large": "ReLUs, and first weights four times too large",
    "relu": "ReLUs, and weights drawn for them (He and others 2015)",
    "normalised": "sigmoids, each after a normalisation of its batch",
    "residual": "sigmoids about zero, each layer added to its own input (He and others 2016)",
}


class Deep(nn.Module):
    """`depth` hidden layers of `width` units between the input and the classes.

    Parameters
    ----------
    kind : a key of `PLANTED`.
    """

    def __init__(self, kind: str, inputs: int, classes: int, depth: int = 12, width: int = 64) -> None:
        super().__init__()
        if kind not in PLANTED:
            raise unknown("Deep", "kind", kind, PLANTED)
        self.residual = kind == "residual"
        self.flatten = nn.Flatten()
        self.first = nn.Linear(inputs, width)
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(depth - 1)])
        normalised = [nn.BatchNorm1d(width) if kind == "normalised" else nn.Identity() for _ in range(depth)]
        self.norms = nn.ModuleList(normalised)
        self.bends = nn.ModuleList([nn.ReLU() if kind in ("relu", "large") else nn.Sigmoid() for _ in range(depth)])
        self.last = nn.Linear(width, classes)
        for layer in (self.first, *self.hidden):
            assert isinstance(layer, nn.Linear)
            _draw(layer, kind)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map inputs (N, ...) to logits (N, classes)."""
        state = self.bends[0](self.norms[0](self.first(self.flatten(inputs))))
        for layer, norm, bend in zip(self.hidden, self.norms[1:], self.bends[1:], strict=True):
            new = bend(norm(layer(state)))
            state = state + (new - 0.5) if self.residual else new
        logits: torch.Tensor = self.last(state)
        return logits


def _draw(layer: nn.Linear, kind: str) -> None:
    if kind in ("relu", "large"):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if kind == "large":
            layer.weight.data.mul_(4)
    else:
        nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)


def deep(kind: str, inputs: int, classes: int, *, depth: int = 12, width: int = 64, seed: int = 0) -> Deep:
    """Make one of the planted networks, the same one for the same seed."""
    with seeded(seed):
        return Deep(kind, inputs, classes, depth, width)
