"""Replacements: what stands where a feature is hidden."""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
import torch

from netlens.errors import ShapeError, unknown
from netlens.explain.baselines import BASELINES, Baseline, baseline
from netlens.explain.features import FeatureMap, is_image
from netlens.explain.numbers import are_tokens
from netlens.explain.series import steps_axis
from netlens.explain.tokens_absent import blanked
from netlens.models.model import Model

REPLACEMENTS = (*BASELINES, "mean", "inpaint")
Replacement = Baseline | Literal["mean", "inpaint", "unk", "pad", "mask"] | None


def replacement(
    choice: Replacement, model: Model, inputs: torch.Tensor, features: FeatureMap | None, operation: str
) -> tuple[torch.Tensor, str]:
    """Make what replaces hidden features, shaped like `inputs`, and say what was chosen.

    Parameters
    ----------
    choice : a baseline of `netlens.explain.baselines` (`black`, `zero`, `blur`, `noise`, or a tensor that broadcasts to the inputs,
        such as a training sample); `mean`, the input's own mean colour, or its mean over the steps of a sequence; `inpaint`, the
        smoothest continuation of what surrounds each feature, or each window and mask (see `imputes`); for ids of tokens the id of `unk`, `pad` or `mask`, or ids. Without one:
        `black` for images, the token that the network knows best for ids of tokens, `zero` for anything else.

    Raises
    ------
    ShapeError : the choice does not fit the inputs.
    """
    if are_tokens(inputs):
        return blanked(choice, model, inputs, operation)
    if isinstance(choice, torch.Tensor):
        return baseline(choice, model, inputs, operation).contiguous(), "own"
    chosen = choice or ("black" if is_image(model, inputs) else "zero")
    if chosen not in REPLACEMENTS:
        raise unknown(operation, "replacement", str(chosen), REPLACEMENTS)
    if chosen in ("black", "blur", "inpaint") and (inputs.ndim != 4 or (chosen == "black" and not is_image(model, inputs))):
        problem = f"'{chosen}' was asked of inputs shaped {tuple(inputs.shape)}"
        raise ShapeError(operation, problem, expected="images (N, C, H, W)", remedy="Use replacement='zero'.")
    if chosen == "inpaint":
        return inpainted(inputs, features, operation), chosen
    if chosen != "mean":
        return baseline(cast("Baseline", chosen), model, inputs, operation).contiguous(), chosen
    if inputs.ndim == 2:
        problem = "the mean of a row was asked for, whose columns measure different things"
        raise ShapeError(
            operation, problem, remedy="Use replacement='zero', or a tensor: the mean of a data set, `data.mean(0)`."
        )
    axes = (2, 3) if inputs.ndim == 4 else (steps_axis(model, inputs, operation),)
    return inputs.mean(axes, keepdim=True).expand_as(inputs).contiguous(), chosen


def imputes(choice: Replacement, inputs: torch.Tensor) -> bool:
    """Whether each mask needs an image of its own, filled from what it leaves: overlapping windows have no one image that serves all."""
    return isinstance(choice, str) and choice == "inpaint" and inputs.ndim == 4


def inpainted(images: torch.Tensor, features: FeatureMap | None, operation: str) -> torch.Tensor:
    """Fill each feature of images (N, C, H, W) with the smoothest surface that meets its surroundings (Laplace's equation).

    Raises
    ------
    ShapeError : there are no features, or they differ between channels.
    """
    if features is None or features.index.shape[1] != 1:
        problem = "'inpaint' was asked where there are no features, or where they differ between channels"
        raise ShapeError(operation, problem, expected="features that lie side by side", remedy="Use replacement='blur'.")
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    filled = torch.empty_like(images)
    for row, image in enumerate(images.cpu()):
        labels = features.index[row].expand(1, *image.shape[1:])[0].numpy()
        places = np.arange(labels.size).reshape(labels.shape)
        pairs = [(places[:, :-1], places[:, 1:]), (places[:-1], places[1:])]
        one, other = (np.concatenate([pair[side].ravel() for pair in pairs]) for side in (0, 1))
        one, other = np.concatenate([one, other]), np.concatenate([other, one])
        inside = labels.ravel()[one] == labels.ravel()[other]
        colours = image.double().flatten(1).T.numpy()
        degree = np.bincount(one, minlength=labels.size).astype(np.float64)
        known = np.zeros_like(colours)
        np.add.at(known, one[~inside], colours[other[~inside]])
        entries = np.concatenate([degree, -np.ones(inside.sum())])
        cells = (np.concatenate([places.ravel(), one[inside]]), np.concatenate([places.ravel(), other[inside]]))
        surface = splu(csc_array((entries, cells), shape=(labels.size, labels.size))).solve(known)
        filled[row] = torch.from_numpy(surface.T.reshape(image.shape)).to(filled)
    return filled
