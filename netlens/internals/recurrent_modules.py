"""Recurrent modules that read a whole sequence in one call: padded or packed, batched or not."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from netlens.internals.recurrent_call import Call, compared, leaf
from netlens.internals.unroll import State, unroll


def hear_module(calls: list[Call], path: str, module: nn.RNNBase, given: tuple[Any, Any], output: Any, operation: str) -> Any:
    """Write a module's call out, and give back its own output made by the equations, in the shape that it came in."""
    read, state = given
    packed = isinstance(read, PackedSequence)
    lengths: torch.Tensor | None = None
    if packed:
        inputs, lengths = pad_packed_sequence(read, batch_first=True)
    else:
        inputs = read.unsqueeze(0 if module.batch_first else 1) if read.ndim == 2 else read
        inputs = inputs if module.batch_first else inputs.transpose(0, 1)
    inputs = leaf(inputs)
    rows, length = inputs.shape[:2]
    ends = torch.full((rows,), length) if lengths is None else lengths
    mask = torch.arange(length, device=inputs.device) < ends.to(inputs.device)[:, None]
    steps = list(inputs.unbind(1))
    strands = unroll(module, steps, _start(module, state, inputs, rows), mask)
    top = [one for one in strands if one.level == module.num_layers - 1]
    hidden = torch.cat([torch.stack(one.hidden, 1) for one in top], -1) * mask[..., None]
    finals = [torch.stack([one.final[0] for one in strands])]
    if module.mode == "LSTM":
        finals.append(torch.stack([cell for one in strands if (cell := one.final[1]) is not None]))
    told = pad_packed_sequence(output[0], batch_first=True)[0] if packed else output[0]
    ours = hidden if packed else _shaped(hidden, module, read)
    last = [part.squeeze(1) if not packed and read.ndim == 2 else part for part in finals]
    theirs = output[1] if isinstance(output[1], tuple) else (output[1],)
    error = compared([ours, *last], [told, *theirs], path, module, operation)
    calls.append(Call(path, module.mode, sum(one.layer == path for one in calls), steps, strands, error))
    back = [part.to(told.dtype) for part in last]
    return _packed(ours.to(told.dtype), output[0]) if packed else ours.to(told.dtype), (
        tuple(back) if isinstance(output[1], tuple) else back[0]
    )


def _start(module: nn.RNNBase, state: Any, inputs: torch.Tensor, rows: int) -> State:
    places = module.num_layers * (2 if module.bidirectional else 1)
    if state is None:
        shown = inputs.new_zeros(places, rows, module.proj_size or module.hidden_size)
        return shown, inputs.new_zeros(places, rows, module.hidden_size) if module.mode == "LSTM" else None
    parts = [
        leaf(part) if part.ndim == 3 else leaf(part).unsqueeze(1) for part in (state if isinstance(state, tuple) else (state,))
    ]
    return parts[0], parts[1] if len(parts) > 1 else None


def _shaped(hidden: torch.Tensor, module: nn.RNNBase, read: torch.Tensor) -> torch.Tensor:
    if read.ndim == 2:
        return hidden.squeeze(0)
    return hidden if module.batch_first else hidden.transpose(0, 1)


def _packed(hidden: torch.Tensor, like: PackedSequence) -> PackedSequence:
    """Pack (N, T, units) in the order of another packed sequence."""
    _, lengths = pad_packed_sequence(like)
    if like.sorted_indices is not None:
        hidden, lengths = hidden[like.sorted_indices], lengths[like.sorted_indices.cpu()]
    data = pack_padded_sequence(hidden, lengths, batch_first=True).data
    return PackedSequence(data, like.batch_sizes, like.sorted_indices, like.unsorted_indices)
