"""Guided backpropagation: the gradient with its negative parts dropped at every ReLU. Readers meet it; they should know its faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from netlens.capture import activations
from netlens.explain.base import Attribution, Question, Target, asking, on_cpu, params_of
from netlens.explain.coverage import require
from netlens.explain.maps import calls_of, last_map, no_maps, require_places, shaped
from netlens.explain.numbers import exact
from netlens.explain.series import enlarge
from netlens.models.graph import bend, graph_nodes, operation
from netlens.models.model import Model


@dataclass(frozen=True)
class GuidedBackprop:
    """The gradient, in which every ReLU also drops what speaks against the class: sharp pictures that depend little on the weights.

    Notes
    -----
    Kept because readers meet it. It fails the sanity checks of Adebayo et al. 2018 (arXiv:1810.03292): with nearly all weights
    randomised the picture stays much the same. The rule is applied to the operations of the graph, so that a ReLU made in `forward`
    or used twice is handled, and no module is touched.

    References
    ----------
    Springenberg, Dosovitskiy, Brox and Riedmiller 2014, arXiv:1412.6806.
    """

    name: ClassVar[str] = "guided_backprop"
    family: ClassVar[str] = "rules"
    needs: ClassVar[str] = "gradients, and ReLU as the only activation"
    cost: ClassVar[str] = "1 forward, 1 backward"
    gives: ClassVar[str] = "logits per unit of input, of no clear meaning"
    reference: ClassVar[str] = "arXiv:1412.6806"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`."""
        with asking(model, inputs, target, "GuidedBackprop") as question:
            require(question, self.name, "saliency or smooth_grad")

            def guided(part: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
                return question.gradients(part, classes, drop_negative)

            values = question.chunked(guided, question.inputs, question.target)
            return Attribution(on_cpu(values), question.target.cpu(), self.name)


@dataclass(frozen=True)
class GuidedGradCAM:
    """Guided backpropagation times Grad-CAM, enlarged to the size of the input.

    Parameters
    ----------
    layer : path of a layer with maps (N, K, h, w), or (N, K, t) along a series; empty for the last one.
    interpolation : how the map is enlarged; along a series `bilinear` is linear.

    Notes
    -----
    Kept because readers meet it; like guided backpropagation it fails the sanity checks (arXiv:1810.03292).

    References
    ----------
    Selvaraju, Cogswell, Das, Vedantam, Parikh and Batra 2017, arXiv:1610.02391.
    """

    name: ClassVar[str] = "guided_grad_cam"
    family: ClassVar[str] = "rules"
    needs: ClassVar[str] = "gradients, ReLU as the only activation, and a layer with maps of an image or a series"
    cost: ClassVar[str] = "1 forward, 1 backward, and 1 backward down to the layer"
    gives: ClassVar[str] = "values shaped like the input, of no clear meaning"
    reference: ClassVar[str] = "arXiv:1610.02391"

    layer: str = ""
    interpolation: Literal["bilinear", "nearest"] = "bilinear"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`; `layer` says where the map was read."""
        with asking(model, inputs, target, "GuidedGradCAM") as question:
            require(question, self.name, "grad_cam or layer_cam")
            layer = self.layer or last_map(question)
            axis = require_places(question, layer, "grad_cam or guided_backprop")
            values = question.chunked(lambda *part: self._values(question, layer, axis, *part), question.inputs, question.target)
            return Attribution(on_cpu(values), question.target.cpu(), self.name, params_of(self), layer)

    def _values(self, question: Question, layer: str, axis: int, inputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        points = question.points(inputs)
        with activations(question.model, [layer], question.operation, calls=calls_of(question, layer)) as kept:
            scores = exact(question.once(points).gather(1, target.unsqueeze(1)).squeeze(1))
        maps = shaped(question, layer, kept.get(layer))
        (gradient,) = torch.autograd.grad(scores.sum(), kept[layer], retain_graph=True, allow_unused=True)
        if gradient is None:
            raise no_maps(question, layer, "has no path to the logits")
        gradient = shaped(question, layer, gradient)
        cam = torch.einsum("bkhw,bk->bhw", maps.detach(), gradient.mean((2, 3))).unsqueeze(1).relu()
        drop_negative(scores)
        guided = exact(question.derivative(scores, points))
        return guided * enlarge(exact(cam), inputs.shape, axis, "linear" if self.interpolation == "bilinear" else "nearest")


def drop_negative(logits: torch.Tensor) -> None:
    """Bend every ReLU in the graph of `logits`: from now on only positive gradients enter it from behind."""
    bend([node for node in graph_nodes(logits) if operation(node) == "Relu"], lambda gradient: gradient.clamp(min=0))
