"""The real samples that excite a unit most, found while a data set streams through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netlens.errors import ShapeError
from netlens.internals.stream import Samples, batches
from netlens.internals.unit import Unit, listening_to
from netlens.models.model import Model
from netlens.models.still import eager, still


@dataclass(frozen=True)
class Exciting:
    """`ids`, `values` (units, k) : the samples that excite each unit most, the strongest first. `mean`, `spread` (units,) over all `n`."""

    units: tuple[Unit, ...]
    ids: torch.Tensor
    values: torch.Tensor
    mean: torch.Tensor
    spread: torch.Tensor
    n: int


def exciting(model: Model, samples: Samples, units: Sequence[Unit], k: int = 4, rows: int = 64) -> Exciting:
    """Find the samples that excite units most.

    Parameters
    ----------
    samples : a data set, or inputs (N, ...). k : how many to name for each unit. rows : samples in a batch.

    Notes
    -----
    Cost: one forward pass over the data. Memory: one batch, and one number a sample and unit.
    """
    if not 1 <= k <= len(samples):
        raise ShapeError("exciting", f"{k} samples were asked for", expected=f"1 to {len(samples)}")
    model = eager(model)
    with still(model.net, "exciting"), torch.no_grad(), listening_to(model, units, "exciting") as listener:
        parts = []
        for inputs, _ in batches(samples, rows, "exciting"):
            batch = inputs.to(model.device)
            parts.append(listener.read(batch.to(model.precision) if batch.is_floating_point() else batch).cpu())
    values = torch.cat(parts)
    order = values.argsort(dim=0, descending=True, stable=True)[:k]
    return Exciting(tuple(units), order.T, values.gather(0, order).T, values.mean(0), values.std(0), len(values))
