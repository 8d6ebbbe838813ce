"""Ask a model whether a rule-based method handles it, before the method runs; refuse where it does not."""

from __future__ import annotations

from netlens.errors import ModelError
from netlens.explain.question import Question
from netlens.models.coverage import uncovered

SHOWN = 5


def require(question: Question, method: str, instead: str) -> None:
    """Refuse a method that has no rule for some operation of the model; asked once for a network and a shape.

    Raises
    ------
    ModelError : it names the operations, and the method to use instead.
    """
    known, key = question.known, ("rules", method, question.inputs.shape[1:])
    if key not in known:
        known[key] = uncovered(question.model, method, question.inputs, question.operation)
    faults = known[key]
    if faults:
        more = f", and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        said = "; ".join(str(fault) for fault in faults[:SHOWN])
        problem = f"{question.model.name} has operations that the rules of {method} do not handle: {said}{more}"
        raise ModelError(question.operation, problem, remedy=f"Use {instead} instead, which needs no rules.")
