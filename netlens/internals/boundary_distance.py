"""How far a sample may move, in a given direction, before the answer changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from netlens.errors import ShapeError, UsageError
from netlens.models.model import Model
from netlens.models.still import eager


@dataclass(frozen=True)
class BoundaryDistance:
    """`distance` (N, D) : Euclidean, along each direction; infinite where the answer does not change within the limit. `becomes` (N, D) :
    the class on the other side, -1 where there is none. `tolerance` : how far a distance may be off.
    """

    distance: torch.Tensor
    becomes: torch.Tensor
    tolerance: float


def boundary_distance(
    model: Model, inputs: torch.Tensor, directions: torch.Tensor, limit: float, *, steps: int = 64, tolerance: float = 1e-6
) -> BoundaryDistance:
    """Walk from each sample along each direction until the answer changes, and bisect.

    Parameters
    ----------
    inputs : (N, ...). directions : (D, ...) shaped like one input; each is scaled to length 1.
    limit : how far to walk. steps : in which to walk; a change that is undone within one step is not seen.
    tolerance : of the distance, as a share of `limit`.

    Raises
    ------
    ShapeError : a direction has another shape than an input, or no length. UsageError : a number is out of range.

    Notes
    -----
    Cost: at most `N * D * (steps + 20)` forward passes. For a linear model the distance is the margin over the slope of the margin.
    """
    if not limit > 0 or steps < 1 or not 0 < tolerance < 1:
        problem = f"limit is {limit}, steps {steps}, tolerance {tolerance}"
        raise UsageError("boundary distance", problem, expected="a positive limit, a step at least, a tolerance between 0 and 1")
    if directions.shape[1:] != inputs.shape[1:] or len(directions) == 0:
        problem = f"the directions are {tuple(directions.shape)} for inputs {tuple(inputs.shape)}"
        raise ShapeError("boundary distance", problem, expected=f"(D, {', '.join(map(str, inputs.shape[1:]))})")
    lengths = directions.double().flatten(1).norm(dim=1)
    if not bool((lengths > 0).all()) or not bool(lengths.isfinite().all()):
        raise ShapeError("boundary distance", "a direction has no length", expected="directions of finite, positive length")
    model = eager(model)
    unit = directions.double().cpu() / lengths.cpu().view(-1, *[1] * (directions.ndim - 1))
    rows = inputs.double().cpu().repeat_interleave(len(unit), 0)
    ways = unit.repeat(len(inputs), *[1] * (directions.ndim - 1))
    before = model.logits(inputs.to(model.precision)).argmax(1).repeat_interleave(len(unit))

    def answers(which: torch.Tensor, far: torch.Tensor) -> torch.Tensor:
        return model.logits((rows[which] + far.view(-1, *[1] * (rows.ndim - 1)) * ways[which]).to(model.precision)).argmax(1)

    near = torch.zeros(len(rows), dtype=torch.float64)
    far = torch.full_like(near, torch.inf)
    for step in range(1, steps + 1):
        going = far.isinf().nonzero().flatten()
        if len(going) == 0:
            break
        at = torch.full((len(going),), limit * step / steps, dtype=torch.float64)
        changed = answers(going, at) != before[going]
        far[going[changed]] = at[changed]
        near[going[~changed]] = at[~changed]
    met = far.isfinite().nonzero().flatten()
    becomes = torch.full((len(rows),), -1)
    if len(met):
        for _ in range(max(1, math.ceil(math.log2(1 / (steps * tolerance))))):
            middle = (near[met] + far[met]) / 2
            same = answers(met, middle) == before[met]
            near[met], far[met] = torch.where(same, middle, near[met]), torch.where(same, far[met], middle)
        becomes[met] = answers(met, far[met])
    shape = len(inputs), len(unit)
    return BoundaryDistance(far.view(shape), becomes.view(shape), tolerance * limit)
