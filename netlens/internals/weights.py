"""Weights as numbers: norms, histograms and singular values, matrix by matrix, for layers that are no pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from netlens.errors import ModelError
from netlens.models.model import Model
from netlens.models.still import eager

OPERATION = "weights"
LARGEST = 2048  # the shorter side of a matrix whose singular values are computed
BINS = 60


@dataclass(frozen=True)
class Weights:
    """One array of weights with two axes or more, read as a matrix.

    `matrix` : its shape, outputs by inputs; a convolution's kernels are rows of (input channels x places). `norm` : Frobenius.
    `edges`, `counts` : a histogram of the values. `singular` : its singular values, the largest first; empty where the matrix is larger
    than `LARGEST` on both sides.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    matrix: tuple[int, int]
    mean: float
    spread: float
    norm: float
    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    singular: NDArray[np.float64]

    @property
    def effective_rank(self) -> float:
        """The exponential of the entropy of the singular values as shares (Roy and Vetterli 2007): their number, if all were equal."""
        shares = self.singular[self.singular > 0] / self.singular.sum() if self.singular.size else self.singular
        return float(np.exp(-(shares * np.log(shares)).sum())) if shares.size else float("nan")

    @property
    def stable_rank(self) -> float:
        """The squared Frobenius norm over the squared largest singular value."""
        return (
            float((self.singular**2).sum() / self.singular[0] ** 2) if self.singular.size and self.singular[0] else float("nan")
        )


def weights(model: Model | nn.Module, largest: int = LARGEST) -> list[Weights]:
    """Read every array of weights of a network that has two axes or more; one that is shared is read once.

    Parameters
    ----------
    largest : matrices whose shorter side is longer get no singular values.

    Raises
    ------
    ModelError : there is none, or one holds a value that is not finite.

    Notes
    -----
    A convolution is not the matrix of its kernels: its true singular values depend on the size of the maps. The kernels as rows say
    how different the patterns are that it looks for. The matrices of a recurrent layer and of attention hold those of all gates, or of
    query, key and value, one above the other.
    """
    net = eager(model).net if isinstance(model, Model) else model
    found = [_read(path, kind, parameter, largest) for path, kind, parameter in _matrices(net)]
    if not found:
        raise ModelError(OPERATION, f"{type(net).__name__} has no weights with two axes or more")
    return found


def frame(found: list[Weights]) -> pd.DataFrame:
    """One row for each array."""
    rows = [
        {
            "weights": one.path,
            "kind": one.kind,
            "matrix": f"{one.matrix[0]}×{one.matrix[1]}",
            "mean": one.mean,
            "spread": one.spread,
            "norm": one.norm,
            "largest singular value": float(one.singular[0]) if one.singular.size else None,
            "effective rank": one.effective_rank if one.singular.size else None,
            "of at most": min(one.matrix),
        }
        for one in found
    ]
    return pd.DataFrame(rows)


def _matrices(net: nn.Module) -> Iterator[tuple[str, str, torch.Tensor]]:
    seen: set[int] = set()
    for path, module in net.named_modules():
        kind = str(getattr(module, "original_name", type(module).__name__))
        for name, parameter in module.named_parameters(recurse=False):
            whole = f"{path}.{name}" if path else name
            if (
                parameter.ndim >= 2
                and parameter.numel()
                and id(parameter) not in seen
                and min(as_matrix(module, parameter).shape) > 1
            ):
                seen.add(id(parameter))
                yield whole, kind, as_matrix(module, parameter)


def as_matrix(module: nn.Module, parameter: torch.Tensor) -> torch.Tensor:
    """Outputs by inputs; a transposed convolution stores them the other way round."""
    values = parameter.detach()
    transposed = getattr(module, "transposed", False) and values.ndim > 2
    return (values.transpose(0, 1) if transposed else values).flatten(1)


def _read(path: str, kind: str, matrix: torch.Tensor, largest: int) -> Weights:
    values = matrix.float().cpu()
    if not bool(values.isfinite().all()):
        raise ModelError(
            OPERATION, f"the weights '{path}' hold a value that is not finite", remedy="Train or load the network anew."
        )
    end = float(values.abs().max()) or 1.0
    counts, edges = torch.histogram(values.flatten(), BINS, range=(-end, end))
    singular = torch.linalg.svdvals(values.double()).numpy() if min(values.shape) <= largest else np.empty(0)
    mean, spread, norm = float(values.mean()), float(values.std(correction=0)), float(values.double().norm())
    shape = (int(matrix.shape[0]), int(matrix.shape[1]))
    return Weights(
        path, kind, tuple(matrix.shape), shape, mean, spread, norm, edges.double().numpy(), counts.long().numpy(), singular
    )
