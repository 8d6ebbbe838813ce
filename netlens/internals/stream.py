"""Run a network over a data set batch by batch, so that nothing but what is asked for stays in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.data import Dataset
from netlens.errors import ModelError, ShapeError
from netlens.models.model import Model

Samples = Dataset | torch.Tensor


def batches(samples: Samples, size: int, operation: str) -> Iterator[tuple[torch.Tensor, NDArray[np.int64]]]:
    """Cut a data set, or inputs (N, ...), into batches of `size`: inputs and positions.

    Raises
    ------
    ShapeError : there is no sample, or `size` is not positive.
    """
    total = len(samples)
    if total == 0:
        raise ShapeError(operation, "there is no sample", expected="at least one")
    if size < 1:
        raise ShapeError(operation, f"batches of {size} samples were asked for", expected="at least 1")
    for start in range(0, total, size):
        ids = np.arange(start, min(start + size, total))
        yield (samples[start : start + size] if isinstance(samples, torch.Tensor) else samples.take(ids.tolist()).inputs), ids


def run(model: Model, inputs: torch.Tensor, operation: str) -> Any:
    """What one forward pass gives, in the precision of the network.

    Raises
    ------
    ShapeError : the network does not take the inputs.
    """
    try:
        return model.net(inputs.to(model.device, model.precision if inputs.is_floating_point() else inputs.dtype))
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        problem = f"{model.name} does not run on inputs {tuple(inputs.shape)}, {inputs.dtype}: {str(error).splitlines()[0]}"
        remedy = "Check that the network and the data fit together, in shape and in precision."
        raise ShapeError(operation, problem, remedy=remedy) from error


def chosen(model: Model, layers: Sequence[str], operation: str) -> tuple[str, ...]:
    """The layers to listen to: those named, or every layer that holds no other.

    Raises
    ------
    ModelError : a layer does not exist, or the network has none that can be listened to.
    """
    layers = [layers] if isinstance(layers, str) else layers
    for path in layers:
        model.layer(path, operation)
    if found := tuple(layers) or tuple(model.layers):
        return found
    raise ModelError(operation, f"{model.name} has no layers inside it", remedy="Use the network that it was made from.")
