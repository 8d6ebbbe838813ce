"""Replacements: what stands where a feature is hidden."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from netlens.errors import ShapeError, unknown
from netlens.explain.baselines import baseline
from netlens.explain.features import FeatureMap, is_image
from netlens.models.model import Model
from netlens.seeding import generator

REPLACEMENTS = ("black", "zero", "mean", "blur", "noise", "inpaint")
Replacement = Literal["black", "zero", "mean", "blur", "noise", "inpaint"] | torch.Tensor | None


def replacement(
    choice: Replacement, model: Model, inputs: torch.Tensor, features: FeatureMap | None, operation: str
) -> tuple[torch.Tensor, str]:
    """Make what replaces hidden features, shaped like `inputs`, and say what was chosen.

    Parameters
    ----------
    choice : `black`, pixels that are 0 before preprocessing; `zero`, inputs that are 0, the average of the training data when the
        preprocessing subtracts it; `mean`, the input's own mean colour, or mean over its steps; `blur`, a Gaussian a tenth of the
        image wide; `noise`, normal with the input's own mean and deviation, the same draw for every row; `inpaint`, the smoothest
        continuation of what surrounds each feature; or a tensor that broadcasts to the inputs, such as a training sample.
        Without one: `black` for images, `zero` for anything else.

    Raises
    ------
    ShapeError : the choice does not fit the inputs.
    """
    if isinstance(choice, torch.Tensor):
        if not choice.isfinite().all():
            raise ShapeError(operation, "the replacement holds NaN or infinite values", expected="finite numbers")
        try:
            return choice.to(inputs).expand_as(inputs).contiguous(), "own"
        except RuntimeError as error:
            problem, expected = f"the replacement has shape {tuple(choice.shape)}", f"a shape that broadcasts to {inputs.shape}"
            raise ShapeError(operation, problem, expected=expected) from error
    chosen = choice or ("black" if is_image(model, inputs) else "zero")
    if chosen not in REPLACEMENTS:
        raise unknown(operation, "replacement", str(chosen), REPLACEMENTS)
    if chosen in ("black", "zero"):
        return baseline("zero" if chosen == "zero" else "black", model, inputs, operation).contiguous(), chosen
    if inputs.ndim != 4 and (inputs.ndim != 3 or chosen in ("blur", "inpaint")):
        problem = f"'{chosen}' was asked of inputs shaped {tuple(inputs.shape)}"
        remedy = "Use replacement='zero' or a training sample."
        raise ShapeError(operation, problem, expected="images (N, C, H, W)", remedy=remedy)
    if chosen == "blur":
        return blurred(inputs, max(inputs.shape[2:]) / 10), chosen
    if chosen == "inpaint":
        if features is None or features.index.shape[1] != 1:
            problem = "'inpaint' was asked where no features are, or where they differ between channels"
            raise ShapeError(operation, problem, expected="features that lie side by side", remedy="Use replacement='blur'.")
        return inpainted(inputs, features), chosen
    axes = (2, 3) if inputs.ndim == 4 else (1,)
    mean = inputs.mean(axes, keepdim=True).expand_as(inputs).contiguous()
    if chosen == "mean":
        return mean, chosen
    noise = torch.randn(inputs.shape[1:], generator=generator(0)).to(inputs)
    return mean + inputs.std(axes, keepdim=True, correction=0) * noise, chosen


def blurred(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Blur images (N, C, H, W) with a Gaussian of `sigma` pixels, the edges repeated outwards."""
    for axis in (2, 3):
        reach = min(int(3 * sigma) + 1, 4 * images.shape[axis])
        offsets = torch.arange(-reach, reach + 1, device=images.device)
        kernel = torch.softmax(-(offsets.to(images.dtype) ** 2) / (2 * sigma**2), 0)
        places = torch.arange(images.shape[axis], device=images.device)
        weights = images.new_zeros(len(places), len(places))
        sources = (places[:, None] + offsets).clamp(0, len(places) - 1)
        weights.scatter_add_(1, sources, kernel.expand_as(sources).contiguous())
        images = torch.tensordot(images, weights, dims=([axis], [1])).movedim(-1, axis)
    return images.contiguous()


def inpainted(images: torch.Tensor, features: FeatureMap) -> torch.Tensor:
    """Fill each feature of images (N, C, H, W) with the smoothest surface that meets its surroundings (Laplace's equation)."""
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
