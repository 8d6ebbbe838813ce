"""Attention spelled out in a network's own code: a softmax whose result is multiplied with values."""

from __future__ import annotations

import string
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
SCALED = {"mul", "__mul__", "__rmul__", "div", "__truediv__"}  # by a number
SLACK = 1e-2  # of a row's sum: weights in half precision do not add up to 1 exactly


class DroppedError(Exception):
    """Weights of which some were dropped at random multiply values."""


def operands(given: Sequence[Any]) -> tuple[Any, ...]:
    """What a product multiplies: the arguments, but for the equation of an `einsum`; its operands may come as one list."""
    parts = given[1:] if given and isinstance(given[0], str) else given
    return tuple(parts[0]) if len(parts) == 1 and isinstance(parts[0], list | tuple) else tuple(parts)


@dataclass
class Trace:
    """Follow what a softmax gave through a network's code, until a product takes it for weights."""

    waiting: dict[int, tuple[torch.Tensor, int]] = field(default_factory=dict)  # by id of the tensor; the softmax it came from
    other: dict[int, torch.Tensor] = field(default_factory=dict)  # made from a softmax along another axis than the last
    softmaxes: dict[int, tuple[str, tuple[int, ...]]] = field(default_factory=dict)  # by number: where, and its shape
    dropped: set[int] = field(default_factory=set)  # the numbers of those from which a dropout took weights

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
        """Note that a tensor that is followed goes on under another name.

        What comes of a softmax along another axis is followed as far as the product that it enters, and no further: a layer that
        projects it makes something new of it.
        """
        if not given or not isinstance(result, torch.Tensor):
            return
        source = id(given[0])
        if source in self.waiting and name in SAME:
            self.waiting[id(result)] = (result, self.waiting[source][1])
        elif name in SAME or name == "__get__" or (name in SCALED and not isinstance(given[-1], torch.Tensor)):
            if source in self.other:
                self.other[id(result)] = result
        elif (name in PRODUCTS or name == "einsum") and any(id(part) in self.other for part in operands(given)):
            self.other[id(result)] = result

    def dropout(self, given: Sequence[Any], result: torch.Tensor) -> None:
        """Note that a dropout took some of the weights at random."""
        if given and id(given[0]) in self.waiting:
            number = self.waiting[id(given[0])][1]
            self.dropped.add(number)
            self.waiting[id(result)] = (result, number)

    def product(self, name: str, given: Sequence[Any]) -> Pieces | None:
        """The weights and the values of a product, where it is one of attention."""
        if name == "einsum" and len(operands(given)) == 2 and isinstance(given[0], str):
            first, second = operands(given)
            turned = id(second) in self.waiting
            weights, values = (second, first) if turned else (first, second)
            pieces = _einsum(given[0], weights, values, turned=turned) if id(weights) in self.waiting else None
        elif name in PRODUCTS and len(given) > 1 and id(given[0]) in self.waiting and isinstance(given[1], torch.Tensor):
            weights, values = given[0], given[1]
            pieces = Pieces(weights, values, _itself) if values.ndim == weights.ndim > 2 else None
        else:
            return None
        number = self.waiting[id(weights)][1] if pieces is not None else -1
        if pieces is None or id(values) in self.other or not (number in self.dropped or _are_weights(pieces.weights)):
            return None
        if number in self.dropped:
            raise DroppedError
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
    if len(parts) != 2 or not result:
        return None
    one, two = reversed(parts) if turned else parts
    if "..." in equation:  # the axes that an ellipsis stands for get letters of their own, if they are as many in both
        counts = [tensor.ndim - len(term.replace("...", "")) for term, tensor in ((one, weights), (two, values))]
        if any("..." not in term for term in (one, two, result)) or counts[0] != counts[1]:
            return None
        free = "".join(letter for letter in string.ascii_letters if letter not in equation)[: counts[0]]
        one, two, result = (term.replace("...", free) for term in (one, two, result))
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
