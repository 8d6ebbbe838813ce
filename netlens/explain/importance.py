"""How much each column of a table matters: five measures that are often taken for one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from netlens.errors import ModelError, ShapeError
from netlens.explain.gradient import Saliency
from netlens.explain.kernel_shap import KernelSHAP
from netlens.models.model import Model
from netlens.seeding import generator


@dataclass(frozen=True)
class Importance:
    """What one measure says of each column, with standard errors; NaN where nothing was sampled.

    `measure` : its name. `unit` : of the values. `asks` : the question that it answers, as a phrase.
    """

    measure: str
    values: NDArray[np.float64]
    errors: NDArray[np.float64]
    unit: str
    asks: str

    @property
    def shares(self) -> NDArray[np.float64]:
        """The sizes as shares of their sum, so that measures in different units may stand side by side."""
        sizes = np.abs(self.values)
        return sizes / sizes.sum() if sizes.sum() else sizes


def by_weights(model: Model, inputs: torch.Tensor) -> Importance:
    """Take the length of the weights that lead from each column into the first layer.

    Raises
    ------
    ModelError : the first layer with weights is not linear over the columns.
    """
    _rows(inputs, "by_weights")
    first = next((layer for layer in model.layers.values() if list(layer.parameters(recurse=False))), None)
    if not isinstance(first, nn.Linear) or first.in_features != inputs.shape[1]:
        found = type(first).__name__ if first is not None else "nothing"
        problem = f"the first layer of {model.name} with weights is {found}"
        remedy = "Use by_permutation, which asks only for answers."
        raise ModelError("by_weights", problem, expected=f"a linear layer over {inputs.shape[1]} columns", remedy=remedy)
    lengths = first.weight.detach().double().norm(dim=0).cpu().numpy()
    return Importance(
        "weights", lengths, np.full(len(lengths), np.nan), "length", "how thick are the wires that leave the column?"
    )


def by_gradients(model: Model, inputs: torch.Tensor, target: int) -> Importance:
    """Average the size of the gradient of a class's logit over the rows (N, F)."""
    _rows(inputs, "by_gradients")
    sizes = Saliency()(model, inputs, target).values.double().abs()
    return _mean(sizes.numpy(), "gradients", "logits a unit", "how steep is the answer where the data are?")


def by_correlation(model: Model, inputs: torch.Tensor, target: int) -> Importance:
    """Correlate each column with the logit of a class, over rows (N, F); the sign is kept. A column that never changes gets 0."""
    _rows(inputs, "by_correlation")
    columns, logit = inputs.detach().double().cpu().numpy(), model.logits(inputs)[:, target].double().numpy()
    centred, answer = columns - columns.mean(0), logit - logit.mean()
    scale = np.sqrt((centred**2).sum(0) * (answer**2).sum())
    values = np.divide(centred.T @ answer, scale, out=np.zeros(columns.shape[1]), where=scale > 0)
    errors = (1 - values**2) / np.sqrt(max(len(columns) - 1, 1))
    return Importance("correlation", values, errors, "r, from -1 to 1", "does the answer go with the column?")


def by_permutation(
    model: Model,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    *,
    together: Sequence[Sequence[int]] = (),
    repeats: int = 5,
    seed: int = 0,
) -> Importance:
    """Shuffle each column among the rows (N, F), and measure how much the loss on the true labels rises.

    Parameters
    ----------
    labels : (N,) the truth.
    together : groups of columns that are shuffled as one, instead of every column alone; one value a group.
    repeats : shuffles of each column; no row keeps its own value.

    Notes
    -----
    Cost: `repeats` forward passes over all rows for each column. The standard error is that over rows, of the mean over shuffles.

    References
    ----------
    Fisher, Rudin and Dominici 2019, arXiv:1801.01489.
    """
    _rows(inputs, "by_permutation", fewest=2)
    if repeats < 1:
        raise ShapeError("by_permutation", f"repeats is {repeats}", expected="a whole number, at least 1")
    groups, draw, truth = list(together) or [[column] for column in range(inputs.shape[1])], generator(seed), labels.cpu()
    before, rises = _loss(model, inputs, truth), []
    for columns in groups:
        rise = torch.zeros_like(before)
        for _ in range(repeats):
            shuffled = inputs.clone()
            shuffled[:, list(columns)] = inputs[_derangement(len(inputs), draw)][:, list(columns)]
            rise += (_loss(model, shuffled, truth) - before) / repeats
        rises.append(rise)
    return _mean(torch.stack(rises, 1).numpy(), "permutation", "nats of loss", "how much worse is the answer without the column?")


def by_shap(model: Model, inputs: torch.Tensor, target: int, *, n_samples: int = 500, seed: int = 0) -> Importance:
    """Average the size of the Shapley values of a class's logit over the rows (N, F); a hidden column has its mean in training."""
    _rows(inputs, "by_shap")
    values = KernelSHAP(n_samples=n_samples, seed=seed)(model, inputs, target).values
    return _mean(values.double().abs().numpy(), "SHAP", "logits", "what does the column add to the answer of a row?")


def _mean(rows: NDArray[np.float64], measure: str, unit: str, asks: str) -> Importance:
    spread = rows.std(0, ddof=1) / np.sqrt(len(rows)) if len(rows) > 1 else np.full(rows.shape[1], np.nan)
    return Importance(measure, rows.mean(0), spread, unit, asks)


def _loss(model: Model, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(model.logits(inputs).double(), labels, reduction="none")


def _derangement(rows: int, draw: torch.Generator) -> torch.Tensor:
    """A random order in which each row gets another row's value: a cycle through all rows, shuffled."""
    order = torch.randperm(rows, generator=draw)
    moved = torch.empty_like(order)
    moved[order] = order.roll(1)
    return moved


def _rows(inputs: torch.Tensor, operation: str, fewest: int = 1) -> None:
    if inputs.ndim != 2 or not inputs.is_floating_point() or len(inputs) < fewest:
        problem = f"the inputs are {inputs.dtype} shaped {tuple(inputs.shape)}"
        raise ShapeError(operation, problem, expected=f"rows of a table (N, F), at least {fewest}")
