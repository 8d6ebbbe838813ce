"""What becomes of the answer when a place of an image is taken away, and whether a map of places foretells it."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Target, asking
from netlens.explain.precision import rank_correlation
from netlens.explain.replacement import Replacement, replacement
from netlens.models.model import Model
from netlens.quality.agreement import foreground
from netlens.quality.base import interval

FEWEST = 4  # places with something on them, below which a rank correlation says nothing


@dataclass(frozen=True)
class Removal:
    """How far the logit fell when each place of a grid was taken away: `falls` (N, h, w). `counted` (N, h, w): where there was anything."""

    falls: torch.Tensor
    counted: torch.Tensor
    target: torch.Tensor
    replacement: str


@dataclass(frozen=True)
class Foretold:
    """A map beside the effects that it should foretell.

    `said` (N, h, w) : what the map gives each place. `correlations` : for each image, the rank correlation of said and fall over the
    places that count; images with too few are left out.
    """

    method: str
    said: torch.Tensor
    removal: Removal
    correlations: torch.Tensor

    @property
    def interval(self) -> tuple[float, float, float]:
        """The mean correlation and its 95 % interval over images."""
        return interval(self.correlations)


def removal(
    model: Model, inputs: torch.Tensor, grid: tuple[int, int], target: Target = None, *, by: Replacement = None
) -> Removal:
    """Take away one place of a grid (h, w) after the other, and measure how far the logit falls.

    Parameters
    ----------
    by : what is put in its place; see `netlens.explain.replacement`.

    Raises
    ------
    ShapeError : the inputs are no images, or smaller than the grid.

    Notes
    -----
    Cost: one forward pass a place, and one more. A place that the replacement does not change has a fall of 0 and does not count.
    """
    if inputs.ndim != 4 or any(not 1 <= side <= size for side, size in zip(grid, inputs.shape[2:], strict=True)):
        problem = f"a grid {grid} was asked for on inputs shaped {tuple(inputs.shape)}"
        raise ShapeError("removal", problem, expected="images (N, C, H, W) that are no smaller, and a place at least")
    with asking(model, inputs, target, "removal") as question, torch.no_grad():
        hidden, chosen = replacement(by, model, question.inputs, None, "removal")
        whole = question.chunked(question.scores, question.inputs, question.target)
        falls = torch.zeros(len(inputs), *grid)
        for place in range(grid[0] * grid[1]):
            row, column = divmod(place, grid[1])
            rows, columns = (_edges(at, side, size) for at, side, size in zip((row, column), grid, inputs.shape[2:], strict=True))
            points = question.inputs.clone()
            points[:, :, rows, columns] = hidden.expand_as(points)[:, :, rows, columns]
            falls[:, row, column] = (whole - question.chunked(question.scores, points, question.target)).float().cpu()
        counted = _pooled(foreground(inputs).view(len(inputs), 1, *inputs.shape[2:]).float(), grid) > 0
        return Removal(falls, counted, question.target.cpu(), chosen)


def foretold(attribution: Attribution, measured: Removal, name: str = "") -> Foretold:
    """Compare a map with what taking each place away really did.

    Raises
    ------
    ShapeError : the map is not of the same images.
    """
    values = attribution.values.double()
    if values.ndim != 4 or len(values) != len(measured.falls):
        problem = f"the map is shaped {tuple(values.shape)}, and {len(measured.falls)} images were measured"
        raise ShapeError("foretold", problem, expected="a map (N, C, h, w) of these images")
    said = _pooled(values.sum(1, keepdim=True), (measured.falls.shape[1], measured.falls.shape[2]))
    found = [
        rank_correlation(one[counts], fall.double()[counts])
        for one, fall, counts in zip(said, measured.falls, measured.counted, strict=True)
        if int(counts.sum()) >= FEWEST
    ]
    return Foretold(name or attribution.method, said.float(), measured, torch.tensor(found, dtype=torch.float64))


def _pooled(maps: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """The mean of maps (N, 1, H, W) over each place of a grid: (N, h, w). A coarser map is enlarged."""
    if maps.shape[2] < grid[0] or maps.shape[3] < grid[1]:
        maps = torch.nn.functional.interpolate(maps, grid, mode="bilinear", align_corners=False)
    return torch.nn.functional.adaptive_avg_pool2d(maps, grid).squeeze(1)


def _edges(at: int, side: int, size: int) -> slice:
    return slice(at * size // side, -(-(at + 1) * size // side))
