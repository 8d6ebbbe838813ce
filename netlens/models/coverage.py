"""Which operations of a network a rule-based method of explanation does not handle: asked of the graph, before the method runs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch.autograd.graph import Node

from netlens.errors import ModelError, ShapeError, unknown
from netlens.models.fitting import fitting
from netlens.models.graph import MAX_POOLS, PLUMBING, Call, graph_nodes, is_linear, is_product, module_calls, number, operation
from netlens.models.model import BROKEN, WRAP, Model
from netlens.models.still import eager, still
from netlens.models.twin import twin


@dataclass(frozen=True)
class Uncovered:
    """An operation that a method has no rule for, the layer whose code runs it ("" for the model's own), and why."""

    operation: str
    layer: str
    reason: str

    def __str__(self) -> str:
        return f"{self.operation} in {f'`{self.layer}`' if self.layer else 'the model itself'} ({self.reason})"


@dataclass(frozen=True)
class Rules:
    """What a method handles.

    `modules` : types of modules that have a rule, each used once. `anywhere` : a pattern of operations that have one however they are
    made.
    `linear` : sums, products with constants and fixed normalisations need no rule. `leaves` : every leaf must be of such a type.
    `needs` : an operation without which the method is another one in disguise.
    """

    modules: frozenset[type[nn.Module]] = field(default_factory=frozenset)
    anywhere: str = ""
    linear: bool = True
    leaves: bool = False
    needs: str = ""


POOLS = frozenset[type[nn.Module]]({nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d})
GUIDED = Rules(anywhere=f"Relu|{MAX_POOLS.pattern}", needs="Relu")
RULES: dict[str, Rules] = {
    "guided_backprop": GUIDED,
    "guided_grad_cam": GUIDED,
    "deep_lift": Rules(POOLS | {nn.ReLU, nn.ELU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh, nn.Softplus}),
    "lrp": Rules(
        POOLS
        | {nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.ReLU, nn.Tanh}
        | {nn.Dropout, nn.Flatten, nn.Unflatten, nn.Identity},
        linear=False,
        leaves=True,
    ),
}


def uncovered(model: Model, method: str, inputs: torch.Tensor | None = None, operation: str = "coverage") -> list[Uncovered]:
    """List what a rule-based method does not handle on this model; empty when it handles everything.

    Parameters
    ----------
    method : one of `RULES`. Other methods rest on passes or gradients alone and need no rules.
    inputs : one sample or more (N, ...); without them a shape is tried that fits the first layer.
    operation : who asks, for errors.

    Raises
    ------
    UsageError : the method has no rules. ShapeError : no inputs were given, and no shape was found that fits.
    """
    if method not in RULES:
        raise unknown("coverage", "rule-based method", method, RULES)
    model = eager(model)
    with still(model.net, operation):
        if any(isinstance(module, torch.jit.ScriptModule) for module in model.net.modules()):
            return [Uncovered("TorchScript", "", "no rule can be attached inside of it")]
        sample = fitting(model) if inputs is None else inputs[:1].detach().clone()
        if not sample.is_floating_point():
            remedy = "Ask at the embeddings: explain.embedded(model, ids) gives a model, and the inputs to ask it about."
            raise ShapeError(
                operation, "ids of tokens have no gradient", expected="inputs of floating-point numbers", remedy=remedy
            )
        sample = sample.to(model.device, model.precision)
        copied = replace(model, net=twin(model.net, operation))  # the rules are hung on such a copy: judge what it runs
        with module_calls(copied.net) as calls:
            logits = _run(copied, sample.requires_grad_().clone(), operation)
    if not isinstance(logits, torch.Tensor):
        problem = f"{model.name} gives a {type(logits).__name__}"
        raise ModelError(
            operation, problem, expected="one tensor of logits, (N, classes)", remedy=f"{WRAP} picks the logits out."
        )
    if not logits.requires_grad:
        return [Uncovered("the whole network", "", "no gradient reaches its input")]
    return judge(RULES[method], model, graph_nodes(logits), calls)


def _run(model: Model, sample: torch.Tensor, operation: str) -> Any:
    try:
        return model.net(sample)
    except BROKEN as error:
        said = str(error).strip().splitlines()[-1] if str(error).strip() else ""
        problem = f"{model.name} broke on inputs shaped {tuple(sample.shape)} ({type(error).__name__}: {said})"
        raise ModelError(operation, problem, remedy="Check that it takes inputs of this shape.") from error


def judge(rules: Rules, model: Model, nodes: list[Node], calls: list[Call]) -> list[Uncovered]:
    """Hold every operation of a graph against the rules, in the order of execution."""
    found = list(_leaves(model, rules.modules)) if rules.leaves else []
    used = Counter(call.path for call in calls)
    for node in sorted(nodes, key=number):
        if node.name().endswith("AccumulateGrad"):
            continue
        call = _innermost(calls, number(node))
        reason = _fault(rules, node, call, used)
        if reason:
            found.append(Uncovered(operation(node), call.path if call else "", reason))
    if rules.needs and not any(operation(node) == rules.needs for node in nodes):
        found.append(Uncovered("the whole network", "", f"it has no {rules.needs}, so the method is the plain gradient"))
    return list(dict.fromkeys(found))


def _fault(rules: Rules, node: Node, call: Call | None, used: Counter[str]) -> str:
    """Why an operation is not handled, or "" when it is."""
    name, module = operation(node), call.module if call else None
    if PLUMBING.fullmatch(name) or re.fullmatch(rules.anywhere, name) or (rules.linear and is_linear(node)):
        return ""
    if is_product(node):
        return "a product of two things that both depend on the input"
    if type(module) not in rules.modules:
        leaf = module is not None and not any(module.children())
        return f"no rule for {type(module).__name__}" if leaf else "made in `forward`, not by a module"
    if call is not None and used[call.path] > 1:
        return "a module used more than once"
    if isinstance(module, nn.MaxPool1d | nn.MaxPool2d | nn.MaxPool3d) and rules.linear and _overlaps(module):
        return "pooling windows that overlap"
    return ""


def _overlaps(pool: Any) -> bool:
    kernel, stride = (value if isinstance(value, tuple) else (value,) for value in (pool.kernel_size, pool.stride))
    return any(step < size for size, step in zip(kernel, stride, strict=True))


def _leaves(model: Model, known: frozenset[type[nn.Module]]) -> Iterator[Uncovered]:
    for path, layer in model.layers.items():
        if type(layer) not in known:
            yield Uncovered(type(layer).__name__, path, f"no rule for {type(layer).__name__}")


def _innermost(calls: list[Call], number: int) -> Call | None:
    around = [call for call in calls if call.first <= number < call.last]
    return min(around, key=lambda call: call.last - call.first) if around else None
