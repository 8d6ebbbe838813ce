"""LRP-epsilon: the logit, shared out operation by operation in proportion to what each input added."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Question, Target, asking, on_cpu, params_of
from netlens.explain.coverage import require
from netlens.explain.deep_lift import INSTEAD
from netlens.models.graph import PLUMBING, number, operation, sequence_number
from netlens.models.model import Model
from netlens.models.slopes import Intercepted, from_zero

# Operations that bring several numbers together in one, among which its relevance is shared; also what captum counts among them.
SHARED = re.compile(
    r"Add|Sub|Sum|Mean|Addmm|Addmv|Mm|Mv|Bmm|Baddbmm|Dot|Linear|\w*Convolution|\w*BatchNorm|\w*AvgPool\dD|\w*MaxPool\dD(WithIndices)?"
)


@dataclass(frozen=True)
class LRP:
    """Layer-wise relevance propagation: share the logit out, operation by operation, in proportion to what each input added.

    Parameters
    ----------
    epsilon : added to each sum that relevance is divided by. With a vanishing epsilon this equals gradient x input on a network of
        linear, pooling and ReLU layers.

    Notes
    -----
    Computed as input times a gradient, in which each sum z passes on z / (z + epsilon) of what it gets, and each activation its output
    over its input. `delta` is what is lost: to the biases, which take their share of the relevance and do not pass it on, and to epsilon.
    So the values need not add up to the logit, and no tolerance is promised. A max-pooling gives all to the greatest. A model with an
    operation that has no rule is refused: `model.coverage("lrp")` lists them. Computed in float32 at least.

    References
    ----------
    Bach, Binder, Montavon, Klauschen, Müller and Samek 2015, doi:10.1371/journal.pone.0130140.
    """

    name: ClassVar[str] = "lrp"
    family: ClassVar[str] = "rules"
    needs: ClassVar[str] = "gradients, and a rule for every operation"
    cost: ClassVar[str] = "1 forward, 1 backward"
    gives: ClassVar[str] = "logits, signed, that add up to the logit less the biases' share"
    reference: ClassVar[str] = "doi:10.1371/journal.pone.0130140"

    epsilon: float = 1e-9

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits, with `delta` (N,), in logits."""
        if not 0 < self.epsilon < float("inf"):
            raise ShapeError("LRP", f"epsilon is {self.epsilon}", expected="a finite number above 0")
        with asking(model, inputs, target, "LRP") as question:
            require(question, self.name, INSTEAD)
            single = question.in_float32()
            # each sum keeps a factor for its way back, so a row takes twice the memory
            found = single.chunked(lambda *part: self._share(single, *part), single.inputs, single.target, passes=2)
            values, delta = found[:, :-1].view(inputs.shape), found[:, :-1].sum(1) - found[:, -1]
            return Attribution(on_cpu(values), question.target.cpu(), self.name, params_of(self), delta=on_cpu(delta))

    def _share(self, question: Question, part: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        """Relevance of each input value, and in the last column the logit: (B, values + 1)."""
        points = question.points(part)
        with _Shared(self.epsilon):
            logits = question.once(points)
        slopes = question.slopes(logits, points, classes)
        return torch.cat([(part * slopes).flatten(1), logits.detach().gather(1, classes.unsqueeze(1))], 1)


class _Shared(Intercepted):
    """Lets activations keep relevance, and every sum pass on z / (z + epsilon) of it."""

    def __init__(self, epsilon: float) -> None:
        super().__init__(from_zero)
        self.epsilon = epsilon

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = sequence_number()
        found = super().__torch_function__(func, types, args, kwargs)
        if isinstance(found, torch.Tensor) and found.requires_grad and _is_sum(found, before):
            size = found.detach().abs()
            kept = size.div_(size + self.epsilon)  # with the sign that epsilon takes from z; nothing of a sum that is 0
            found.register_hook(lambda gradient: kept * gradient)  # type: ignore[no-untyped-call]
        return found


def _is_sum(found: torch.Tensor, before: int) -> bool:
    """Whether a tensor was made by a sum since the graph had reached a number, perhaps reshaped afterwards."""
    node = found.grad_fn
    while node is not None and before <= number(node):
        if SHARED.fullmatch(operation(node)):
            return True
        if not PLUMBING.fullmatch(operation(node)):
            return False
        node = node.next_functions[0][0]
    return False
