"""The equations of recurrent layers, written out step by step, so that every state and gate can be seen and differentiated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import linear

GATES = {"LSTM": ("input", "forget", "candidate", "output"), "GRU": ("reset", "update", "candidate"), "RNN": ()}
State = tuple[torch.Tensor, torch.Tensor | None]  # hidden and, of an LSTM, cell


class Weights(NamedTuple):
    """The weights of one layer in one direction; `projection` makes an LSTM's hidden state smaller."""

    inputs: torch.Tensor
    hidden: torch.Tensor
    inputs_bias: torch.Tensor | None
    hidden_bias: torch.Tensor | None
    projection: torch.Tensor | None = None


@dataclass(frozen=True)
class Strand:
    """One layer, read in one direction. Each tuple holds one tensor (N, units) a step, in the order of the sequence.

    `hidden[t]` is what is known after step t: of the steps up to t when read forward, of those from t on when read backward.
    `gates` : by name, each between 0 and 1 but the `candidate`, between -1 and 1. `mask` (N, T) : whether a row has that step.
    """

    level: int
    direction: str
    hidden: tuple[torch.Tensor, ...]
    cell: tuple[torch.Tensor, ...]
    gates: dict[str, tuple[torch.Tensor, ...]]
    mask: torch.Tensor
    final: State


def step(kind: str, inputs: torch.Tensor, state: State, weights: Weights) -> tuple[State, tuple[torch.Tensor, ...]]:
    """Take one step: inputs (N, F) and the state before give the state after, and the gates in the order of `GATES`.

    Parameters
    ----------
    kind : `RNN_TANH`, `RNN_RELU`, `LSTM` or `GRU`, as torch calls them.

    References
    ----------
    Elman 1990; Hochreiter and Schmidhuber 1997; Cho and others 2014, arXiv:1406.1078.
    """
    hidden, cell = state
    left = linear(inputs, weights.inputs, weights.inputs_bias)
    right = linear(hidden, weights.hidden, weights.hidden_bias)
    if kind == "LSTM":
        assert cell is not None
        into, forget, candidate, output = (left + right).chunk(4, -1)
        into, forget, candidate, output = into.sigmoid(), forget.sigmoid(), candidate.tanh(), output.sigmoid()
        cell = forget * cell + into * candidate
        hidden = output * cell.tanh()
        if weights.projection is not None:
            hidden = linear(hidden, weights.projection)
        return (hidden, cell), (into, forget, candidate, output)
    if kind == "GRU":
        (reset_x, update_x, new_x), (reset_h, update_h, new_h) = left.chunk(3, -1), right.chunk(3, -1)
        reset, update = (reset_x + reset_h).sigmoid(), (update_x + update_h).sigmoid()
        candidate = (new_x + reset * new_h).tanh()
        return ((1 - update) * candidate + update * hidden, None), (reset, update, candidate)
    both = left + right
    return (both.relu() if kind == "RNN_RELU" else both.tanh(), None), ()


def unroll(module: nn.RNNBase, steps: Sequence[torch.Tensor], state: State, mask: torch.Tensor) -> list[Strand]:
    """Read sequences with every layer of a module, in each direction.

    Parameters
    ----------
    steps : what is read, one tensor (N, F) a step.
    state : hidden (layers * directions, N, units) and, for an LSTM, cell; the state before the first step.
    mask : (N, T), whether a row has that step; a row that has ended keeps its state.

    Returns
    -------
    One strand a layer and direction, the layers from below, forward before backward. They are part of one graph.
    """
    strands: list[Strand] = []
    ways = ("forward", "backward")[: 2 if module.bidirectional else 1]
    for level in range(module.num_layers):
        pair = []
        for number, direction in enumerate(ways):
            place = level * len(ways) + number
            start = state[0][place], None if state[1] is None else state[1][place]
            pair.append(_strand(module.mode, steps, start, weights_of(module, place), mask, level, direction))
        steps = tuple(torch.cat(hidden, -1) for hidden in zip(*(one.hidden for one in pair), strict=True))
        strands += pair
    return strands


def _strand(
    kind: str, steps: Sequence[torch.Tensor], state: State, weights: Weights, mask: torch.Tensor, level: int, direction: str
) -> Strand:
    order = range(len(steps)) if direction == "forward" else range(len(steps) - 1, -1, -1)
    ragged = not bool(mask.all())
    states: dict[int, State] = {}
    gates: dict[int, tuple[torch.Tensor, ...]] = {}
    for time in order:
        (hidden, cell), gates[time] = step(kind, steps[time], state, weights)
        if ragged:
            here = mask[:, time, None]
            hidden = torch.where(here, hidden, state[0])
            cell = None if cell is None or state[1] is None else torch.where(here, cell, state[1])
        state = states[time] = hidden, cell
    times = range(len(steps))
    names = GATES[kind.split("_")[0]]
    return Strand(
        level,
        direction,
        tuple(states[time][0] for time in times),
        tuple(cell for time in times if (cell := states[time][1]) is not None),
        {name: tuple(gates[time][place] for time in times) for place, name in enumerate(names)},
        mask,
        state,
    )


def weights_of(module: nn.RNNBase | nn.RNNCellBase, place: int = 0) -> Weights:
    """The weights of one layer and direction of a module, or of a cell, in float32 at least."""
    if isinstance(module, nn.RNNCellBase):
        given = [module.weight_ih, module.weight_hh, module.bias_ih, module.bias_hh]
        return Weights(*(None if tensor is None else _exact(tensor) for tensor in given))
    layer = [_exact(tensor) for tensor in module.all_weights[place]]
    biases = layer[2:4] if module.bias else [None, None]
    projection = layer[-1] if getattr(module, "proj_size", 0) else None
    return Weights(layer[0], layer[1], biases[0], biases[1], projection)


def _exact(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
