"""Methods that read the gradient of a logit with respect to the input."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Question, Target, asking, params_of
from netlens.explain.baselines import Baseline, baseline
from netlens.models.model import Model
from netlens.seeding import generator


@dataclass(frozen=True)
class Saliency:
    """The gradient of the logit: how much it changes when one input value changes a little. Signed.

    Notes
    -----
    Cost: one forward and one backward pass per input. Deviation from the paper: the sign is kept, where the paper drops it.

    References
    ----------
    Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034.
    """

    name: ClassVar[str] = "saliency"
    reference: ClassVar[str] = "arXiv:1312.6034"
    needs: ClassVar[str] = "gradients"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits per unit of input."""
        with asking(model, inputs, target, "Saliency") as question:
            parts = zip(torch.split(question.inputs, question.rows), torch.split(question.target, question.rows), strict=True)
            values = torch.cat([question.gradients(*part) for part in parts])
            return Attribution(values.cpu(), question.target.cpu(), self.name)


@dataclass(frozen=True)
class SmoothGrad:
    """The gradient averaged over noisy copies of the input.

    Parameters
    ----------
    n_samples : noisy copies of each input.
    noise : standard deviation of the noise, as a share of the input's own range.

    Notes
    -----
    Cost: `n_samples` forward and backward passes per input. Each row meets the same noise, so a batch gives what its rows give.

    References
    ----------
    Smilkov, Thorat, Kim, Viégas and Wattenberg 2017, arXiv:1706.03825.
    """

    name: ClassVar[str] = "smooth_grad"
    reference: ClassVar[str] = "arXiv:1706.03825"
    needs: ClassVar[str] = "gradients"

    n_samples: int = 25
    noise: float = 0.15
    seed: int = 0

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits per unit of input, with their standard error."""
        if self.n_samples < 2 or self.noise < 0:
            problem = f"n_samples is {self.n_samples} and noise is {self.noise}"
            raise ShapeError("SmoothGrad", problem, expected="at least 2 samples and a noise that is not negative")
        with asking(model, inputs, target, "SmoothGrad") as question:
            draw = generator(self.seed)
            noise = torch.randn(self.n_samples, *question.inputs.shape[1:], generator=draw).to(question.inputs)
            values, spread = torch.empty_like(question.inputs), torch.empty_like(question.inputs)
            for row, centre in enumerate(question.inputs):
                gradients = gradients_at(question, row, centre + self.noise * (centre.max() - centre.min()) * noise)
                values[row], spread[row] = gradients.mean(0), gradients.std(0) / self.n_samples**0.5
            return Attribution(
                values.cpu(), question.target.cpu(), self.name, params_of(self), seed=self.seed, spread=spread.cpu()
            )


@dataclass(frozen=True)
class IntegratedGradients:
    """The gradient integrated along the straight path from a baseline to the input, times the difference of the two.

    Its values add up to the change of the logit from the baseline to the input. How far they miss is `delta`.

    Parameters
    ----------
    baseline : the input that stands for "nothing there"; see `netlens.explain.baselines`.
    n_steps : points on the path at first.
    tolerance : the largest `delta` that is accepted, as a share of the change of the logit. Where it is missed, the points are
        doubled until it is met or `max_steps` is reached.

    Notes
    -----
    Cost: `n_steps` forward and backward passes per input, and two forward passes; up to twice `max_steps` where steps are added.
    Deviation from the paper: Gauss-Legendre nodes, which need fewer points than the paper's Riemann sum.

    References
    ----------
    Sundararajan, Taly and Yan 2017, arXiv:1703.01365.
    """

    name: ClassVar[str] = "integrated_gradients"
    reference: ClassVar[str] = "arXiv:1703.01365"
    needs: ClassVar[str] = "gradients"

    baseline: Baseline = "black"
    n_steps: int = 32
    tolerance: float = 0.01
    max_steps: int = 512

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits, with `delta` (N,), in logits."""
        if not 1 <= self.n_steps <= self.max_steps or self.tolerance <= 0:
            problem = f"n_steps is {self.n_steps}, max_steps {self.max_steps} and tolerance {self.tolerance}"
            raise ShapeError("IntegratedGradients", problem, expected="1 <= n_steps <= max_steps and a tolerance above 0")
        with asking(model, inputs, target, "IntegratedGradients") as question:
            start = baseline(self.baseline, model, question.inputs, "IntegratedGradients")
            with torch.no_grad():
                change = question.scores(question.inputs, question.target) - question.scores(start, question.target)
            values, steps = torch.empty_like(question.inputs), []
            for row in range(len(values)):
                values[row], taken = self._integrate(question, row, start[row], float(change[row]))
                steps.append(taken)
            delta = values.flatten(1).sum(1) - change
            params = {**params_of(self), "steps_taken": steps}
            return Attribution(values.cpu(), question.target.cpu(), self.name, params, delta=delta.cpu())

    def _integrate(self, question: Question, row: int, start: torch.Tensor, change: float) -> tuple[torch.Tensor, int]:
        difference, steps = question.inputs[row] - start, self.n_steps
        while True:
            nodes, weights = (torch.as_tensor(part).to(start) for part in gauss_legendre(steps))
            shape = (-1, *[1] * difference.ndim)
            gradients = gradients_at(question, row, start + nodes.view(shape) * difference)
            values = difference * (weights.view(shape) * gradients).sum(0)
            if abs(float(values.sum()) - change) <= self.tolerance * abs(change) or steps == self.max_steps:
                return values, steps
            steps = min(2 * steps, self.max_steps)


@cache
def gauss_legendre(n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of the Gauss-Legendre rule with `n` points on [0, 1]."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return (nodes + 1) / 2, weights / 2


def gradients_at(question: Question, row: int, points: torch.Tensor) -> torch.Tensor:
    """The gradient of row `row`'s logit at each of `points` (S, ...), a chunk at a time."""
    target = question.target[row].expand(len(points))
    parts = zip(torch.split(points, question.rows), torch.split(target, question.rows), strict=True)
    return torch.cat([question.gradients(*part) for part in parts])
