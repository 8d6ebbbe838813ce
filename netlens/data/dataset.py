"""A data set in memory: raw samples as people see them, and the inputs that a network takes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netlens.errors import DataError

if TYPE_CHECKING:
    import torch


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
class Batch:
    """Samples ready for a network.

    `inputs` (N, C, H, W) float32; `raw` (N, H, W) or (N, H, W, C) uint8; `labels` (N,) int64; `ids` (N,) positions in the split.
    """

    inputs: torch.Tensor
    raw: NDArray[np.uint8]
    labels: torch.Tensor
    ids: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Dataset:
    """One split of an image data set.

    `raw` (N, H, W) or (N, H, W, C) uint8; `labels` (N,) int64 into `classes`; the order is fixed, and shuffled once.
    """

    name: str
    split: str
    classes: tuple[str, ...]
    raw: NDArray[np.uint8]
    labels: NDArray[np.int64]
    preprocess: Preprocess
    modality: str = "image"

    def __post_init__(self) -> None:
        if len(self.raw) != len(self.labels) or len(self.raw) == 0:
            raise DataError(
                f"data set '{self.name}'",
                f"the {self.split} split has {len(self.raw)} samples and {len(self.labels)} labels",
                expected="as many labels as samples, and at least one",
            )

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over classes, shapes, samples and labels, in order."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        for array in (self.raw, self.labels):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def take(self, samples: int | Sequence[int]) -> Batch:
        """Give the first `samples` samples, or the samples at the given positions.

        Raises
        ------
        DataError : a position, or the number asked for, is outside the split.
        """
        import torch

        ids = np.arange(samples) if isinstance(samples, int) else np.asarray(list(samples), dtype=np.int64)
        outside = ids[(ids < 0) | (ids >= len(self))]
        if len(ids) == 0 or len(outside):
            raise DataError(
                f"data set '{self.name}'",
                f"sample {outside[0]} was asked for" if len(outside) else "no sample was asked for",
                expected=f"positions from 0 to {len(self) - 1}: the {self.split} split has {len(self)} samples",
            )
        raw = self.raw[ids]
        return Batch(self.preprocess(raw), raw, torch.from_numpy(self.labels[ids].astype(np.int64)), ids)

    def all(self) -> Batch:
        """Give every sample."""
        return self.take(len(self))
