"""Ask a model whether a rule-based method handles it, before the method runs; refuse where it does not."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from torch import nn

from netlens.errors import ModelError
from netlens.explain.question import Question
from netlens.models.coverage import Uncovered, uncovered

SHOWN = 5
_JUDGED: WeakKeyDictionary[nn.Module, dict[tuple[Any, ...], list[Uncovered]]] = WeakKeyDictionary()


def require(question: Question, method: str, instead: str) -> None:
    """Refuse a method that has no rule for some operation of the model; asked once for a network, its modules and a shape.

    Raises
    ------
    ModelError : it names the operations, and the method to use instead.
    """
    net = question.model.net
    known = _JUDGED.setdefault(net, {})
    key = (method, tuple(question.inputs.shape[1:]), tuple(id(module) for module in net.modules()))
    if key not in known:
        known[key] = uncovered(question.model, method, question.inputs)
    faults = known[key]
    if faults:
        more = f", and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        said = "; ".join(str(fault) for fault in faults[:SHOWN])
        problem = f"{question.model.name} has operations that the rules of {method} do not handle: {said}{more}"
        raise ModelError(question.operation, problem, remedy=f"Use {instead} instead, which needs no rules.")
