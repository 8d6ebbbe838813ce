"""From raw samples to the inputs of a network, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


class Transform(Protocol):
    """What makes inputs of raw samples. Those of images and tables also have `invert`."""

    def __call__(self, raw: NDArray[Any]) -> torch.Tensor:
        """Map raw samples to inputs, both with the samples along the first axis."""
        ...


@dataclass(frozen=True)
class Preprocess:
    """Turn raw 8-bit images into inputs: scale to [0, 1], subtract `mean`, divide by `std`, one number a channel."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, raw: NDArray[np.uint8]) -> torch.Tensor:
        """Map raw (N, H, W) or (N, H, W, C) in 0..255 to inputs (N, C, H, W), float32."""
        import torch

        images = torch.from_numpy(np.ascontiguousarray(raw))
        images = images.unsqueeze(1) if raw.ndim == 3 else images.movedim(-1, 1)
        mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (self.mean, self.std))
        return ((images.float() / 255 - mean) / std).contiguous()

    def invert(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map inputs (N, C, H, W) back to pixels in [0, 1]."""
        import torch

        mean, std = (torch.tensor(values, device=inputs.device).view(1, -1, 1, 1) for values in (self.mean, self.std))
        return inputs * std + mean


@dataclass(frozen=True)
class Standardise:
    """Turn the rows of a table into inputs: subtract `mean`, divide by `std`, one number a column.

    A column that never changes has `std` 1, so that it becomes 0.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def fit(cls, raw: NDArray[np.floating[Any]]) -> Self:
        """Measure mean and spread of each column of raw (N, F): of the training split, and of nothing else."""
        changes = np.ptp(raw, 0) > 0  # rounding gives a constant column a spread above 0
        return cls(tuple(raw.mean(0).tolist()), tuple(np.where(changes, raw.std(0), 1.0).tolist()))

    def __call__(self, raw: NDArray[Any]) -> torch.Tensor:
        """Map raw (N, F) to inputs (N, F), float32; the arithmetic is done in 64 bits."""
        import torch

        return torch.from_numpy((raw.astype(np.float64) - np.asarray(self.mean)) / np.asarray(self.std)).float()

    def invert(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map inputs (N, F) back to the units of the table."""
        mean, std = (inputs.new_tensor(values) for values in (self.mean, self.std))
        return inputs * std + mean
