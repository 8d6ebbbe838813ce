"""How alike layers are: linear CKA, estimated without bias from small batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from netlens.capture import Hook, hooked
from netlens.errors import ModelError, ShapeError
from netlens.internals.stream import Samples, batches, chosen, run
from netlens.internals.trace import first_tensor
from netlens.internals.units import by_sample
from netlens.models.model import Model, evaluation
from netlens.models.still import eager

OPERATION = "similarity"
FEWEST = 4  # samples, below which the estimator does not exist
CONSTANT = 1e-6  # of the largest value: what differs by less between samples is rounding


@dataclass(frozen=True)
class Similarity:
    """Linear CKA between layers: 1 for the same up to rotation and scale, about 0 for unrelated.

    `values` (rows, columns); NaN for a layer that gives the same for all samples, and so is like no other.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: NDArray[np.float64]
    n: int
    names: tuple[str, str]

    def frame(self) -> pd.DataFrame:
        """The values, layers as rows and columns."""
        return pd.DataFrame(self.values, index=list(self.rows), columns=list(self.columns))


def similarity(
    model: Model,
    samples: Samples,
    layers: Sequence[str] = (),
    *,
    other: Model | None = None,
    others: Sequence[str] = (),
    rows: int = 64,
) -> Similarity:
    """Compare the layers of a network with each other, or with those of another network, on the same samples.

    Parameters
    ----------
    layers : of `model`; by default every layer that holds no other.
    other, others : a second network and its layers; by default `model` itself and the same layers.
    rows : samples in a batch, at least 4; more make the estimate steadier.

    Raises
    ------
    ModelError : a layer does not exist, or none gives a row for each sample. ShapeError : fewer than 4 samples.

    Notes
    -----
    Each batch gives the unbiased estimate of HSIC for each pair of layers; these are averaged, and CKA is their ratio. The last batch is
    left out if it is not full. Cost: one forward pass, and for each layer one product of its activations with themselves. Memory: one
    (rows x rows) matrix a layer.

    References
    ----------
    Kornblith, Norouzi, Lee and Hinton 2019, arXiv:1905.00414. Nguyen, Raghu and Kornblith 2021, arXiv:2010.15327.
    """
    models = [eager(model)] if other is None else [eager(model), eager(other)]
    paths = [list(chosen(models[0], list(layers), OPERATION))]
    if other is not None:
        paths.append(list(chosen(models[1], list(others or (layers if other is model else ())), OPERATION)))
    named = [list(layers), list(others or (layers if other is model else ()))]  # else in the order of the forward pass
    named = named[: len(models)]
    rows = min(rows, len(samples))
    if rows < FEWEST:
        raise ShapeError(OPERATION, f"there are {rows} samples in a batch", expected=f"at least {FEWEST}")
    total: torch.Tensor | float = 0.0
    selves: list[torch.Tensor | float] = [0.0] * len(models)
    n = 0
    for inputs, ids in batches(samples, rows, OPERATION):
        if len(ids) < rows:
            break
        grams = [_grams(one, inputs, names) for one, names in zip(models, paths, strict=True)]
        found = [[name for name in (asked or gram) if name in gram] for asked, gram in zip(named, grams, strict=True)]
        if not all(found):
            problem = f"no layer of those asked for in {models[-1].name} gives numbers with a row for each sample"
            raise ModelError(OPERATION, problem, remedy="Name layers that the network runs, and that give a tensor.")
        stacks = [torch.stack([gram[name] for name in names]) for names, gram in zip(found, grams, strict=True)]
        total = total + hsic(stacks[0], stacks[-1])
        selves = [kept + hsic(stack, stack).diagonal() for kept, stack in zip(selves, stacks, strict=True)]
        n += len(ids)
    assert isinstance(total, torch.Tensor)
    sizes = [torch.as_tensor(one).clamp(min=0).sqrt() for one in (selves[0], selves[-1])]
    values = total / (sizes[0].unsqueeze(1) * sizes[1].unsqueeze(0))
    return Similarity(tuple(found[0]), tuple(found[-1]), values.numpy(), n, (models[0].name, models[-1].name))


def hsic(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """The unbiased HSIC of each pair of Gram matrices (a, n, n) and (b, n, n): (a, b). Diagonals are left out (Song and others 2012)."""
    n = one.shape[-1]
    off = 1 - torch.eye(n, dtype=one.dtype)
    one, other = one * off, other * off
    sums, others = one.sum(2), other.sum(2)
    products = one.flatten(1) @ other.flatten(1).T
    alone = sums.sum(1).unsqueeze(1) * others.sum(1).unsqueeze(0) / ((n - 1) * (n - 2))
    crossed = 2 / (n - 2) * (sums @ others.T)
    return (products + alone - crossed) / (n * (n - 3))


def _grams(model: Model, inputs: torch.Tensor, paths: Sequence[str]) -> dict[str, torch.Tensor]:
    """The Gram matrix of what each layer gives, in double precision; a layer that is called several times counts with its last call."""
    found: dict[str, torch.Tensor] = {}

    def make(path: str) -> Hook:
        def take(module: torch.nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
            output = first_tensor(output)
            if output is None or not output.is_floating_point() or not output.ndim:
                return
            output = by_sample(module, output)
            if len(output) == len(inputs):
                features = output.detach().flatten(1).float()
                size = features.abs().max()
                features = features - features.mean(0)  # CKA does not see it, and rounding does
                features = features if features.abs().max() > CONSTANT * size else torch.zeros_like(features)
                found[path] = (features @ features.T).double().cpu()

        return take

    with evaluation(model.net), torch.no_grad(), hooked(model, paths, make, OPERATION):
        run(model, inputs, OPERATION)
    return found
