"""A flat sheet laid into the space of inputs: all of it when there are two of them, else a slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch

from netlens.errors import ShapeError

Kind = Literal["inputs", "three samples", "principal components"]


@dataclass(frozen=True)
class Plane:
    """Points `origin + s * axes[0] + t * axes[1]`; the axes are orthonormal, so that distances on the sheet are distances of inputs.

    `explained` : the share of the samples' variance that lies in the sheet; 1 when the sheet is all there is. float64, on the CPU.
    """

    origin: torch.Tensor
    axes: torch.Tensor
    kind: Kind
    explained: float = 1.0

    def at(self, points: torch.Tensor) -> torch.Tensor:
        """The inputs (P, ...) at points (P, 2) of the sheet."""
        moved: torch.Tensor = torch.tensordot(points.double(), self.axes, 1)
        return self.origin + moved

    def project(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The nearest points (N, 2) of the sheet, and how far inputs (N, ...) are from it, (N,)."""
        away = (inputs.double().cpu() - self.origin).flatten(1)
        points = away @ self.axes.flatten(1).T
        return points, (away - points @ self.axes.flatten(1)).norm(dim=1)


def plane_of(inputs: torch.Tensor, kind: Kind | None = None) -> Plane:
    """Lay a sheet through inputs (N, ...).

    Parameters
    ----------
    kind : `inputs`, for two-dimensional ones; `three samples`, through the first three; `principal components`, along which samples
        vary most. None: the first that fits: two dimensions, exactly three samples, any number of them.

    Raises
    ------
    ShapeError : the sheet cannot be laid: no two dimensions, three samples on one line, samples that do not differ.
    """
    if not isinstance(inputs, torch.Tensor) or inputs.ndim < 2 or not inputs.is_floating_point() or inputs.numel() == 0:
        found = f"{tuple(inputs.shape)} {inputs.dtype}" if isinstance(inputs, torch.Tensor) else type(inputs).__name__
        raise ShapeError("boundary", f"the inputs are {found}", expected="a batch of floating-point inputs")
    if not bool(inputs.isfinite().all()):
        raise ShapeError("boundary", "the inputs hold NaN or infinite values", expected="finite numbers")
    points = inputs.detach().double().cpu()
    flat, shape = points.flatten(1), points.shape[1:]
    kind = kind or ("inputs" if flat.shape[1] == 2 else "three samples" if len(flat) == 3 else "principal components")
    if kind == "inputs":
        if flat.shape[1] != 2:
            raise ShapeError("boundary", f"an input has {flat.shape[1]} numbers", expected="2, or another kind of plane")
        return Plane(torch.zeros(shape, dtype=torch.float64), torch.eye(2, dtype=torch.float64).view(2, *shape), kind)
    if kind == "three samples":
        return _through(flat, shape)
    centred = flat - flat.mean(0)
    _, sizes, axes = torch.linalg.svd(centred, full_matrices=False)
    if len(sizes) < 2 or sizes[1] <= 1e-9 * sizes[0] or sizes[0] == 0:
        raise ShapeError("boundary", "the samples lie on one line", expected="samples that differ in two directions at least")
    largest = axes[:2].gather(1, axes[:2].abs().argmax(1, keepdim=True))
    axes = axes[:2] * largest.sign()  # a sign that does not depend on the library
    explained = float(sizes[:2].square().sum() / sizes.square().sum())
    return Plane(flat.mean(0).view(shape), axes.view(2, *shape), kind, explained)


def _through(flat: torch.Tensor, shape: torch.Size) -> Plane:
    if len(flat) < 3:
        raise ShapeError("boundary", f"there are {len(flat)} samples", expected="three to lay a plane through")
    first, second = flat[1] - flat[0], flat[2] - flat[0]
    across = first / first.norm().clamp(min=1e-300)
    rest = second - (second @ across) * across
    if first.norm() == 0 or rest.norm() <= 1e-9 * second.norm():
        raise ShapeError("boundary", "the three samples lie on one line", expected="three that span a plane")
    axes = torch.stack([across, rest / rest.norm()])
    return Plane(flat[0].view(shape), axes.view(2, *shape), "three samples")
