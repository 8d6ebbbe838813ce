"""The graph of operations that a forward pass leaves behind: what each does, and which module ran it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import Node

# Names of operations in torch's graph, by what they do to whatever depends on the input.
PLUMBING = re.compile(
    r"(Unsafe)?View|ReshapeAlias|Alias|Clone|ToCopy|T|Transpose|Permute|Squeeze|Unsqueeze|Expand|Slice|Select|Split(WithSizes)?|Unbind|"
    r"Cat|Stack|Index|IndexSelect|Gather|Flip|Roll|AsStrided|Pixel(Uns|S)huffle|ConstantPadNd|CopySlices|Copy|Identity"
)
SUMS = re.compile(
    r"Add|Sub|Neg|Sum|Mean|Repeat|Upsample(Nearest|Bilinear)?\w*|(Reflection|Replication)Pad\dD|(Mkldnn)?(Adaptive)?AvgPool\dD|MaskedFill"
)
PRODUCTS = re.compile(r"Mul|Div|Mm|Bmm|Mv|Dot|Addmm|Addmv|Baddbmm|(Cudnn|Mkldnn|Miopen)?Convolution|Linear")
FIXED_NORMS = re.compile(r"(Native|Cudnn|Miopen)BatchNorm")
MAX_POOLS = re.compile(r"(Mkldnn|Adaptive)?MaxPool\dD(WithIndices)?")


@dataclass(frozen=True)
class Call:
    """One call of a module: its path, and the numbers that the graph gave to the operations inside, from `first` up to `last`."""

    path: str
    module: nn.Module
    first: int
    last: int


@contextmanager
def module_calls(net: nn.Module) -> Iterator[list[Call]]:
    """Note every call of every module inside the context, in the order in which they end."""
    ended: list[Call] = []
    begun: list[int] = []

    def begin(_module: nn.Module, _inputs: tuple[Any, ...]) -> None:
        begun.append(sequence_number())

    with ExitStack() as stack:
        for path, module in net.named_modules():

            def end(module: nn.Module, _inputs: tuple[Any, ...], _output: Any, path: str = path) -> None:
                ended.append(Call(path, module, begun.pop(), sequence_number()))

            stack.callback(module.register_forward_pre_hook(begin).remove)
            stack.callback(module.register_forward_hook(end).remove)
        yield ended


def sequence_number() -> int:
    """The number that the next operation of this thread gets in the graph."""
    return int(torch.autograd._get_sequence_nr())  # type: ignore[attr-defined]


def graph_nodes(result: torch.Tensor) -> list[Node]:
    """Every operation of the graph that a tensor came from."""
    waiting, seen = [result.grad_fn], set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [earlier for earlier, _ in node.next_functions]
    return list(seen)


def operation(node: Node) -> str:
    """The name of an operation: `ReluBackward0` is `Relu`."""
    return _short(node.name())


@cache
def _short(name: str) -> str:
    return re.sub(r"Backwards?\d*$", "", name.split("::")[-1])


def number(node: Node) -> int:
    """The number that the graph gave to an operation: later ones have higher numbers."""
    return int(node._sequence_nr())


def is_product(node: Node) -> bool:
    """Whether an operation multiplies two things that both depend on the input."""
    name, depends = operation(node), [earlier is not None for earlier, _ in node.next_functions]
    if not PRODUCTS.fullmatch(name):
        return False
    if name == "Div":
        return any(depends[1:])
    return sum(depends[1:] if name in ("Addmm", "Addmv", "Baddbmm") else depends) > 1


def is_linear(node: Node) -> bool:
    """Whether an operation is linear in everything in it that depends on the input."""
    name = operation(node)
    if PRODUCTS.fullmatch(name):
        return not is_product(node)
    if FIXED_NORMS.fullmatch(name):
        return not getattr(node, "_saved_training", True)
    return bool(PLUMBING.fullmatch(name) or SUMS.fullmatch(name))


def bend(nodes: Sequence[Node], rule: Callable[[torch.Tensor], torch.Tensor]) -> None:
    """Apply `rule` to the gradient that arrives at each of the nodes. It lasts as long as this one graph: no module is touched."""

    def apply(gradients: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return tuple(rule(gradient) for gradient in gradients)

    for node in nodes:
        node.register_prehook(apply)
