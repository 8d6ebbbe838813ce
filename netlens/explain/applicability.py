"""Which methods can explain a model, and why the others cannot; found out by asking, with one input."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from netlens.errors import NetlensError
from netlens.explain import EXPLAINERS, Attribution, Explainer, Target
from netlens.explain.gradient import Saliency
from netlens.explain.maps import can_be_laid, map_layers, untold_series
from netlens.explain.numbers import are_tokens
from netlens.explain.tokens import embedded
from netlens.models.adapter import is_closed
from netlens.models.coverage import RULES, uncovered
from netlens.models.model import Model

WITH_RULES = {**{name: name for name in RULES}, "deep_shap": "deep_lift"}
SHOWN = 2


def refusals(model: Model, inputs: torch.Tensor) -> dict[str, str]:
    """Say for each method why it cannot explain this model on inputs of this shape; "" where it can.

    Parameters
    ----------
    inputs : one row or more of what the network takes: images, rows of a table, sequences, or ids of tokens, whose embeddings the
        methods are asked at.

    Notes
    -----
    Cost: a few passes for one row, some with gradients.
    """
    row = inputs[:1]
    if are_tokens(row):
        pad = getattr(model.preprocess, "pad", None)
        try:
            with embedded(model, row[:, row[0] != pad]) as words:
                return refusals(words.model, words.inputs)
        except NetlensError as error:
            return dict.fromkeys(EXPLAINERS, error.problem)
    gradients, maps = _gradients(model, row), _maps(model, row)
    return {name: _refusal(name, model, row, gradients, maps) for name in EXPLAINERS}


def _refusal(name: str, model: Model, row: torch.Tensor, gradients: str, maps: str) -> str:
    needs = EXPLAINERS[name].needs
    if "gradients" in needs and gradients:
        return gradients
    if "attention" in needs:  # one pass
        return _asked(lambda: EXPLAINERS[name]()(model, row) and "")
    if "layer with maps" in needs and maps:
        return maps
    if "maps of an image" in needs and row.ndim != 4 and (reason := _asked(lambda: can_be_laid(model, row) and "")):
        return reason
    if EXPLAINERS[name].family == "attention":
        return _asked(lambda: EXPLAINERS[name]()(model, row) and "")
    if name in WITH_RULES:
        faults = _asked(lambda: "; ".join(map(str, uncovered(model, WITH_RULES[name], row)[:SHOWN])))
        return f"its rules do not cover {faults}" if faults else ""
    if name == "neuron_gradient" and any(is_closed(module) for module in model.net.modules()):
        return "it has no layers that can be read"
    return "it needs images" if "images" in needs and row.ndim != 4 else ""


def _gradients(model: Model, row: torch.Tensor) -> str:
    return _asked(lambda: Saliency()(model, row) and "")


def _maps(model: Model, row: torch.Tensor) -> str:
    return _asked(lambda: "" if map_layers(model, row) else "it has no layer with maps" + untold_series(model, row))


def _asked(question: object) -> str:
    """What a question answers, or the problem that it meets."""
    assert callable(question)
    try:
        return str(question() or "")
    except NetlensError as error:
        return error.problem


def explained(
    methods: Iterable[Explainer], model: Model, inputs: torch.Tensor, target: Target = None
) -> tuple[list[Attribution], dict[str, str]]:
    """Explain by all methods that can.

    Returns
    -------
    The attributions in the order of the methods, and for each method that was refused the reason.
    """
    found, refused = [], {}
    for method in methods:
        try:
            found.append(method(model, inputs, target))
        except NetlensError as error:
            refused[method.name] = error.problem
    return found, refused
