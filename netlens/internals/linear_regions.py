"""The pieces on which a network of linear layers and ReLUs is linear, exactly, on a plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from netlens.internals.plane import Plane
from netlens.models.model import Model
from netlens.seeding import generator

SAME = (nn.Flatten, nn.Identity, nn.Dropout)
TINY = 1e-11  # of the largest value at a corner: below it a corner lies on the line
MOST = 20_000


@dataclass(frozen=True)
class Region:
    """A convex polygon, corners (V, 2) in order, on which the logits are `points @ slope.T + offset`."""

    corners: torch.Tensor
    slope: torch.Tensor
    offset: torch.Tensor

    def values(self) -> torch.Tensor:
        """What the layer gives at each corner, (V, units)."""
        return self.corners @ self.slope.T + self.offset


def linear_regions(model: Model, plane: Plane, window: Sequence[float], most: int = MOST) -> list[Region] | None:
    """Cut a window (left, right, bottom, top) of a plane into the pieces on which the network is linear.

    Returns
    -------
    The pieces; None when the network has other layers than linear ones, ReLUs and leaky ReLUs, when it does not run them one after another,
    or when there are more than `most` pieces.

    Notes
    -----
    Layer by layer, each piece is cut along the line on which a unit is zero. That the layers run one after another is checked at random
    points, where the pieces must give the network's own logits.

    References
    ----------
    Hanin and Rolnick 2019, arXiv:1901.09021.
    """
    layers = list(model.layers.values())
    if not layers or not all(isinstance(layer, (nn.Linear, nn.ReLU, nn.LeakyReLU, *SAME)) for layer in layers):
        return None
    left, right, bottom, top = window
    corners = torch.tensor([[left, bottom], [right, bottom], [right, top], [left, top]], dtype=torch.float64)
    pieces = [Region(corners, plane.axes.flatten(1).T.contiguous(), plane.origin.flatten())]
    for layer in layers:
        if isinstance(layer, nn.Linear):
            weight = layer.weight.detach().double().cpu()
            bias = torch.zeros(len(weight), dtype=torch.float64) if layer.bias is None else layer.bias.detach().double().cpu()
            if pieces[0].slope.shape[0] != weight.shape[1]:
                return None
            pieces = [Region(one.corners, weight @ one.slope, weight @ one.offset + bias) for one in pieces]
        elif isinstance(layer, nn.ReLU | nn.LeakyReLU):
            leak = layer.negative_slope if isinstance(layer, nn.LeakyReLU) else 0.0
            cut: list[Region] = []
            for one in pieces:
                cut += _bent(one, leak, most)
                if len(cut) > most:
                    return None
            pieces = cut
    return pieces if _faithful(model, plane, pieces) else None


def _bent(region: Region, leak: float, most: int) -> list[Region]:
    """Cut a region where units change sign, and bend what they give; it stops a little above `most` pieces."""
    waiting = [(region.corners, torch.arange(len(region.offset)))]
    bent: list[Region] = []
    while waiting and len(bent) <= most:
        corners, units = waiting.pop()
        values = corners @ region.slope[units].T + region.offset[units]
        edge = TINY * values.abs().amax(0).clamp(min=1e-300)
        crossing = units[(values.amin(0) < -edge) & (values.amax(0) > edge)]
        parts = halves(corners, region.slope[crossing[0]], region.offset[crossing[0]]) if len(crossing) else [corners]
        if len(parts) > 1:
            waiting += [(part, crossing[1:]) for part in reversed(parts)]
        elif len(crossing) > 1:
            waiting.append((corners, crossing[1:]))
        else:
            sign = torch.where(region.slope @ corners.mean(0) + region.offset > 0, 1.0, leak).double()
            bent.append(Region(corners, sign[:, None] * region.slope, sign * region.offset))
    return bent


def halves(corners: torch.Tensor, slope: torch.Tensor, offset: torch.Tensor) -> list[torch.Tensor]:
    """Cut a convex polygon along the line on which `point @ slope + offset` is zero: one part, or two."""
    value = corners @ slope + offset
    value = torch.where(value.abs() <= TINY * value.abs().max(), 0.0, value)
    if bool((value >= 0).all()) or bool((value <= 0).all()):
        return [corners]
    return [part for part in (clipped(corners, value), clipped(corners, -value)) if len(part)]


def clipped(corners: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """The part of a convex polygon on which a linear function, `value` at each corner, is not negative; (0, 2) where there is none."""
    kept: list[torch.Tensor] = []
    at = value.tolist()
    for here in range(len(at)):
        there = (here + 1) % len(at)
        if at[here] >= 0:
            kept.append(corners[here])
        if at[here] * at[there] < 0:
            share = at[here] / (at[here] - at[there])
            kept.append(corners[here] + share * (corners[there] - corners[here]))
    return torch.stack(kept) if len(kept) > 2 else corners[:0]


def _faithful(model: Model, plane: Plane, pieces: list[Region]) -> bool:
    """Whether the pieces give the network's logits at random points, 256 or more of them, spread over up to 64 pieces."""
    some = pieces[:: max(1, len(pieces) // 64)]
    draw, each = generator(0), -(-256 // len(some))
    inside = []
    for one in some:
        lots = torch.rand(each, len(one.corners), generator=draw, dtype=torch.float64).log()
        inside.append((lots / lots.sum(1, keepdim=True)) @ one.corners)  # uniform mixtures of the corners
    ours = torch.cat([points @ one.slope.T + one.offset for one, points in zip(some, inside, strict=True)])
    if ours.shape[1] != len(model.classes):
        return False
    theirs = model.logits(plane.at(torch.cat(inside)).to(model.precision)).double()
    return bool(((ours - theirs).abs() <= 1e-3 * theirs.abs().max().clamp(min=1)).all())


def winners(region: Region) -> list[tuple[int, torch.Tensor]]:
    """The parts of a region by the class that wins there: (class, corners)."""
    values = region.values()
    best = values.argmax(1)
    if bool((best == best[0]).all()):
        return [(int(best[0]), region.corners)]
    found = []
    for number in range(values.shape[1]):
        corners = region.corners
        for rival in range(values.shape[1]):
            if rival != number and len(corners):
                gap = corners @ (region.slope[number] - region.slope[rival]) + region.offset[number] - region.offset[rival]
                corners = clipped(corners, gap)
        if len(corners):
            found.append((number, corners))
    return found
