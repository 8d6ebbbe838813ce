"""Shift, turn and scale images a little, by lot."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn.functional import affine_grid, grid_sample


@dataclass(frozen=True)
class Wobble:
    """The largest shift, as a share of the side, turn in degrees, and change of size, as a share. What comes in at an edge repeats it."""

    shift: float = 0.08
    turn: float = 8.0
    scale: float = 0.1

    def __call__(self, images: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """Move each image (n, C, H, W) in a way of its own."""
        lots = 2 * torch.rand(len(images), 4, generator=draw) - 1
        angle = lots[:, 0] * math.radians(self.turn)
        size = 1 + lots[:, 1] * self.scale
        cosine, sine = angle.cos() / size, angle.sin() / size
        shift = 2 * self.shift * lots[:, 2:]
        matrix = torch.stack([torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)], 1)
        grid = affine_grid(matrix.to(images), list(images.shape), align_corners=False)
        return grid_sample(images, grid, padding_mode="border", align_corners=False)
