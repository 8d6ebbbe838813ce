"""What attention computes, said in plain operations: weights out of queries and keys, and the result out of weights and values."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

SIGNATURE = inspect.signature(functional.multi_head_attention_forward)


@dataclass(frozen=True)
class Recovered:
    """An attention taken apart.

    `weights` (N, heads, Q, K); `values` (N, heads, K, D); `mix` makes of the weights what the attention gives, shaped as its output;
    `blind` is true where a query may look nowhere, so that there is nothing to compare.
    """

    weights: torch.Tensor
    values: torch.Tensor
    mix: Callable[[torch.Tensor], torch.Tensor]
    blind: torch.Tensor | None = None


def wide(tensor: torch.Tensor) -> torch.Tensor:
    """The same numbers in float32 at least."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def four(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor (..., Q, K) as (N, heads, Q, K): a single head without an axis of its own gets one."""
    if tensor.ndim < 4:
        return tensor.reshape(-1 if tensor.ndim == 3 else 1, 1, *tensor.shape[-2:])
    return tensor.reshape(-1, *tensor.shape[-3:])


def scaled_dot_product(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,  # noqa: ARG001 - torch's own signature
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Recovered:
    """Do what `torch.nn.functional.scaled_dot_product_attention` does, without its dropout, and keep the weights.

    Notes
    -----
    With `enable_gqa` several heads of queries share one of keys and values; these are repeated, so that each head has its own. A query
    that may look nowhere has weights 0.
    """
    query, key, value = wide(query), wide(key), wide(value)
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        value = value.repeat_interleave(query.shape[-3] // value.shape[-3], -3)
    scores = query @ key.mT * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        scores = scores.masked_fill(~seen, float("-inf"))
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, float("-inf")) if attn_mask.dtype == torch.bool else scores + attn_mask
    weights, blind = scores.softmax(-1), None
    if attn_mask is not None:
        blind = (scores == float("-inf")).all(-1, keepdim=True)
        weights = weights.masked_fill(blind, 0.0)
    values = four(value.expand(*weights.shape[:-2], *value.shape[-2:]))
    shape = (*weights.shape[:-1], value.shape[-1])
    return Recovered(four(weights), values, lambda weights: (weights @ values).view(shape), blind)


def multi_head(arguments: dict[str, Any]) -> Recovered:
    """Do what `torch.nn.functional.multi_head_attention_forward` does, and keep the weights.

    The weights are torch's own, asked for head by head. The values are projected here, which covers separate projections, the extra
    key and value of `add_bias_kv`, and those of `add_zero_attn`.
    """
    wanted: dict[str, Any] = {name: wide(part) if _floats(part) else part for name, part in arguments.items()}
    wanted |= {"need_weights": True, "average_attn_weights": False, "dropout_p": 0.0}
    _, found = functional.multi_head_attention_forward(**wanted)
    assert found is not None
    value, heads = wanted["value"], wanted["num_heads"]
    batched = value.ndim == 3
    values = functional.linear(value if batched else value.unsqueeze(1), *_value_projection(wanted))
    if wanted["bias_v"] is not None:
        values = torch.cat([values, wanted["bias_v"].expand(1, *values.shape[1:])])
    values = values.view(*values.shape[:2], heads, -1).permute(1, 2, 0, 3)  # (N, heads, K, D)
    if wanted["add_zero_attn"]:
        values = torch.cat([values, values.new_zeros(*values.shape[:2], 1, values.shape[3])], 2)
    weights = found if batched else found.unsqueeze(0)
    blind = weights.isnan().any(-1).any(1).T.unsqueeze(2)  # (Q, N, 1): torch gives NaN to a query that may look nowhere

    def mix(weights: torch.Tensor) -> torch.Tensor:
        joined = (weights @ values).permute(2, 0, 1, 3).flatten(2)  # (Q, N, heads * D)
        mixed = functional.linear(joined, wanted["out_proj_weight"], wanted["out_proj_bias"])
        return mixed if batched else mixed.squeeze(1)

    return Recovered(weights.nan_to_num(0.0), values, mix, blind if batched else blind.squeeze(1))


def _value_projection(arguments: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor | None]:
    own = arguments["use_separate_proj_weight"]
    weight = arguments["v_proj_weight"] if own else arguments["in_proj_weight"].chunk(3)[2]
    bias = arguments["in_proj_bias"]
    return weight, None if bias is None else bias.chunk(3)[2]


def _floats(part: Any) -> bool:
    return isinstance(part, torch.Tensor) and part.is_floating_point()
