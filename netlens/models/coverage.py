"""Which operations of a network a rule-based method of explanation does not handle: asked of the graph, before the method runs."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.graph import Node

from netlens.errors import ModelError, ShapeError, unknown
from netlens.models.fitting import fitting
from netlens.models.graph import MAX_POOLS, Call, graph_nodes, is_linear, is_product, module_calls, number, operation
from netlens.models.model import BROKEN, WRAP, Model
from netlens.models.slopes import Intercepted, Rule, from_zero, is_slope, marked
from netlens.models.still import eager, still


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
    """What a method handles besides linear operations: sums, products with constants and fixed normalisations.

    `anywhere` : a pattern of operations that keep their own derivative. `rule` : how the method has other operations computed, so that
    the graph shows which it reaches. `needs` : an operation without which the method is another one in disguise.
    """

    anywhere: str = ""
    rule: Rule | None = None
    needs: str = ""


GUIDED = Rules(f"Relu|{MAX_POOLS.pattern}", needs="Relu")
RULES: dict[str, Rules] = {
    "guided_backprop": GUIDED,
    "guided_grad_cam": GUIDED,
    "deep_lift": Rules(rule=marked),
    "lrp": Rules(f"Relu|{MAX_POOLS.pattern}", rule=from_zero),
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
        rule = RULES[method].rule
        with module_calls(model.net) as calls, Intercepted(rule) if rule else nullcontext():
            logits = _run(model, sample.requires_grad_().clone(), operation)
    if not isinstance(logits, torch.Tensor):
        problem = f"{model.name} gives a {type(logits).__name__}"
        raise ModelError(
            operation, problem, expected="one tensor of logits, (N, classes)", remedy=f"{WRAP} picks the logits out."
        )
    if not logits.requires_grad:
        return [Uncovered("the whole network", "", "no gradient reaches its input")]
    return judge(RULES[method], graph_nodes(logits), calls)


def _run(model: Model, sample: torch.Tensor, operation: str) -> Any:
    try:
        return model.net(sample)
    except BROKEN as error:
        said = str(error).strip().splitlines()[-1] if str(error).strip() else ""
        problem = f"{model.name} broke on inputs shaped {tuple(sample.shape)} ({type(error).__name__}: {said})"
        raise ModelError(operation, problem, remedy="Check that it takes inputs of this shape.") from error


def judge(rules: Rules, nodes: list[Node], calls: list[Call]) -> list[Uncovered]:
    """Hold every operation of a graph against the rules, in the order of execution."""
    found = []
    for node in sorted(nodes, key=number):
        if node.name().endswith("AccumulateGrad"):
            continue
        call = _innermost(calls, number(node))
        reason = _fault(rules, node, call)
        if reason:
            found.append(Uncovered(operation(node), call.path if call else "", reason))
    if rules.needs and not any(operation(node) == rules.needs for node in nodes):
        found.append(Uncovered("the whole network", "", f"it has no {rules.needs}, so the method is the plain gradient"))
    return list(dict.fromkeys(found))


def _fault(rules: Rules, node: Node, call: Call | None) -> str:
    """Why an operation is not handled, or "" when it is."""
    if is_slope(node) or is_linear(node) or re.fullmatch(rules.anywhere, operation(node)):
        return ""
    if is_product(node):
        return "a product of two things that both depend on the input"
    leaf = call is not None and call.path and not any(call.module.children())
    return f"no rule for {type(call.module).__name__}" if call and leaf else "no rule for this operation"


def _innermost(calls: list[Call], number: int) -> Call | None:
    around = [call for call in calls if call.first <= number < call.last]
    return min(around, key=lambda call: call.last - call.first) if around else None
