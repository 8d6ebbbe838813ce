"""What an operation costs: the multiply-adds of products of matrices, convolutions, attention and recurrence, from their shapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import flop_registry

aten: Any = torch.ops.aten
GATES = {0: 1, 1: 1, 2: 4, 3: 3}  # by torch's number of the kind: RNN with ReLU, with tanh, LSTM, GRU
Cost = Callable[..., int]


def _product(a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> int:
    """(..., m, k) times (..., k, n), or times a vector (k,)."""
    return a.numel() * (b.shape[-1] if b.ndim > 1 else 1)


def _added(_sum: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *_: Any, **__: Any) -> int:
    return _product(a, b)


def _convolution(inputs: torch.Tensor, weight: torch.Tensor, *rest: Any, result: Any, **settings: Any) -> int:
    """Each output value is a sum over its window and the input channels of its group; transposed, each input value is spread."""
    transposed = settings.get("transposed", rest[4] if len(rest) > 4 else False)
    return (inputs if transposed else result).numel() * math.prod(weight.shape[1:])


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, **__: Any) -> int:
    """Every query with every key, (N, heads, T, d), and the weights with the values; a mask saves nothing here."""
    return query.shape[:-1].numel() * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def _recurrent_layer(inputs: torch.Tensor, from_input: torch.Tensor, from_state: torch.Tensor, *_: Any, **__: Any) -> int:
    """One layer in one direction: each step (T, N) meets both matrices."""
    return inputs.shape[:-1].numel() * (from_input.numel() + from_state.numel())


def _cudnn_recurrent(inputs: torch.Tensor, weights: list[torch.Tensor], *_: Any, **__: Any) -> int:
    """All layers and directions: each step meets every matrix; a packed batch (steps, features) too."""
    return inputs.shape[:-1].numel() * sum(weight.numel() for weight in weights if weight.ndim > 1)


COSTS: dict[Any, Cost] = {
    aten.mm: _product,
    aten.bmm: _product,
    aten.mv: _product,
    aten.dot: lambda a, _b: a.numel(),
    aten.addmm: _added,
    aten.addmv: _added,
    aten.addbmm: _added,
    aten.baddbmm: _added,
    aten._addmm_activation: _added,
    aten.convolution: _convolution,
    aten._scaled_dot_product_flash_attention: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_efficient_attention: _attention,
    aten._scaled_dot_product_cudnn_attention: _attention,
    aten.mkldnn_rnn_layer: _recurrent_layer,
    aten._cudnn_rnn: _cudnn_recurrent,
}


def is_counted(operation: Any) -> bool:
    """Whether an operation of torch (an overload) has a cost of its own here; what has none is made of others, or cheap."""
    return operation.overloadpacket in COSTS or operation.overloadpacket in flop_registry


def multiply_adds(operation: Any, arguments: tuple[Any, ...], settings: dict[str, Any], result: Any) -> int:
    """How many multiply-adds one call takes; 0 for operations that only work element by element, sum, or move numbers.

    Notes
    -----
    What is not in `COSTS` is looked up in the registry of `torch.utils.flop_counter`, which counts a multiply-add as two.
    """
    packet = operation.overloadpacket
    if packet is aten.convolution:
        return _convolution(*arguments, **settings, result=result)
    if packet in COSTS:
        return COSTS[packet](*arguments, **settings)
    if packet in flop_registry:
        return int(flop_registry[packet](*arguments, **settings, out_val=result)) // 2
    return 0
