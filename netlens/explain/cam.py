"""Class activation maps: which places of a layer speak for a class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from netlens.capture import activations, hooked
from netlens.errors import ModelError
from netlens.explain.base import Attribution, Question, Target, asking, params_of
from netlens.models.model import Model


@dataclass(frozen=True)
class GradCAM:
    """The maps of a layer, weighted by the mean gradient of the logit in each, summed, and cut off below zero.

    Parameters
    ----------
    layer : path of a layer with maps (N, K, h, w); empty for the last one.
    relu : keep only what speaks for the class, as in the paper; without it the map is signed.

    Notes
    -----
    Cost: one forward pass and the backward pass from the logits to the layer; what lies before the layer runs without a graph.

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra 2017, arXiv:1610.02391.
    """

    name: ClassVar[str] = "grad_cam"
    reference: ClassVar[str] = "arXiv:1610.02391"
    needs: ClassVar[str] = "gradients and a layer with maps"

    layer: str = ""
    relu: bool = True

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values (N, 1, h, w), in logits per unit of activation times activation; `layer` says where."""
        with asking(model, inputs, target, "GradCAM") as question:
            layer = self.layer or last_map(question)
            parts = zip(torch.split(question.inputs, question.rows), torch.split(question.target, question.rows), strict=True)
            values = torch.cat([self._map(question, layer, *part) for part in parts])
            return Attribution(values.cpu(), question.target.cpu(), self.name, params_of(self), layer)

    def _map(self, question: Question, layer: str, inputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        with activations(question.model, [layer], "GradCAM", leaf=True) as kept:
            scores = question.scores(inputs, target)
        maps = kept.get(layer)
        if maps is None or maps.ndim != 4 or not scores.requires_grad:
            shape = "was not reached" if maps is None else f"gives {tuple(maps.shape)}"
            if maps is not None and maps.ndim == 4:
                shape = "has no path to the logits"
            known = ", ".join(spatial_layers(question))
            problem = f"the layer '{layer}' of {question.model.name} {shape}"
            raise ModelError("GradCAM", problem, expected="maps (N, K, h, w)", remedy=f"Layers with maps: {known or 'none'}.")
        (gradient,) = torch.autograd.grad(scores.sum(), maps, materialize_grads=True)
        weighted = (gradient.mean((2, 3), keepdim=True) * maps.detach()).sum(1, keepdim=True)
        return weighted.relu() if self.relu else weighted


def last_map(question: Question) -> str:
    """The last layer, in the order of execution, whose output still has a height and a width.

    Raises
    ------
    ModelError : no layer has.
    """
    layers = spatial_layers(question)
    if not layers:
        problem = f"{question.model.name} has no layer with maps (N, K, h, w) larger than one pixel"
        raise ModelError(question.operation, problem, remedy="Use saliency or integrated_gradients instead.")
    return layers[-1]


def spatial_layers(question: Question) -> list[str]:
    """The layers whose output is (N, K, h, w) with more than one place, in the order of execution; costs one forward pass."""
    found: list[str] = []

    def make(path: str) -> Any:
        def note(_module: torch.nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
            if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1:
                found.append(path)

        return note

    with hooked(question.model, list(question.model.layers), make, question.operation), torch.no_grad():
        question.logits(question.inputs[:1])
    return found


def map_layers(model: Model, inputs: torch.Tensor) -> list[str]:
    """The layers of `model` that Grad-CAM can read, in the order of execution."""
    with asking(model, inputs[:1], 0, "GradCAM") as question:
        return spatial_layers(question)
