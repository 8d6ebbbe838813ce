"""Methods that read one gradient: of a logit, or of a neuron inside the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.capture import activations
from netlens.errors import ModelError, ShapeError
from netlens.explain.base import Attribution, Target, asking, on_cpu, params_of
from netlens.explain.maps import calls_of, last_map
from netlens.models.model import Model


@dataclass(frozen=True)
class Saliency:
    """The gradient of the logit: how much it changes when one input value changes a little. Signed.

    Notes
    -----
    Deviation from the paper: the sign is kept, where the paper drops it.

    References
    ----------
    Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034.
    """

    name: ClassVar[str] = "saliency"
    family: ClassVar[str] = "gradient"
    needs: ClassVar[str] = "gradients"
    cost: ClassVar[str] = "1 forward, 1 backward"
    gives: ClassVar[str] = "logits per unit of input, signed"
    reference: ClassVar[str] = "arXiv:1312.6034"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits per unit of input."""
        with asking(model, inputs, target, "Saliency") as question:
            values = question.chunked(question.gradients, question.inputs, question.target)
            return Attribution(on_cpu(values), question.target.cpu(), self.name)


@dataclass(frozen=True)
class GradientXInput:
    """The gradient of the logit times the input: what each input value would add if the network were linear.

    Notes
    -----
    Where the input is 0 the value is 0, whatever the network makes of that place. On a network of linear and ReLU layers it equals
    epsilon-LRP with a vanishing epsilon; the values add up to the logit when such a network has no biases.

    References
    ----------
    Shrikumar, Greenside, Shcherbina and Kundaje 2016, arXiv:1605.01713.
    """

    name: ClassVar[str] = "gradient_x_input"
    family: ClassVar[str] = "gradient"
    needs: ClassVar[str] = "gradients"
    cost: ClassVar[str] = "1 forward, 1 backward"
    gives: ClassVar[str] = "logits, signed"
    reference: ClassVar[str] = "arXiv:1605.01713"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits."""
        with asking(model, inputs, target, "GradientXInput") as question:
            values = question.chunked(question.gradients, question.inputs, question.target) * question.inputs
            return Attribution(on_cpu(values), question.target.cpu(), self.name)


@dataclass(frozen=True)
class NeuronGradient:
    """The gradient of a neuron, or of a whole channel, inside the network: which input values excite it.

    Parameters
    ----------
    layer : path of the layer; empty for the last one with maps.
    unit : the channel (N, unit, ...) of maps, or the neuron (N, unit).
    position : place in the channel's map, such as `(y, x)`; None for the sum over all places.

    Notes
    -----
    The target plays no part: it is only passed on. What follows the layer is not run. Of a module that is used several times, the last
    call that gives maps is read.

    References
    ----------
    Zeiler and Fergus 2013, arXiv:1311.2901; Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034.
    """

    name: ClassVar[str] = "neuron_gradient"
    family: ClassVar[str] = "gradient"
    needs: ClassVar[str] = "gradients and a layer"
    cost: ClassVar[str] = "1 forward up to the layer, 1 backward from it"
    gives: ClassVar[str] = "units of activation per unit of input, signed"
    reference: ClassVar[str] = "arXiv:1311.2901"

    layer: str = ""
    unit: int = 0
    position: tuple[int, ...] | None = None

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`; `layer` says which was read."""
        with asking(model, inputs, target, "NeuronGradient") as question:
            layer = self.layer or last_map(question)
            calls = calls_of(question, layer)

            def neuron(points: torch.Tensor) -> torch.Tensor:
                with activations(question.model, [layer], "NeuronGradient", calls=calls, stop=True) as kept:
                    question.once(points)
                return self._pick(kept.get(layer), layer, model)

            values = question.chunked(lambda part: question.differentiate(neuron, part), question.inputs)
            return Attribution(on_cpu(values), question.target.cpu(), self.name, params_of(self), layer)

    def _pick(self, activation: torch.Tensor | None, layer: str, model: Model) -> torch.Tensor:
        if activation is None:
            problem = f"the layer '{layer}' of {model.name} was not reached"
            raise ModelError("NeuronGradient", problem, remedy="Choose a layer that the network runs.")
        place = () if self.position is None else self.position
        index, sizes = (self.unit, *place), tuple(activation.shape[1:])
        if len(index) not in (1, len(sizes)) or any(not 0 <= at < size for at, size in zip(index, sizes, strict=False)):
            problem = f"unit {self.unit} at position {self.position} is not in the layer '{layer}'"
            raise ShapeError("NeuronGradient", problem, expected=f"indices below {sizes}")
        for at in index:
            activation = activation[:, at]
        return activation
