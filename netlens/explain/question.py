"""A question put to a model: checked, on the model's device, asked in chunks, the model held still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import nn

from netlens.errors import ModelError
from netlens.explain.chunks import Plan, halving, laid_out, plan, spans
from netlens.explain.known import Known, known_of
from netlens.explain.memory import out_of_memory
from netlens.explain.numbers import are_tokens, check_inputs, checked_target, exact, finite
from netlens.models.files import first_line
from netlens.models.model import BROKEN, WRAP, Model
from netlens.models.still import eager, still
from netlens.models.twin import twin

__all__ = ["Question", "Target", "asking", "exact", "run"]

Target = int | torch.Tensor | None
ALONE: AbstractContextManager[object] = nullcontext()
NO_GRADIENTS = "Use a method that needs no gradients, such as occlusion, lime or kernel_shap."


@dataclass(frozen=True)
class Question:
    """What is asked of a model, checked and on its device: `inputs` (N, ...) in the model's precision, or ids of tokens; `target` (N,)."""

    model: Model
    operation: str
    inputs: torch.Tensor
    target: torch.Tensor

    @cached_property
    def plan(self) -> Plan:
        """How rows are sent through this network."""
        return plan(self.model.net, self.inputs, lambda inputs: run(self.model, inputs, self.operation), self.known)

    @cached_property
    def known(self) -> Known:
        """What earlier questions found out about this network."""
        return known_of(self.model.net)

    @property
    def rows(self) -> int:
        """How many rows to send through the network at once, by what they keep in memory."""
        return self.plan.rows

    def in_float32(self) -> Question:
        """The same question, to a network of the same weights in float32 when they are in half precision: for methods that divide."""
        if exact(self.inputs) is self.inputs:
            return self
        net = twin(self.model.net, self.operation, single=True)
        return Question(replace(self.model, net=net), self.operation, exact(self.inputs), self.target)

    def to_twin(self, net: nn.Module) -> Question:
        """The same question to a network that computes the same by other means, with the same plan."""
        question = Question(replace(self.model, net=net), self.operation, self.inputs, self.target)
        question.__dict__["plan"] = self.plan
        return question

    def logits(self, inputs: torch.Tensor) -> torch.Tensor:
        """Run the network: (N, ...) -> (N, classes), refusing what is not a batch of finite logits."""
        return self.once(inputs) if torch.is_grad_enabled() else halving(self.operation, self.plan, self.once, inputs)

    def once(self, inputs: torch.Tensor, within: AbstractContextManager[object] = ALONE) -> torch.Tensor:
        """Run the network on all rows in one pass, also when memory is short: for whoever listens to a layer meanwhile.

        Parameters
        ----------
        within : what the network runs in, and the checks of its logits do not.
        """
        return run(self.model, self.plan.prepare(inputs), self.operation, within)

    def scores(self, inputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The logit of each row's target, (N,), in float32 at least."""
        return exact(self.logits(inputs).gather(1, target.unsqueeze(1)).squeeze(1))

    def points(self, inputs: torch.Tensor) -> torch.Tensor:
        """The same numbers as a start of a graph, laid out for the network."""
        return laid_out(inputs.detach(), self.plan.layout(len(inputs))).requires_grad_()

    def gradients(
        self, inputs: torch.Tensor, target: torch.Tensor, bend: Callable[[torch.Tensor], None] | None = None
    ) -> torch.Tensor:
        """The gradient of each row's logit with respect to that row, shaped like `inputs`, in float32 at least.

        Parameters
        ----------
        bend : changes the graph of the logits before the backward pass.

        Raises
        ------
        ModelError : no gradient reaches the inputs, or it is not finite.
        """

        def work(part: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
            points = self.points(part)
            logits = self.once(points)
            if bend is not None:
                bend(logits)
            return exact(self.slopes(logits, points, classes))

        return halving(self.operation, self.plan, work, inputs, target)

    def slopes(self, logits: torch.Tensor, of: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """The gradient of each row's logit of its `target` with respect to `of`, checked."""
        return self.derivative(logits, of, self._one_hot(logits).index_select(0, target))

    def _one_hot(self, logits: torch.Tensor) -> torch.Tensor:
        """The rows of 0 and 1 that pick one logit each, (classes, classes); made once."""
        known, key = self.known, ("one-hot", logits.shape[1], logits.dtype, logits.device)
        if key not in known:
            known[key] = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)
        found: torch.Tensor = known[key]
        return found

    def differentiate(self, function: Callable[..., torch.Tensor], inputs: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        """The gradient of the sum of `function(inputs, *others)` with respect to `inputs`; in halves when memory runs out."""

        def work(part: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
            points = self.points(part)
            return exact(self.derivative(function(points, *rest), points))

        return halving(self.operation, self.plan, work, inputs, *others)

    def derivative(self, scores: torch.Tensor, of: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """The gradient of the weighted sum of `scores` with respect to `of`, checked."""
        gradient = None
        if scores.requires_grad:
            weights = torch.ones_like(scores) if weights is None else weights
            try:
                (gradient,) = torch.autograd.grad(scores, of, weights, allow_unused=True)
            except RuntimeError as error:
                if out_of_memory(error):
                    raise
                problem = f"{self.model.name} broke in its backward pass ({first_line(error)})"
                raise ModelError(self.operation, problem, remedy=NO_GRADIENTS) from error
        if gradient is None:
            problem = f"no gradient of {self.model.name} reaches what is explained: it is quantised, or it cuts the graph"
            raise ModelError(self.operation, problem, remedy=NO_GRADIENTS)
        if not finite(gradient):
            problem = f"the gradient of {self.model.name} is not a finite number everywhere"
            raise ModelError(self.operation, problem, remedy=NO_GRADIENTS)
        return gradient

    def chunked(self, function: Callable[..., torch.Tensor], *tensors: torch.Tensor, passes: int = 1) -> torch.Tensor:
        """Apply `function` to a chunk of rows at a time, smaller ones when memory runs out, and join what it gives.

        Parameters
        ----------
        passes : rows that `function` sends through the network for each row it gets.
        """
        rows = len(tensors[0])
        size = 1 if rows == 1 else max(1, self.rows // passes)
        if rows <= size:
            return halving(self.operation, self.plan, function, *tensors)
        return torch.cat(
            [halving(self.operation, self.plan, function, *(tensor[part] for tensor in tensors)) for part in spans(rows, size)]
        )


@contextmanager
def asking(model: Model, inputs: torch.Tensor, target: Target, operation: str, *, tokens: bool = False) -> Iterator[Question]:
    """Check a question and hold the model still while it is answered.

    Inside, the network is in evaluation mode, gradients are on, and no parameter collects one. Afterwards, whatever happened,
    every module has its mode back, and every parameter its `requires_grad` and its `grad`. A compiled network is asked as it was before.

    Parameters
    ----------
    tokens : whether `inputs` may be ids of tokens (N, T).

    Raises
    ------
    ShapeError : `inputs` is no batch of finite numbers, or `target` is no class of the model.
    ModelError : the network does not give finite logits, one row per sample.
    """
    check_inputs(inputs, operation, tokens=tokens)
    model = eager(model)
    with still(model.net, operation) as (device, precision):
        kind = inputs.dtype if are_tokens(inputs) else precision
        batch = inputs.detach().clone(memory_format=torch.contiguous_format).to(device, kind)
        if target is None:
            empty = torch.zeros(len(batch), dtype=torch.long, device=batch.device)
            question = Question(model, operation, batch, empty)
            with torch.no_grad():
                chosen = question.chunked(lambda part: question.logits(part).argmax(1), batch)
        else:
            chosen = checked_target(model, batch, target, operation)
        yield Question(model, operation, batch, chosen)


def run(model: Model, inputs: torch.Tensor, operation: str, within: AbstractContextManager[object] = ALONE) -> torch.Tensor:
    """Run the network once and check what it gives.

    Raises
    ------
    ModelError : the network does not take the inputs, or its output is not one tensor (N, classes) of finite numbers.
    """
    try:
        with within:
            logits = model.net(inputs)
    except BROKEN as error:
        if out_of_memory(error):
            raise
        said = str(error).strip().splitlines()[-1] if str(error).strip() else ""
        problem = f"{model.name} broke on inputs shaped {tuple(inputs.shape)} ({type(error).__name__}: {said})"
        raise ModelError(operation, problem, remedy="Check that it takes inputs of this shape.") from error
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != len(inputs):
        found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        problem = f"{model.name} gives {found} for a batch of {len(inputs)}"
        raise ModelError(
            operation, problem, expected="one tensor of logits, (N, classes)", remedy=f"Wrap the network so that it does: {WRAP}."
        )
    if logits.shape[1] != len(model.classes):
        problem = f"{model.name} gives {logits.shape[1]} logits and has {len(model.classes)} classes"
        raise ModelError(operation, problem, expected="one logit for each class")
    if not finite(logits):
        raise ModelError(operation, f"{model.name} gives logits that are not finite numbers", remedy="Check its weights.")
    return logits
