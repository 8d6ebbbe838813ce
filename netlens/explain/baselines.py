"""Baselines: the input that stands for "nothing there"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from netlens.errors import ShapeError, unknown
from netlens.models.model import Model
from netlens.seeding import generator

BASELINES = ("black", "zero", "blur", "noise")
Baseline = Literal["black", "zero", "blur", "noise"] | torch.Tensor
BLUR = 0.15  # standard deviation of the blur, as a share of the image's longer side


def baseline(choice: Baseline, model: Model, inputs: torch.Tensor, operation: str, seed: int = 0) -> torch.Tensor:
    """Make the baseline of each row, shaped like `inputs`.

    Parameters
    ----------
    choice : `black`, an image whose pixels are all 0 before preprocessing; `zero`, an input whose values are all 0, which is the
        mean colour when the preprocessing subtracts the mean; `blur`, the image itself under a Gaussian as wide as 15 % of its
        longer side; `noise`, values drawn evenly from the input's own range; or a tensor that broadcasts to the inputs, such as
        the mean of a data set, `data.mean(0)`.
    seed : fixes the noise. Each row meets the same draws.

    Raises
    ------
    ShapeError : the tensor does not broadcast or is not finite, or an image's baseline is asked of inputs that are no images.
    """
    if isinstance(choice, torch.Tensor):
        return _given(choice, inputs, operation)
    if choice not in BASELINES:
        raise unknown(operation, "baseline", str(choice), BASELINES)
    if choice == "zero":
        return torch.zeros_like(inputs)
    if choice == "noise":
        return uniform_noise(inputs, seed)
    known = len(getattr(model.preprocess, "mean", ()))
    if inputs.ndim != 4 or (choice == "black" and inputs.shape[1] != known):
        problem = f"a {choice} image was asked for as the baseline of inputs shaped {tuple(inputs.shape)}"
        expected = f"images (N, {known if choice == 'black' else 'C'}, H, W)"
        raise ShapeError(operation, problem, expected=expected, remedy="Use baseline='zero'.")
    if choice == "blur":
        return blurred(inputs)
    channels = inputs.shape[1]
    black = np.zeros((1, 1, 1) if channels == 1 else (1, 1, 1, channels), dtype=np.uint8)
    return model.preprocess(black).to(inputs).expand_as(inputs)


def baselines(
    choice: Baseline | Sequence[Baseline], model: Model, inputs: torch.Tensor, operation: str, seed: int = 0
) -> list[torch.Tensor]:
    """Make one or several baselines, each shaped like `inputs`; draws of noise differ between them."""
    several = [choice] if isinstance(choice, str | torch.Tensor) else list(choice)
    if not several:
        raise ShapeError(operation, "no baseline was given", expected=f"at least one of {', '.join(BASELINES)}, or a tensor")
    return [baseline(one, model, inputs, operation, seed + place) for place, one in enumerate(several)]


def uniform_noise(inputs: torch.Tensor, seed: int) -> torch.Tensor:
    """Values drawn evenly between the least and the greatest value of each row; the same draws for each row."""
    draws = torch.rand(inputs.shape[1:], generator=generator(seed), dtype=torch.float32).to(inputs)
    shape = (-1, *[1] * (inputs.ndim - 1))
    low, high = (edge.view(shape) for edge in inputs.flatten(1).aminmax(dim=1))
    return low + (high - low) * draws


def blurred(images: torch.Tensor) -> torch.Tensor:
    """Images (N, C, H, W) under a Gaussian; the edges are continued by their own values."""
    sigma = BLUR * max(images.shape[2:])
    for axis in (2, 3):
        reach = min(math.ceil(3 * sigma), images.shape[axis] - 1)
        places = torch.arange(-reach, reach + 1, dtype=torch.float64)
        weights = torch.softmax(-0.5 * (places / sigma) ** 2, 0).to(images)
        shape, padding = ((1, 1, -1, 1), (0, 0, reach, reach)) if axis == 2 else ((1, 1, 1, -1), (reach, reach, 0, 0))
        padded = torch.nn.functional.pad(images, padding, mode="replicate")
        weights = weights.view(shape).expand(images.shape[1], -1, -1, -1)
        images = torch.nn.functional.conv2d(padded, weights, groups=images.shape[1])
    return images


def _given(choice: torch.Tensor, inputs: torch.Tensor, operation: str) -> torch.Tensor:
    if not choice.isfinite().all():
        raise ShapeError(operation, "the baseline holds NaN or infinite values", expected="finite numbers")
    try:
        return choice.detach().to(inputs).expand_as(inputs)
    except RuntimeError as error:
        problem = f"the baseline has shape {tuple(choice.shape)}"
        raise ShapeError(operation, problem, expected=f"a shape that broadcasts to {tuple(inputs.shape)}") from error
