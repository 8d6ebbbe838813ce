"""Make a model of a network that is already in memory, as in a notebook."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import torch
from torch import nn

from netlens.data import Preprocess, Transform
from netlens.errors import ModelError, UsageError
from netlens.models.model import Model
from netlens.models.probe import adapted


def wrap(
    module: nn.Module,
    classes: int | Sequence[str],
    *,
    name: str = "",
    preprocess: Transform | None = None,
    mean: Sequence[float] = (0.0,),
    std: Sequence[float] = (1.0,),
    sample: torch.Tensor | None = None,
    pad: int | None = None,
) -> Model:
    """Give a network in memory the shape that every function of netlens takes. The network itself is not changed.

    Parameters
    ----------
    classes : their names in the order of the logits, or how many there are.
    name : what pages and reports call it; by default the name of its class.
    preprocess : what makes inputs of raw samples, such as `Dataset.preprocess`; else images are scaled to [0, 1], and `mean` and `std`
        are applied.
    sample : two rows of inputs or more. With them the network is run once, and an output that is a dictionary, a tuple, probabilities
        or a single number is read as logits.
    pad : for text, the token id that fills up short texts, if the network takes an attention mask.

    Raises
    ------
    UsageError : `module` is no network, or there are fewer than two classes.
    ModelError : it does not run on the sample, or gives nothing that could be logits.
    """
    if not isinstance(module, nn.Module):
        raise UsageError("wrap", f"got a {type(module).__name__}", expected="a torch.nn.Module")
    names = tuple(map(str, range(classes))) if isinstance(classes, int) else tuple(map(str, classes))
    if isinstance(classes, str) or len(names) < 2 or len(set(names)) < len(names):
        raise UsageError(
            "wrap", f"classes got {classes!r}", expected="two names or more that differ, or how many classes there are"
        )
    chosen = preprocess if preprocess is not None else Preprocess(tuple(mean), tuple(std))
    model = Model(module, name or type(module).__name__, names, chosen)
    if sample is None:
        if pad is not None:
            raise UsageError("wrap", "got pad without a sample", remedy="Give two rows of token ids as `sample`.")
        return model
    if pad is not None and "attention_mask" not in inspect.signature(module.forward).parameters:
        raise ModelError("wrap", f"{model.name} takes no attention_mask", remedy="Leave `pad` out.")
    return adapted(model, sample, pad)
