"""Where the network changes its mind, on a plane: exactly for linear layers and ReLUs, else to a stated tolerance."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from netlens.errors import UsageError
from netlens.internals.crossings import bisected, logits_at
from netlens.internals.linear_regions import Region, linear_regions, winners
from netlens.internals.plane import Kind, Plane, plane_of
from netlens.models.model import Model
from netlens.models.still import eager


@dataclass(frozen=True)
class Boundary:
    """The answers of a network on a window of a plane.

    `window` : left, right, bottom, top, in units of the inputs. `classes`, `margin` (grid, grid) : the answer at each point, row 0 at the
    bottom, and how far its logit is above the second. `segments` (S, 2, 2) : pieces of the boundary, `pairs` (S, 2) the classes on its
    sides. `regions` : pieces on which the network is linear, None when they are not known. `tolerance` : how far the ends of segments may be
    off, 0 when they are exact up to rounding. `points` (N, 2) : the samples on the plane, `off` (N,) how far they are from it, `answers` (N,) the
    network's answers to the samples themselves, `slice_answers` (N,) its answers at their points on the plane.
    """

    plane: Plane
    window: tuple[float, float, float, float]
    classes: torch.Tensor
    margin: torch.Tensor
    segments: torch.Tensor
    pairs: torch.Tensor
    regions: tuple[Region, ...] | None
    tolerance: float
    points: torch.Tensor
    off: torch.Tensor
    answers: torch.Tensor
    slice_answers: torch.Tensor

    @property
    def agreement(self) -> float:
        """The share of the samples that the plane answers as the network answers the samples: 1 when the plane is all there is."""
        return float((self.answers == self.slice_answers).double().mean())


def boundary(
    model: Model,
    inputs: torch.Tensor,
    *,
    plane: Plane | Kind | None = None,
    grid: int = 96,
    room: float = 0.15,
    tolerance: float = 1e-6,
    exact: bool = True,
) -> Boundary:
    """Find where the network's answer changes, on a plane through or near some inputs.

    Parameters
    ----------
    inputs : (N, ...) as the network takes them; they say where the plane lies, and how large the window is.
    plane : a plane, or the kind of one: `inputs` for two-dimensional inputs, `three samples`, `principal components`; None for what fits.
    grid : points along each side. room : what is added around the samples, as a share of their extent.
    tolerance : how far a point of the boundary may be off, as a share of the window, where it is found by bisection.
    exact : whether to cut the plane into linear pieces where the network is made of linear layers and ReLUs.

    Raises
    ------
    ShapeError : the plane cannot be laid, or the network does not take the inputs. UsageError : a number is out of range.

    Notes
    -----
    Cost: `grid` squared forward passes; bisection takes about twenty more for each place where the grid crosses the boundary. The exact way cuts into at most 20,000
    pieces, which takes five seconds, and gives up above. Bisection finds no
    island that lies between the points of the grid; the exact way does. A plane through a space of more dimensions is a slice: the
    boundary may be close to a sample in a direction that is not on it, and samples beside the plane are drawn at their shadows.
    """
    if grid < 2 or not room >= 0 or not 0 < tolerance < 1:
        problem = f"grid is {grid}, room {room}, tolerance {tolerance}"
        raise UsageError("boundary", problem, expected="a grid of 2 at least, room of 0 at least, a tolerance between 0 and 1")
    model = eager(model)
    sheet = plane if isinstance(plane, Plane) else plane_of(inputs, plane)
    points, off = sheet.project(inputs)
    window = _window(points, room)
    across, up = (torch.linspace(window[side], window[side + 1], grid, dtype=torch.float64) for side in (0, 2))
    lattice = torch.stack(torch.meshgrid(across, up, indexing="xy"), -1)
    logits = logits_at(model, sheet, lattice.view(-1, 2)).view(grid, grid, -1)
    best = logits.topk(min(2, logits.shape[2]), 2)
    margin = best.values[..., 0] - best.values[..., -1]
    classes = best.indices[..., 0]
    regions = linear_regions(model, sheet, window) if exact else None
    if regions is not None:
        (segments, pairs), reached = _exact(regions), 0.0
    else:
        reached = tolerance * max(window[1] - window[0], window[3] - window[2])
        segments, pairs = bisected(model, sheet, lattice, classes, reached)
    answers = model.logits(inputs.to(model.precision)).argmax(1)
    slice_answers = logits_at(model, sheet, points).argmax(1)
    known = None if regions is None else tuple(regions)
    return Boundary(sheet, window, classes, margin, segments, pairs, known, reached, points, off, answers, slice_answers)


def _window(points: torch.Tensor, room: float) -> tuple[float, float, float, float]:
    low, high = points.amin(0), points.amax(0)
    size = torch.where(high > low, high - low, 1.0)
    low, high = low - room * size, high + room * size
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def _exact(regions: list[Region]) -> tuple[torch.Tensor, torch.Tensor]:
    """The edges of the winners' parts on which two classes are equal."""
    segments, pairs = [], []
    for region in regions:
        for number, corners in winners(region):
            values = corners @ region.slope.T + region.offset
            edge = 1e-9 * values.abs().max().clamp(min=1e-300)
            for rival in range(number + 1, values.shape[1]):
                on = corners[(values[:, number] - values[:, rival]).abs() <= edge]
                apart = torch.cdist(on, on)
                if len(on) >= 2 and float(apart.max()) > 0:
                    segments.append(on[[*divmod(int(apart.argmax()), len(on))]])
                    pairs.append((number, rival))
    if not segments:
        return torch.zeros(0, 2, 2, dtype=torch.float64), torch.zeros(0, 2, dtype=torch.long)
    return torch.stack(segments), torch.tensor(pairs)
