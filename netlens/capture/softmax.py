"""Attention spelled out in a network's own code: a softmax whose result is multiplied with values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from netlens.capture.fused import Recovered, four, wide

PRODUCTS = {"matmul", "__matmul__", "bmm"}
SAME = {  # what may happen to weights between the softmax and the product: their numbers stay, but for a mask
    "dropout", "to", "type", "type_as", "float", "double", "half", "bfloat16", "contiguous", "clone", "view", "reshape", "flatten",
    "unflatten", "unsqueeze", "squeeze", "transpose", "permute", "swapaxes", "expand", "masked_fill", "nan_to_num", "__getitem__",
}  # fmt: skip
SLACK = 1e-2  # of a row's sum: weights in half precision do not add up to 1 exactly


@dataclass
class Trace:
    """Follow what a softmax gave through a network's code, until a product takes it for weights."""

    waiting: dict[int, tuple[torch.Tensor, int]] = field(default_factory=dict)  # by id of the tensor; the softmax it came from
    other: dict[int, torch.Tensor] = field(default_factory=dict)  # made from a softmax along another axis than the last
    softmaxes: dict[int, tuple[str, tuple[int, ...]]] = field(default_factory=dict)  # by number: where, and its shape

    def softmax(self, result: torch.Tensor, given: Sequence[Any], named: Mapping[str, Any], layer: str) -> None:
        """Note what a softmax gave."""
        axis = named.get("dim", given[1] if len(given) > 1 and isinstance(given[1], int) else -1)
        if axis is None or axis % result.ndim == result.ndim - 1:
            number = len(self.softmaxes)
            self.softmaxes[number] = (layer, tuple(result.shape))
            self.waiting[id(result)] = (result, number)
        else:
            self.other[id(result)] = result

    def passed_on(self, name: str, given: Sequence[Any], result: Any) -> None:
        """Note that a tensor that is followed goes on under another name."""
        if not given or not isinstance(result, torch.Tensor):
            return
        source = id(given[0])
        if source in self.waiting and name in SAME:
            self.waiting[id(result)] = (result, self.waiting[source][1])
        elif source in self.other or (name in PRODUCTS and len(given) > 1 and id(given[1]) in self.other):
            self.other[id(result)] = result

    def product(self, name: str, given: Sequence[Any]) -> Pieces | None:
        """The weights and the values of a product, where it is one of attention."""
        if name == "einsum" and len(given) == 3 and isinstance(given[0], str):
            first, second = given[1:]
            turned = id(second) in self.waiting
            weights, values = (second, first) if turned else (first, second)
            pieces = _einsum(given[0], weights, values, turned=turned) if id(weights) in self.waiting else None
        elif name in PRODUCTS and len(given) > 1 and id(given[0]) in self.waiting and isinstance(given[1], torch.Tensor):
            weights, values = given[0], given[1]
            pieces = Pieces(weights, values, _itself) if values.ndim == weights.ndim > 2 else None
        else:
            return None
        if pieces is None or id(values) in self.other or not _are_weights(pieces.weights):
            return None
        number = self.waiting[id(weights)][1]
        self.softmaxes.pop(number, None)
        self.waiting = {key: kept for key, kept in self.waiting.items() if kept[1] != number}
        return pieces

    def left(self) -> list[str]:
        """The softmaxes over several tokens that no product took."""
        return [
            f"`{layer or 'the network itself'}` (its softmax {shape} enters no product of weights and values)"
            for layer, shape in self.softmaxes.values()
            if len(shape) > 2 and min(shape[-2:]) > 1
        ]


@dataclass(frozen=True)
class Pieces:
    """Weights (..., Q, K), values (..., K, D), and how the result is laid out."""

    weights: torch.Tensor
    values: torch.Tensor
    back: Callable[[torch.Tensor], torch.Tensor]

    def recovered(self, rows: int) -> Recovered:
        """Multiply again, in float32 at least; `rows` of the network's input tell heads that are folded into the batch."""
        weights, values = wide(self.weights), wide(self.values)
        shape = (*weights.shape[:-1], values.shape[-1])
        values = values.expand(*weights.shape[:-2], *values.shape[-2:])
        folded = weights.ndim == 3 and rows and len(weights) > rows and len(weights) % rows == 0
        kept, heard = ((_unfold(part, rows) if folded else four(part)) for part in (weights, values))
        return Recovered(kept, heard, lambda weights: self.back((weights @ heard).view(shape)))


def _einsum(equation: str, weights: torch.Tensor, values: torch.Tensor, *, turned: bool) -> Pieces | None:
    """Read an equation such as `bhqk,bhkd->bhqd`."""
    terms, _, result = equation.replace(" ", "").partition("->")
    parts = terms.split(",")
    if "." in equation or len(parts) != 2 or not result:
        return None
    one, two = reversed(parts) if turned else parts
    batch = [letter for letter in one if letter in two and letter in result]
    keys = [letter for letter in one if letter in two and letter not in result]
    queries = [letter for letter in one if letter not in two and letter in result]
    width = [letter for letter in two if letter not in one and letter in result]
    if not (len(keys) == len(queries) == len(width) == 1) or one[-1] != keys[0] or len(one) != len(batch) + 2:
        return None
    order = [*batch, queries[0], width[0]]
    return Pieces(
        weights.permute([one.index(letter) for letter in [*batch, queries[0], keys[0]]]),
        values.permute([two.index(letter) for letter in [*batch, keys[0], width[0]]]),
        lambda mixed: mixed.permute([order.index(letter) for letter in result]),
    )


def _are_weights(weights: torch.Tensor) -> bool:
    """Whether no row adds up to more than 1; after a transposition, columns are read for rows."""
    return bool((weights.detach().float().sum(-1) <= 1 + SLACK).all())


def _unfold(tensor: torch.Tensor, rows: int) -> torch.Tensor:
    return tensor.reshape(rows, -1, *tensor.shape[-2:])


def _itself(tensor: torch.Tensor) -> torch.Tensor:
    return tensor
