"""Mean and variance of many tensors, without keeping them."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass
class Moments:
    """Running sums over samples, for each element of each row.

    They are kept as differences to each row's first sample: so nothing is lost where the samples are almost the same.
    """

    first: torch.Tensor
    total: torch.Tensor
    squares: torch.Tensor
    count: torch.Tensor

    @classmethod
    def like(cls, inputs: torch.Tensor) -> Moments:
        """No samples yet, of rows shaped like `inputs` (N, ...); the sums are in float32 at least."""
        zeros = torch.zeros_like(inputs, dtype=torch.promote_types(inputs.dtype, torch.float32))
        shape = (len(inputs), *[1] * (inputs.ndim - 1))
        return cls(zeros, zeros.clone(), zeros.clone(), torch.zeros(shape, dtype=zeros.dtype, device=inputs.device))

    def add(self, rows: slice | torch.Tensor, samples: torch.Tensor) -> None:
        """Take in `samples` (K, B, ...) of the rows (B, ...), which have had equally many so far."""
        if not self.count[rows].any():
            self.first[rows] = samples[0]
        differences = samples - self.first[rows]
        self.total[rows] += differences.sum(0)
        self.squares[rows] += differences.square().sum(0)
        self.count[rows] += len(samples)

    @property
    def mean(self) -> torch.Tensor:
        """The mean over the samples, shaped like the rows."""
        return self.first + self.total / self.count

    @property
    def variance(self) -> torch.Tensor:
        """The variance of the samples, with one degree of freedom less than samples."""
        return ((self.squares - self.total.square() / self.count) / (self.count - 1)).clamp(min=0)

    @property
    def standard_error(self) -> torch.Tensor:
        """The standard error of the mean, for independent samples."""
        return (self.variance / self.count).sqrt()
