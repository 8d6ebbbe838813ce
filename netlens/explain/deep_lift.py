"""DeepLIFT: the change of the logit from a baseline to the input, passed back by slopes in place of derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from netlens.errors import ModelError, ShapeError
from netlens.explain.base import Attribution, Question, Target, asking, on_cpu, params_of
from netlens.explain.baselines import Baseline, baselines
from netlens.explain.coverage import require
from netlens.explain.numbers import exact
from netlens.models.model import Model
from netlens.models.slopes import Base, Intercepted, Operation, between

INSTEAD = "integrated_gradients or expected_gradients"


@dataclass(frozen=True)
class DeepLIFT:
    """Pass back, operation by operation, how much each part of the difference to a baseline changed what came out (the rescale rule).

    Its values add up to the change of the logit from the baseline to the input. How far they miss is `delta`.

    Parameters
    ----------
    baseline : the input that stands for "nothing there", or several, over which the values are averaged; see
        `netlens.explain.baselines`.
    tolerance : the largest `delta` at which the attribution counts as complete, as a share of the change of the logit.
    seed : fixes the noise of the baseline `noise`.

    Notes
    -----
    Elementwise functions and max-poolings get the rule wherever they are called, in a module or in `forward`; no module is touched. A
    model with an operation that has no rule is refused: `model.coverage("deep_lift")` lists them. Computed in float32 at least.

    References
    ----------
    Shrikumar, Greenside and Kundaje 2017, arXiv:1704.02685.
    """

    name: ClassVar[str] = "deep_lift"
    family: ClassVar[str] = "rules"
    needs: ClassVar[str] = "gradients, a baseline, and a rule for every operation"
    cost: ClassVar[str] = "2 forward, 1 backward"
    gives: ClassVar[str] = "logits, signed, that add up to the change from the baseline"
    reference: ClassVar[str] = "arXiv:1704.02685"

    baseline: Baseline | tuple[Baseline, ...] = "black"
    tolerance: float = 0.01
    seed: int = 0

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits, with `delta` (N,), in logits."""
        if not self.tolerance > 0:
            raise ShapeError("DeepLIFT", f"the tolerance is {self.tolerance}", expected="a number above 0")
        with asking(model, inputs, target, "DeepLIFT") as question:
            require(question, self.name, INSTEAD)
            starts = baselines(self.baseline, model, question.inputs, "DeepLIFT", self.seed)
            single = question.in_float32()
            found = torch.stack([lifted(single, single.inputs, start, single.target) for start in starts]).mean(0)
            values, change = found[:, :-1].view(inputs.shape), found[:, -1]
            delta = found[:, :-1].sum(1) - change
            return Attribution(
                on_cpu(values), question.target.cpu(), self.name, params_of(self), delta=on_cpu(delta), tolerance=self.tolerance
            )


def lifted(question: Question, inputs: torch.Tensor, starts: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Contribution of each value of each row, from its own start, and in the last column the change of the logit: (N, values + 1)."""
    starts = exact(starts)
    shared = len(starts) == 1 or bool((starts == starts[:1]).all())  # then one row runs for all
    known, key = question.known, ("alike", inputs.shape[1:])

    def one(part: torch.Tensor, start: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        if known.get(key, True):
            try:
                return _lifted(question, part, start[:1] if shared else start, classes, Rescale())
            except (_UnlikeError, ModelError):  # a network that takes no single row breaks on it
                known[key] = False
        try:
            return _lifted(question, part, start, classes, Rescale(copies=True))
        except _UnlikeError as error:
            problem = f"{question.model.name} runs other operations on the baseline than on the input ({error})"
            raise ModelError(question.operation, problem, remedy=f"Use {INSTEAD} instead.") from error

    return question.chunked(one, inputs, starts, target, passes=2)


def _lifted(question: Question, part: torch.Tensor, start: torch.Tensor, classes: torch.Tensor, rule: Rescale) -> torch.Tensor:
    with torch.no_grad():
        before = question.once(start, Intercepted(rule.note))
    points, rows = question.points(part), classes.unsqueeze(1)
    logits = question.once(points, Intercepted(rule))
    slopes = question.slopes(logits, points, classes)
    change = logits.detach().gather(1, rows) - before.expand_as(logits).gather(1, rows)
    return torch.cat([((part - start) * slopes).flatten(1), change], 1)


class Rescale:
    """The rescale rule: each operation passes back the slope from what went into it on the baseline.

    `copies` : whether what goes in and out is copied when it is noted, for networks that write over it.
    """

    def __init__(self, *, copies: bool = False) -> None:
        self.copies, self.noted = copies, list[tuple[str, Base, int]]()

    def note(self, operation: Operation) -> torch.Tensor:
        """Keep what goes into an operation and what comes out."""
        inputs = operation.inputs.clone() if self.copies or operation.in_place else operation.inputs
        found = kept = operation.run(inputs)
        if self.copies:
            kept = tuple(part.clone() for part in found) if operation.pooled else found.clone()
        self.noted.append((operation.name, (inputs, kept), _written(inputs, kept)))
        return operation.gives(found)

    def __call__(self, operation: Operation) -> torch.Tensor:
        """Compute the next operation, in the order of the notes."""
        inputs = operation.inputs
        name, base, written = self.noted.pop(0) if self.noted else ("nothing", (inputs, inputs), 0)
        sizes = zip(base[0].shape, inputs.shape, strict=False)
        if name != operation.name or base[0].ndim != inputs.ndim or any(one not in (1, size) for one, size in sizes):
            raise _UnlikeError(f"{name} {tuple(base[0].shape)}, and then {operation.name} {tuple(inputs.shape)}")
        if _written(*base) != written:
            raise _UnlikeError(f"what went into {name} or came out of it was overwritten")
        return between(operation, base) if inputs.requires_grad else operation.call()


def _written(inputs: torch.Tensor, found: Any) -> int:
    """How often something was written into the tensors of a note."""
    return inputs._version + (found if isinstance(found, torch.Tensor) else found[0])._version


class _UnlikeError(Exception):
    """An operation on the input has no counterpart on the baseline."""
