"""Ask a model about many raw samples, at the chunk size and in the layout that suit its network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.errors import ShapeError
from netlens.explain.chunks import spans
from netlens.explain.question import asking
from netlens.models.model import Model

Raw = NDArray[np.generic]
AT_ONCE = 1024  # raw samples that are preprocessed together, so that a lazy data set is never held whole


def raw_logits(model: Model, raw: Raw, preprocess: Callable[[Raw], torch.Tensor] | None = None) -> torch.Tensor:
    """Compute the logits (N, classes) of raw samples, on the CPU in float32.

    Parameters
    ----------
    raw : as a `Dataset` holds them; it may be lazy.
    preprocess : makes inputs of them; the model's own without it.

    Raises
    ------
    ShapeError : there is no sample.
    ModelError : the network does not give finite logits.

    Notes
    -----
    Cost: one forward pass a sample.
    """
    if len(raw) == 0:
        raise ShapeError("answers", "there is no sample", expected="at least one")
    prepare = preprocess or model.preprocess
    parts = [np.arange(part.start, part.stop) for part in spans(len(raw), AT_ONCE)]
    return torch.cat([logits(model, prepare(np.asarray(raw[ids]))) for ids in parts])


def logits(model: Model, inputs: torch.Tensor) -> torch.Tensor:
    """Compute the logits (N, classes) of inputs, on the CPU in float32; the model is left as it was."""
    if not inputs.is_floating_point():  # tokens
        return model.logits(inputs)
    with asking(model, inputs, 0, "answers") as question, torch.no_grad():
        return question.chunked(question.logits, question.inputs).float().cpu()


def probabilities(model: Model, raw: Raw, preprocess: Callable[[Raw], torch.Tensor] | None = None) -> NDArray[np.float64]:
    """Compute the probabilities (N, classes) of raw samples."""
    found: NDArray[np.float64] = torch.softmax(raw_logits(model, raw, preprocess).double(), 1).numpy()
    return found


def right(
    model: Model, raw: Raw, labels: NDArray[np.int64], preprocess: Callable[[Raw], torch.Tensor] | None = None
) -> NDArray[np.bool_]:
    """Tell for each raw sample (N,) whether the answer is its label."""
    answers = raw_logits(model, raw, preprocess).argmax(1).numpy()
    return np.asarray(answers == np.asarray(labels), dtype=bool)
