"""What may be asked of a network: a class, a neuron, a channel, or a direction among its units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from netlens.capture import activations
from netlens.errors import ModelError, ShapeError
from netlens.internals.units import Axis
from netlens.models.model import Model


@dataclass(frozen=True)
class Unit:
    """One number that a network computes of each sample.

    `layer` : the path of a layer; empty for the logits, and then the unit is a class. `index` : the class, neuron or channel.
    `position` : the place in a channel's map, such as `(y, x)`; None for the mean over its places. `direction` : weights of the
    layer's units, instead of an `index`; the number is then their sum with these weights, the weights scaled to length 1.
    """

    index: int = 0
    layer: str = ""
    position: tuple[int, ...] | None = None
    direction: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """What a reader calls it."""
        what = "direction" if self.direction else f"unit {self.index}" if self.layer else f"class {self.index}"
        where = f" at {', '.join(map(str, self.position))}" if self.position else ""
        return f"{self.layer} {what}{where}".strip()

    def of(self, output: torch.Tensor, axis: int) -> torch.Tensor:
        """The number of each sample, (N,), from what the layer gives.

        Raises
        ------
        ShapeError : the layer has no such unit, position or number of units.
        """
        maps = output.movedim(axis, 1)
        count, sizes = maps.shape[1], tuple(maps.shape[2:])
        if (self.direction and len(self.direction) != count) or not 0 <= self.index < count:
            problem = f"there is no {self.name}"
            raise ShapeError("unit", problem, expected=f"{count} units, counted from 0, in {self.layer or 'the logits'}")
        if self.direction:
            weights = torch.tensor(self.direction, dtype=maps.dtype, device=maps.device)
            values = torch.einsum("nu...,u->n...", maps, weights / weights.norm().clamp(min=1e-12))
        else:
            values = maps[:, self.index]
        if self.position is None:
            return values.flatten(1).mean(1) if values.ndim > 1 else values
        if len(self.position) != len(sizes) or any(not 0 <= at < size for at, size in zip(self.position, sizes, strict=True)):
            raise ShapeError("unit", f"there is no place {self.position} in {self.layer}", expected=f"indices below {sizes}")
        for at in self.position:
            values = values[:, at]
        return values


class Listener:
    """Read units while a network runs, several layers at once."""

    def __init__(self, model: Model, units: Sequence[Unit], kept: dict[str, torch.Tensor]) -> None:
        self.model, self.units, self.kept = model, tuple(units), kept

    def outputs(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        """What each layer gives for the inputs; the logits under the empty path."""
        self.kept.clear()
        try:
            logits = self.model.net(inputs)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            problem = f"{self.model.name} does not run on inputs {tuple(inputs.shape)}: {str(error).splitlines()[0]}"
            raise ShapeError("unit", problem, remedy="Check that the network and the data fit together.") from error
        return {"": logits, **self.kept}

    def read(self, inputs: torch.Tensor) -> torch.Tensor:
        """The numbers of every unit, (N, units)."""
        outputs = self.outputs(inputs)
        return torch.stack([self.one(unit, outputs) for unit in self.units], 1)

    def one(self, unit: Unit, outputs: dict[str, torch.Tensor]) -> torch.Tensor:
        """The number of one unit, (N,), in float32 at least."""
        if unit.layer not in outputs:
            problem = f"the layer '{unit.layer}' of {self.model.name} was not reached"
            raise ModelError("unit", problem, remedy="Choose a layer that the network runs.")
        output = outputs[unit.layer]
        axis = 1 if not unit.layer else Axis().of(self.model.layer(unit.layer), output)
        values = unit.of(output, axis)
        return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values


@contextmanager
def listening_to(model: Model, units: Sequence[Unit], operation: str) -> Iterator[Listener]:
    """Listen to the layers of some units.

    Raises
    ------
    ShapeError : there is no unit. ModelError : a layer does not exist.
    """
    if not units:
        raise ShapeError(operation, "no unit was given", expected="at least one")
    layers = list(dict.fromkeys(unit.layer for unit in units if unit.layer))
    with activations(model, layers, operation) as kept:
        yield Listener(model, units, kept)
