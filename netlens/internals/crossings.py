"""The places of a grid where the answer changes, found by bisection and joined to a line."""

from __future__ import annotations

import math

import torch

from netlens.internals.plane import Plane
from netlens.models.model import Model


def logits_at(model: Model, plane: Plane, points: torch.Tensor) -> torch.Tensor:
    """The logits (P, classes) at points (P, 2) of a plane."""
    parts = [model.logits(plane.at(part).to(model.precision)) for part in torch.split(points, 4096)]
    return torch.cat(parts).double()


def bisected(
    model: Model, plane: Plane, lattice: torch.Tensor, classes: torch.Tensor, tolerance: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the crossing on each edge of the grid whose ends differ, by bisection, and join those of each cell."""
    flat, corners = classes.flatten(), lattice.view(-1, 2)
    number = torch.arange(len(flat)).view(classes.shape)
    edges = torch.cat(
        [torch.stack([number[:, :-1], number[:, 1:]], -1).view(-1, 2), torch.stack([number[:-1], number[1:]], -1).view(-1, 2)]
    )
    edges = edges[flat[edges[:, 0]] != flat[edges[:, 1]]]
    if len(edges) == 0:
        return torch.zeros(0, 2, 2, dtype=torch.float64), torch.zeros(0, 2, dtype=torch.long)
    near, far = corners[edges[:, 0]], corners[edges[:, 1]]
    start = flat[edges[:, 0]]
    for _ in range(max(1, math.ceil(math.log2(float((far - near).norm(dim=1).max()) / tolerance)))):
        middle = (near + far) / 2
        same = (logits_at(model, plane, middle).argmax(1) == start)[:, None]
        near, far = torch.where(same, middle, near), torch.where(same, far, middle)
    crossing = dict(zip(map(tuple, edges.tolist()), (near + far) / 2, strict=True))
    return _joined(crossing, number, flat)


def _joined(
    crossing: dict[tuple[int, ...], torch.Tensor], number: torch.Tensor, flat: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Join the crossings of each cell: two by a segment, more by a star around their middle."""
    segments, pairs = [], []
    grid = number.tolist()
    for row in range(len(grid) - 1):
        for column in range(len(grid[0]) - 1):
            a, b, c, d = grid[row][column], grid[row][column + 1], grid[row + 1][column], grid[row + 1][column + 1]
            found = [edge for edge in ((a, b), (c, d), (a, c), (b, d)) if edge in crossing]
            if not found:
                continue
            ends = [crossing[edge] for edge in found]
            sides = [sorted(flat[list(edge)].tolist()) for edge in found]
            if len(found) == 2:
                segments.append(torch.stack(ends))
                pairs.append(sides[0])
            else:
                middle = torch.stack(ends).mean(0)
                segments += [torch.stack([end, middle]) for end in ends]
                pairs += sides
    return torch.stack(segments), torch.tensor(pairs)
