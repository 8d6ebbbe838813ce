"""Run a new network once, and see what it gives: the first look that finds what does not fit."""

from __future__ import annotations

from dataclasses import replace

import torch

from netlens.errors import ModelError, ShapeError
from netlens.models.adapter import Adapter, Reading, picked, told
from netlens.models.files import first_line
from netlens.models.model import Model, evaluation

READINGS = {
    "probabilities": "it gives probabilities; their logarithms are taken as logits",
    "one logit": "it gives one number, which is taken as the logit of '{1}' over '{0}'",
    "one probability": "it gives one number from 0 to 1, which is taken as the probability of '{1}'",
}


def adapted(model: Model, inputs: torch.Tensor, pad: int | None = None) -> Model:
    """Run a model on one row and on all, and put an adapter before it where its output is not logits (N, classes) already.

    Parameters
    ----------
    inputs : two rows or more, as `preprocess` gives them.
    pad : the token id that fills up short texts, for a network that takes an attention mask.

    Raises
    ------
    ModelError : it does not run, or gives nothing that could be logits of its classes.
    ShapeError : it gives another number of logits than it has classes.
    """
    operation, classes = f"model '{model.name}'", len(model.classes)
    trial = replace(model, net=Adapter(model.net, classes, pad=pad)) if pad is not None else model
    found = _run(trial, inputs, operation)
    chosen = picked(found, classes)
    if chosen is None:
        raise _wrong(found, model, operation)
    if len(chosen) != len(inputs):
        remedy = "Trace or export it again with a batch of any size; torch.export takes dynamic_shapes={0: Dim('rows')}."
        problem = f"it gives {len(chosen)} rows for a batch of {len(inputs)}, so its batch size is built in"
        raise ModelError(operation, problem, expected="one row a sample", remedy=remedy)
    _run(trial, inputs[:1], operation)
    reading = _reading(chosen, classes)
    if reading == "logits" and isinstance(found, torch.Tensor) and found.ndim == 2:
        return trial
    note = READINGS.get(reading, "").format(*model.classes[:2]) if reading != "logits" else ""
    return replace(model, net=Adapter(model.net, classes, reading, pad), notes=(*model.notes, *([note] if note else [])))


def _run(model: Model, inputs: torch.Tensor, operation: str) -> object:
    try:
        with evaluation(model.net), torch.no_grad():
            return model.net(inputs.to(model.device))
    except torch.OutOfMemoryError:
        raise
    except (Exception, SystemExit) as error:  # a user's network may raise anything
        said = first_line(error)
        remedy = "Check that the network and the data fit together: [data] size, mean and std of the card."
        if any(word in str(error) for word in ("CUDA", "cuda", "NVIDIA")):
            remedy = "It asks for a GPU by itself. Save it from the CPU, or take `.cuda()` out of its code."
        elif len(inputs) == 1:
            remedy = "It runs on two rows and not on one: its batch size is built in. Trace or export it for any batch size."
        problem = f"it does not run on inputs {tuple(inputs.shape)} ({said})"
        raise ModelError(operation, problem, remedy=remedy) from error


def _wrong(found: object, model: Model, operation: str) -> ModelError | ShapeError:
    expected = f"logits (N, {len(model.classes)}), one column a class"
    if isinstance(found, torch.Tensor) and found.ndim == 2:
        problem = f"it gives {found.shape[1]} logits and has {len(model.classes)} classes"
        remedy = "Mend the classes in [data], or the number of outputs in [model.arguments]."
        return ShapeError(operation, problem, expected=expected, remedy=remedy)
    return ModelError(
        operation,
        f"it gives {told(found)}",
        expected=expected,
        remedy="Write a factory that returns a network which gives logits.",
    )


def _reading(output: torch.Tensor, classes: int) -> Reading:
    """What numbers these are: probabilities are not negative and sum to one."""
    values = output.float()
    between = bool(((values >= 0) & (values <= 1)).all())
    if values.shape[1] == 1 and classes == 2:
        return "one probability" if between else "one logit"
    return "probabilities" if between and bool((values.sum(1) - 1).abs().max() < 1e-3) else "logits"
