"""Cells that a network calls in a loop of its own: their steps, joined to sequences."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from netlens.errors import ModelError
from netlens.internals.recurrent_call import Call, compared, leaf
from netlens.internals.unroll import GATES, State, Strand, step, weights_of


def hear_cell(calls: list[Call], path: str, module: nn.RNNCellBase, given: tuple[Any, Any], output: Any, operation: str) -> Any:
    """Write one step of a cell out.

    A step that is given the very state that an earlier one gave back follows it. Where the network changed the state in between, it
    follows the last step, unless there is no state, or one of zeros: then a sequence begins.
    """
    read, state = given
    recurrent = f"RNN_{getattr(module, 'nonlinearity', 'tanh').upper()}"
    kind = "LSTM" if isinstance(module, nn.LSTMCell) else "GRU" if isinstance(module, nn.GRUCell) else recurrent
    shown = state[0] if isinstance(state, tuple) else state
    inputs = leaf(read if read.ndim == 2 else read.unsqueeze(0))
    parts = None if state is None else [leaf(part) for part in (state if isinstance(state, tuple) else (state,))]
    fresh = parts is None or not any(bool(part.any()) for part in parts)
    zeros = inputs.new_zeros(len(inputs), module.hidden_size)
    parts = [zeros] * 2 if parts is None else [part if part.ndim == 2 else part.unsqueeze(0) for part in parts]
    (hidden, cell), gates = step(kind, inputs, (parts[0], parts[1] if kind == "LSTM" else None), weights_of(module))
    ours = [part if read.ndim == 2 else part.squeeze(0) for part in (hidden, cell) if part is not None]
    theirs = output if isinstance(output, tuple) else (output,)
    error = compared(ours, theirs, path, module, operation)
    before = [one for one in calls if one.layer == path]
    same = [one for one in before if shown is not None and one.given_back is shown]
    old = same[0] if same else None if fresh or not before else before[-1]
    if old is not None and len(inputs) != len(old.steps[-1]):
        problem = f"the cell '{path}' is given {len(inputs)} rows after {len(old.steps[-1])} in one sequence"
        raise ModelError(operation, problem, expected="the same rows at each step", remedy="Look at sequences of one length.")
    if old is None:
        old = Call(path, kind, len(before), [], [], 0.0)
        calls.append(old)
    old.steps.append(inputs)
    old.error = max(old.error, error)
    old.strands = [_longer(old.strands, (hidden, cell), dict(zip(GATES[kind.split("_")[0]], gates, strict=True)))]
    back = tuple(part.to(theirs[0].dtype) for part in ours)
    old.given_back = back[0]
    return back if isinstance(output, tuple) else back[0]


def _longer(strands: list[Strand], state: State, gates: dict[str, torch.Tensor]) -> Strand:
    """A strand with one step more."""
    hidden, cell = state
    old = (
        strands[0] if strands else Strand(0, "forward", (), (), dict.fromkeys(gates, ()), hidden.new_zeros(len(hidden), 0), state)
    )
    mask = torch.ones(len(hidden), len(old.hidden) + 1, dtype=torch.bool, device=hidden.device)
    cells = old.cell if cell is None else (*old.cell, cell)
    return Strand(
        0, "forward", (*old.hidden, hidden), cells, {name: (*old.gates[name], gates[name]) for name in gates}, mask, state
    )
