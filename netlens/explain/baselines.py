"""Baselines: the input that stands for "nothing there"."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from netlens.errors import ShapeError, unknown
from netlens.models.model import Model

BASELINES = ("black", "zero")
Baseline = Literal["black", "zero"] | torch.Tensor


def baseline(choice: Baseline, model: Model, inputs: torch.Tensor, operation: str) -> torch.Tensor:
    """Make the baseline of each row, shaped like `inputs`.

    Parameters
    ----------
    choice : `black`, an image whose pixels are all 0 before preprocessing; `zero`, an input whose values are all 0, which is the
        mean colour when the preprocessing subtracts the mean; or a tensor that broadcasts to the inputs.

    Raises
    ------
    ShapeError : the tensor does not broadcast, or `black` is asked of inputs that are no images.
    """
    if isinstance(choice, torch.Tensor):
        try:
            return choice.to(inputs).expand_as(inputs)
        except RuntimeError as error:
            problem = f"the baseline has shape {tuple(choice.shape)}"
            raise ShapeError(operation, problem, expected=f"a shape that broadcasts to {tuple(inputs.shape)}") from error
    if choice not in BASELINES:
        raise unknown(operation, "baseline", str(choice), BASELINES)
    if choice == "zero":
        return torch.zeros_like(inputs)
    if inputs.ndim != 4 or inputs.shape[1] != len(model.preprocess.mean):
        problem = f"a black image was asked for as the baseline of inputs shaped {tuple(inputs.shape)}"
        raise ShapeError(
            operation, problem, expected=f"images (N, {len(model.preprocess.mean)}, H, W)", remedy="Use baseline='zero'."
        )
    channels = inputs.shape[1]
    black = np.zeros((1, 1, 1) if channels == 1 else (1, 1, 1, channels), dtype=np.uint8)
    return model.preprocess(black).to(inputs).expand_as(inputs)
