"""Follow a forward pass: which modules were called, what each gave, and what was computed inside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from netlens.capture.fast_path import no_fast_path
from netlens.internals.cost import is_counted, multiply_adds

ROOT = ""
VIEWS = {"view", "_unsafe_view", "t", "transpose", "permute", "detach", "expand", "clone", "_to_copy", "alias", "unsqueeze", "squeeze", "lift_fresh"}  # fmt: skip


@dataclass
class Visit:
    """What happened in one module, not counting the modules inside it.

    `shape` : of the first tensor that its last call gave. `dtype` : of that tensor. `operations` : how often which ran.
    """

    path: str
    module: nn.Module
    calls: int = 0
    shape: tuple[int, ...] | None = None
    dtype: torch.dtype | None = None
    multiply_adds: int = 0
    operations: Counter[str] = field(default_factory=Counter)


@dataclass
class Trace:
    """The visits by path, in the order in which they began, the modules that are running, and the last that ended."""

    visits: dict[str, Visit]
    running: list[str] = field(default_factory=lambda: [ROOT])
    ended: str = ROOT


@contextmanager
def traced(net: nn.Module) -> Iterator[Trace]:
    """Follow every forward pass inside the context.

    A network in TorchScript, or a part of one, shows nothing of the modules inside it: what they compute counts for the whole.
    """
    trace = Trace({ROOT: Visit(ROOT, net)})
    with ExitStack() as stack:
        for path, module in net.named_modules():
            if not isinstance(module, torch.jit.ScriptModule):
                _listen(stack, trace, path, module)
        stack.enter_context(no_fast_path())
        stack.enter_context(_Counting(trace))
        yield trace


def _listen(stack: ExitStack, trace: Trace, path: str, module: nn.Module) -> None:
    def begin(_module: nn.Module, _inputs: tuple[Any, ...]) -> None:
        trace.visits.setdefault(path, Visit(path, module)).calls += 1
        trace.running.append(path)

    def end(_module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
        while trace.running.pop() != path:  # a module that raised, and whose caller went on
            pass
        trace.ended = path
        tensor = first_tensor(output)
        if tensor is not None:
            trace.visits[path].shape, trace.visits[path].dtype = tuple(tensor.shape), tensor.dtype

    stack.callback(module.register_forward_pre_hook(begin).remove)
    stack.callback(module.register_forward_hook(end).remove)


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch gives it no types
    """Count every operation for the innermost module that is running."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trace = trace

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        settings = kwargs or {}
        if not is_counted(func) and func is not torch.ops.prim.device.default:
            with self:  # an operation that is made of others is counted by its parts
                result = func.decompose(*args, **settings)
            if result is not NotImplemented:
                return result
        result = func(*args, **settings)
        visit = self.trace.visits[self.trace.running[-1]]
        visit.multiply_adds += multiply_adds(func, args, settings, result)
        name = func.overloadpacket.__name__
        if name not in VIEWS:
            visit.operations[name.rstrip("_")] += 1
        return result


def first_tensor(value: Any) -> torch.Tensor | None:
    """The first tensor in an output: itself, or in a tuple, list or mapping, however deep."""
    if isinstance(value, torch.Tensor):
        return value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple | list) else ()
    return next((tensor for tensor in map(first_tensor, parts) if tensor is not None), None)
