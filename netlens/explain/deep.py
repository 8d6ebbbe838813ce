"""Methods that pass relevance back layer by layer, by a rule for each kind of layer. The rules are captum's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import nn

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Question, Target, asking, on_cpu, params_of, run
from netlens.explain.baselines import Baseline, baselines
from netlens.explain.coverage import require
from netlens.explain.libraries import differentiating, importing
from netlens.explain.numbers import exact
from netlens.models.model import Model
from netlens.models.twin import twin
from netlens.seeding import determinism

INSTEAD = "integrated_gradients or expected_gradients"


@dataclass(frozen=True)
class DeepLIFT:
    """Pass back, layer by layer, how much each part of the difference to a baseline changed what came out (the rescale rule).

    Its values add up to the change of the logit from the baseline to the input. How far they miss is `delta`.

    Parameters
    ----------
    baseline : the input that stands for "nothing there", or several, over which the values are averaged; see
        `netlens.explain.baselines`.
    tolerance : the largest `delta` at which the attribution counts as complete, as a share of the change of the logit.
    seed : fixes the noise of the baseline `noise`.

    Notes
    -----
    Computed by captum, on a copy of the modules that shares the weights. A model with an operation that has no rule is refused:
    `model.coverage("deep_lift")` lists them.

    References
    ----------
    Shrikumar, Greenside and Kundaje 2017, arXiv:1704.02685.
    """

    name: ClassVar[str] = "deep_lift"
    family: ClassVar[str] = "rules"
    needs: ClassVar[str] = "gradients, a baseline, and a rule for every layer"
    cost: ClassVar[str] = "2 forward, 2 backward"
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
            found = torch.stack([_lifted(question, start) for start in starts]).mean(0)
            values, change = found[:, :-1].view(question.inputs.shape), found[:, -1]
            delta = found[:, :-1].sum(1) - change
            return Attribution(
                on_cpu(values), question.target.cpu(), self.name, params_of(self), delta=on_cpu(delta), tolerance=self.tolerance
            )


@dataclass(frozen=True)
class LRP:
    """Layer-wise relevance propagation: share the logit out, layer by layer, in proportion to what each input added.

    Parameters
    ----------
    epsilon : added to each sum that relevance is divided by. With a vanishing epsilon this equals gradient x input on a network of
        linear, pooling and ReLU layers.

    Notes
    -----
    Computed by captum, on a copy of the modules that shares the weights. `delta` is what is lost: to the biases, which take their share
    of the relevance and do not pass it on, and to epsilon. So the values need not add up to the logit, and no tolerance is promised.
    A model with an operation that has no rule is refused: `model.coverage("lrp")` lists them.

    References
    ----------
    Bach, Binder, Montavon, Klauschen, Müller and Samek 2015, doi:10.1371/journal.pone.0130140.
    """

    name: ClassVar[str] = "lrp"
    family: ClassVar[str] = "rules"
    needs: ClassVar[str] = "gradients, and a rule for every layer"
    cost: ClassVar[str] = "2 forward, 1 backward"
    gives: ClassVar[str] = "logits, signed, that add up to the logit less the biases' share"
    reference: ClassVar[str] = "doi:10.1371/journal.pone.0130140"

    epsilon: float = 1e-9

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits, with `delta` (N,), in logits."""
        if not 0 < self.epsilon < float("inf"):
            raise ShapeError("LRP", f"epsilon is {self.epsilon}", expected="a finite number above 0")
        with asking(model, inputs, target, "LRP") as question:
            require(question, self.name, INSTEAD)
            found = question.chunked(lambda *part: self._share(question, *part), exact(question.inputs), question.target)
            values, delta = found[:, :-1].view(question.inputs.shape), found[:, :-1].sum(1) - found[:, -1]
            return Attribution(on_cpu(values), question.target.cpu(), self.name, params_of(self), delta=on_cpu(delta))

    def _share(self, question: Question, inputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Relevance of each input value, and in the last column the logit: (B, values + 1)."""
        with importing():
            from captum.attr import LRP as CaptumLRP
            from captum.attr._core.lrp import SUPPORTED_NON_LINEAR_LAYERS
            from captum.attr._utils.lrp_rules import EpsilonRule

        with _replica(question) as outer:
            for module in outer.net.modules():
                if not any(module.children()) and type(module) not in SUPPORTED_NON_LINEAR_LAYERS:
                    module.rule = EpsilonRule(self.epsilon)  # also where captum knows none: what only reshapes keeps relevance
            values = CaptumLRP(outer).attribute(question.plan.prepare(inputs).detach().clone().requires_grad_(), target=target)
            logits = exact(outer.seen[0].gather(1, target.unsqueeze(1)))
        return torch.cat([values.detach().flatten(1), logits], 1)


def _lifted(question: Question, start: torch.Tensor) -> torch.Tensor:
    """Contribution of each input value, and in the last column the change of the logit: (N, values + 1)."""
    with importing():
        from captum.attr import DeepLift

    def one(inputs: torch.Tensor, origin: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        with _replica(question) as outer:
            points = question.plan.prepare(inputs).detach().clone().requires_grad_()
            values = DeepLift(outer).attribute(points, question.plan.prepare(origin), target=target)
            logits = exact(outer.seen[0].gather(1, target.repeat(2).unsqueeze(1)))
        change = logits[: len(inputs)] - logits[len(inputs) :]
        return torch.cat([values.detach().flatten(1), change], 1)

    return question.chunked(one, exact(question.inputs), exact(start), question.target, passes=2)


class _Twin(nn.Module):
    """A network for captum to put its hooks on, which keeps the logits of each pass."""

    def __init__(self, model: Model, operation: str) -> None:
        super().__init__()
        self.net, self.seen = model.net, list[torch.Tensor]()
        self.model, self.operation = model, operation

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits = run(self.model, inputs, self.operation)
        self.seen.append(logits.detach().clone())
        return logits


def _apart(_module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give a module its input as a tensor of its own.

    captum hangs the rule of one module and the reading of the module before it on one tensor, in the wrong order: where a ReLU is
    followed at once by a pooling, the values it gives do not add up.
    """
    return tuple(value.clone() if isinstance(value, torch.Tensor) else value for value in inputs)


@contextmanager
def _replica(question: Question) -> Iterator[_Twin]:
    """A copy of the modules that shares the weights: captum's hooks go there, and go with it, whatever happens.

    It computes in float32 at least: captum divides by numbers that are 0 in half precision.
    """
    model, short = question.model, question.inputs.dtype in (torch.float16, torch.bfloat16)
    copied = twin(model.net, question.operation, single=short)
    outer = _Twin(replace(model, net=copied), question.operation).eval()
    for module in outer.net.modules():
        if not any(module.children()):
            module.register_forward_pre_hook(_apart)
        if getattr(module, "inplace", False):
            setattr(module, "inplace", False)  # noqa: B010 - captum compares what goes into an activation with what comes out
    with (
        warnings.catch_warnings(),
        determinism(False),
    ):  # captum undoes a max-pooling with an operation that has no deterministic form
        warnings.filterwarnings("ignore", "Setting forward, backward hooks", UserWarning)
        with differentiating(question):
            yield outer
