"""Listen to the attention inside an unmodified network: who looks at whom, head by head."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from netlens.capture.fast_path import no_fast_path
from netlens.capture.fused import SIGNATURE, Recovered, multi_head, scaled_dot_product
from netlens.capture.softmax import PRODUCTS, DroppedError, Trace
from netlens.errors import ModelError
from netlens.models.model import Model

How = Literal["scaled_dot_product_attention", "multi_head_attention_forward", "softmax"]
# The largest difference from the network's own result, as a share of the largest value: rounding, and no more.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}
ON_ACCELERATOR = 2e-3  # kernels there may round factors to 10 bits
ALIKE = ("attention", "attn")  # in the name of a class that should not go unheard


@dataclass(frozen=True)
class AttentionCall:
    """One call of an attention, verified: `weights` times `values` gave what the network itself computed.

    `layer` : the module whose code made it ("" for the network's own), and `call` which of that module's calls, from 0. `weights`
    (N, heads, Q, K) and `values` (N, heads, K, D), in float32 at least. `output` : what the network went on with. `error` : the
    largest difference, as a share of the largest value. `how` : the function that was intercepted.
    """

    layer: str
    call: int
    weights: torch.Tensor
    values: torch.Tensor
    output: torch.Tensor
    error: float
    how: How

    @property
    def name(self) -> str:
        """The layer, and from its second call on the number of the call."""
        return f"{self.layer or 'network'}{f' (call {self.call + 1})' if self.call else ''}"


@dataclass
class Heard:
    """What was heard: every call in the order of execution, and in words what ran unheard."""

    calls: list[AttentionCall] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)


@contextmanager
def attention(model: Model | nn.Module, operation: str = "attention", *, graph: bool = False) -> Iterator[Heard]:
    """Keep the weights of every attention during the forward passes inside the context. The network is not touched.

    `F.scaled_dot_product_attention`, `F.multi_head_attention_forward` and a softmax whose result is multiplied with values are
    intercepted, whoever calls them. Inference fast paths, which call none of them, are off meanwhile.

    Parameters
    ----------
    model : a model, or any network of torch.
    graph : put the weights into the graph, so that one can differentiate by them; they stay in it for as long as they are kept.

    Yields
    ------
    Heard. `missed` is complete when the context ends.

    Raises
    ------
    ModelError : the network shows no operations (TorchScript, an exported program), drops weights at random, or does not compute what
        its weights and values give.

    Notes
    -----
    Cost: each attention is computed once more, in float32. Memory: 4 N heads Q K bytes a call, for as long as `Heard` is kept.
    """
    net, name = (model.net, model.name) if isinstance(model, Model) else (model, type(model).__name__)
    _require_open(net, name, operation)
    heard = Heard()
    ear = _Ear(name, operation, graph, heard)
    with ExitStack() as stack:
        stack.enter_context(no_fast_path())
        for path, module in net.named_modules():
            stack.callback(module.register_forward_pre_hook(ear.enters(path), with_kwargs=True).remove)
            stack.callback(module.register_forward_hook(ear.leaves, always_call=True).remove)
        stack.enter_context(_Listener(ear))
        yield heard
        heard.missed = ear.unheard()


class _Listener(TorchFunctionMode):
    """Sees each call of a torch function before it runs. Inside of its own work it does not listen."""

    def __init__(self, ear: _Ear) -> None:
        super().__init__()
        self.ear = ear

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            return self.ear.fused(args, named)
        if func is functional.multi_head_attention_forward:
            return self.ear.multi_head(args, named)
        return self.ear.any_other(func, args, named)


class _Ear:
    """Turns calls of functions into records, and knows in which module they happen."""

    def __init__(self, name: str, operation: str, graph: bool, heard: Heard) -> None:
        self.name, self.operation, self.graph, self.heard = name, operation, graph, heard
        self.inside: list[str] = []
        self.counts: Counter[str] = Counter()
        self.trace = Trace()
        self.rows = 0
        self.suspects: dict[str, str] = {}

    def enters(self, path: str) -> Callable[..., None]:
        def enter(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
            self.inside.append(path)
            if not path:
                given = [part for part in (*inputs, *named.values()) if isinstance(part, torch.Tensor) and part.ndim]
                self.rows = len(given[0]) if given else 0
            elif any(word in type(module).__name__.lower() for word in ALIKE):
                self.suspects[path] = type(module).__name__

        return enter

    def leaves(self, _module: nn.Module, _inputs: Any, _output: Any) -> None:
        self.inside.pop()

    def fused(self, given: Any, named: Any) -> torch.Tensor:
        own = functional.scaled_dot_product_attention(*given, **named)
        if (named.get("dropout_p", 0.0) if len(given) < 5 else given[4]) > 0:
            raise self._dropout()
        return self._record(own, scaled_dot_product(*given, **named), "scaled_dot_product_attention")

    def multi_head(self, given: Any, named: Any) -> tuple[torch.Tensor, torch.Tensor | None]:
        arguments = SIGNATURE.bind(*given, **named)
        arguments.apply_defaults()
        wanted = arguments.arguments
        if wanted["training"] and wanted["dropout_p"] > 0:
            raise self._dropout()
        if wanted["static_k"] is not None or wanted["static_v"] is not None:
            problem = f"the attention `{self._layer}` of {self.name} gets its keys or values ready-made (static_k, static_v)"
            raise ModelError(self.operation, problem, expected="keys and values that it projects itself")
        own, weights = functional.multi_head_attention_forward(*given, **named)
        return self._record(own, multi_head(wanted), "multi_head_attention_forward"), weights

    def any_other(self, func: Any, given: Any, named: Any) -> Any:
        name = getattr(func, "__name__", "")
        result = func(*given, **named)
        if name == "softmax":
            self.trace.softmax(result, given, named, self._layer)
        elif self.trace.waiting or self.trace.other:
            if name in PRODUCTS or name == "einsum":
                try:
                    pieces = self.trace.product(name, given)
                except DroppedError:
                    raise self._dropout() from None
                if pieces is not None:
                    return self._record(result, pieces.recovered(self.rows), "softmax")
            if name == "dropout" and _drops(given, named):
                self.trace.dropout(given, result)
            else:
                self.trace.passed_on(name, given, result)
        return result

    def unheard(self) -> list[str]:
        """In words: modules that look like an attention and made no record, and softmaxes that went nowhere."""
        heard = {call.layer for call in self.heard.calls}
        silent = [
            f"`{path}` (a {kind} in which no attention between tokens was seen)"
            for path, kind in self.suspects.items()
            if not any(_within(one, path) or _within(path, one) for one in heard)
            and not any(_within(one, path) and one != path for one in self.suspects)
        ]
        return silent + self.trace.left()

    @property
    def _layer(self) -> str:
        return self.inside[-1] if self.inside else ""

    def _record(self, own: torch.Tensor, found: Recovered, how: How) -> torch.Tensor:
        weights, output, layer = found.weights, own, self._layer
        if self.graph:
            weights = weights if weights.requires_grad else weights.detach().requires_grad_()
        mixed = found.mix(weights)
        if found.blind is not None:
            mixed = torch.where(found.blind, own.to(mixed), mixed)
        error = self._verified(own.detach(), mixed.detach(), found.values.detach())
        if self.graph:
            output = mixed.to(own.dtype)
        kept = weights if self.graph else weights.detach()
        self.heard.calls.append(AttentionCall(layer, self.counts[layer], kept, found.values.detach(), output, error, how))
        self.counts[layer] += 1
        return output

    def _verified(self, own: torch.Tensor, mixed: torch.Tensor, values: torch.Tensor) -> float:
        """By how much weights times values miss the network's own result, as a share of the largest value."""
        size = max(float(part.nan_to_num().abs().amax()) if part.numel() else 0.0 for part in (values, mixed))
        missed = torch.where(own.isnan() & mixed.isnan(), 0.0, (own.to(mixed) - mixed).abs())
        error = float(missed.amax()) / max(size, 1e-12) if missed.numel() else 0.0
        allowed = TOLERANCE.get(own.dtype, TOLERANCE[torch.float32])
        if error <= (max(allowed, ON_ACCELERATOR) if own.device.type != "cpu" and own.dtype != torch.float64 else allowed):
            return error
        problem = (
            f"in `{self._layer or 'the network itself'}` of {self.name} weights times values miss the attention's own result by "
            f"{error:.2g} of the largest value, where {allowed:g} is rounding"
        )
        raise ModelError(self.operation, problem, expected="an attention that computes what its arguments say")

    def _dropout(self) -> ModelError:
        problem = f"the attention `{self._layer or 'the network itself'}` of {self.name} drops weights at random"
        return ModelError(self.operation, problem, remedy="Put the network into evaluation mode first: net.eval().")


def _drops(given: Any, named: Any) -> bool:
    """Whether a call of `F.dropout` or `torch.dropout` takes something away."""
    share = given[1] if len(given) > 1 else named.get("p", 0.5)
    awake = given[2] if len(given) > 2 else named.get("training", named.get("train", True))
    return bool(share) and bool(awake)


def _within(path: str, block: str) -> bool:
    """Whether a layer is a block or lies in it."""
    return path == block or not block or path.startswith(f"{block}.")


def _require_open(net: nn.Module, name: str, operation: str) -> None:
    """Refuse networks whose operations cannot be seen."""
    if any(isinstance(module, torch.jit.ScriptModule) for module in net.modules()):
        kind = "is TorchScript, which does not show its operations"
    elif any(isinstance(module, torch.fx.GraphModule) and _lowered(module) for module in net.modules()):
        kind = "is an exported program, in which attention is taken apart and no layer is left to name"
    elif hasattr(net, "_orig_mod"):
        kind = "is compiled, and its kernels call no function of torch"
    else:
        return
    remedy = "Use the network that it was made from."
    raise ModelError(operation, f"the attention of {name} cannot be listened to: it {kind}", remedy=remedy)


def _lowered(module: torch.fx.GraphModule) -> bool:
    return any(isinstance(node.target, torch._ops.OpOverload) for node in module.graph.nodes)
