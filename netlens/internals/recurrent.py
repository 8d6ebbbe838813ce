"""What a recurrent network knows while it reads: states and gates over time, in any recurrent module of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netlens.errors import ShapeError
from netlens.internals.recurrent_call import Call
from netlens.internals.recurrent_listening import listening, run
from netlens.models.model import Model


@dataclass(frozen=True)
class States:
    """What one layer knew while it read, in one direction, during one call of its module. All tensors are on the CPU.

    `hidden` (N, T, units), row t after step t; read backward, it knows the steps from t on. `cell` : the same of an LSTM, else None.
    `gates` : by name, (N, T, units), each between 0 and 1 but the `candidate`. `inputs` (N, T, F) : what the module was given.
    `lengths` (N,) : the steps of each row; what lies after them is NaN. `error` : how far the equations miss the module's output.
    """

    layer: str
    kind: str
    level: int
    direction: str
    call: int
    inputs: torch.Tensor
    hidden: torch.Tensor
    cell: torch.Tensor | None
    gates: dict[str, torch.Tensor]
    lengths: torch.Tensor
    error: float

    @property
    def name(self) -> str:
        """What a reader calls it: the path, and what tells it from the others of its module."""
        return (
            self.layer + (f", level {self.level}" if self.level else "") + (", backward" if self.direction == "backward" else "")
        )


def hidden_states(model: Model, inputs: torch.Tensor, layer: str = "") -> tuple[States, ...]:
    """Read states, cells and gates over time from every recurrent layer of an unmodified network.

    Parameters
    ----------
    inputs : as `model.preprocess` gives them: images, sequences or token ids.
    layer : the path of one recurrent module or cell; empty for all of them.

    Returns
    -------
    One entry for each call of a module, each layer of it and each direction. A cell that is called in a loop is one entry: each
    step follows the one whose state it is given, and a sequence begins where it is given none.

    Raises
    ------
    ModelError : the network has no recurrent layer, or a module gives something else than its equations.

    Notes
    -----
    Cost: one forward pass, and the equations written out beside it. On each call they must give what the module gives, to 1e-5 in
    float32, 0.01 in float16 and 0.06 in bfloat16, over the larger of 1 and the largest output.

    References
    ----------
    Elman 1990; Hochreiter and Schmidhuber 1997; Cho and others 2014, arXiv:1406.1078.
    """
    with listening(model, inputs, "hidden states", layer) as (network, batch, calls), torch.no_grad():
        run(network, batch, calls, "hidden states")
    return tuple(states for call in calls for states in _states(call))


def logits_while_reading(model: Model, inputs: torch.Tensor, axis: int = 2) -> torch.Tensor:
    """Compute the logits after each step, by giving the network only the steps up to there: (N, T, classes).

    Parameters
    ----------
    axis : the axis of `inputs` along which the network reads: 2 for the rows of images, 1 for sequences.

    Raises
    ------
    ShapeError : there is no such axis, or the network does not take shorter sequences.

    Notes
    -----
    Cost: as many forward passes as there are steps.
    """
    if not 0 < axis < inputs.ndim:
        raise ShapeError("logits while reading", f"there is no axis {axis} to read along", expected=f"1 to {inputs.ndim - 1}")
    return torch.stack([model.logits(inputs.narrow(axis, 0, end)) for end in range(1, inputs.shape[axis] + 1)], 1)


def _states(call: Call) -> list[States]:
    inputs = stacked(call.steps)
    found = []
    for strand in call.strands:
        absent = ~strand.mask.cpu()[..., None]
        hidden = stacked(strand.hidden).masked_fill(absent, torch.nan)
        cell = stacked(strand.cell).masked_fill(absent, torch.nan) if strand.cell else None
        gates = {name: stacked(values).masked_fill(absent, torch.nan) for name, values in strand.gates.items()}
        read, lengths = inputs.masked_fill(absent, torch.nan), strand.mask.sum(1).cpu()
        found.append(
            States(
                call.layer, call.kind, strand.level, strand.direction, call.number, read, hidden, cell, gates, lengths, call.error
            )
        )
    return found


def stacked(steps: Sequence[torch.Tensor]) -> torch.Tensor:
    """One tensor (N, T, ...) on the CPU from one (N, ...) a step."""
    return torch.stack([one.detach() for one in steps], 1).cpu()
