"""Integrated Gradients: follow the gradient from a baseline to the input, in as many steps as its own check asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Target, asking, on_cpu, params_of
from netlens.explain.baselines import Baseline, baselines
from netlens.explain.paths import integrate
from netlens.models.model import Model


@dataclass(frozen=True)
class IntegratedGradients:
    """The gradient integrated along the straight path from a baseline to the input, times the difference of the two.

    Its values add up to the change of the logit from the baseline to the input. How far they miss is `delta`.

    Parameters
    ----------
    baseline : the input that stands for "nothing there", or several, over which the values are averaged; see
        `netlens.explain.baselines`.
    n_steps : points on the path at first.
    tolerance : the largest `delta` that is accepted, as a share of the change of the logit. Where it is missed, the path is cut, and
        the pieces that miss are cut again, until it is met or the next cut would take more than `max_steps` points.
    seed : fixes the noise of the baseline `noise`.

    Notes
    -----
    `params["steps_taken"]` says how many points each row took, for each baseline. Deviation from the paper: Gauss-Legendre nodes,
    which need fewer points than the paper's Riemann sum.

    References
    ----------
    Sundararajan, Taly and Yan 2017, arXiv:1703.01365.
    """

    name: ClassVar[str] = "integrated_gradients"
    family: ClassVar[str] = "gradient, along a path"
    needs: ClassVar[str] = "gradients and a baseline"
    cost: ClassVar[str] = "n_steps forward and backward, up to max_steps; 2 forward"
    gives: ClassVar[str] = "logits, signed, that add up to the change from the baseline"
    reference: ClassVar[str] = "arXiv:1703.01365"

    baseline: Baseline | tuple[Baseline, ...] = "black"
    n_steps: int = 32
    tolerance: float = 0.01
    max_steps: int = 512
    seed: int = 0

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits, with `delta` (N,), in logits."""
        if not 1 <= self.n_steps <= self.max_steps or not self.tolerance > 0:
            problem = f"n_steps is {self.n_steps}, max_steps {self.max_steps} and tolerance {self.tolerance}"
            raise ShapeError("IntegratedGradients", problem, expected="1 <= n_steps <= max_steps and a tolerance above 0")
        with asking(model, inputs, target, "IntegratedGradients") as question:
            starts = baselines(self.baseline, model, question.inputs, "IntegratedGradients", self.seed)
            paths = [integrate(question, start, self.n_steps, self.tolerance, self.max_steps) for start in starts]
            values = torch.stack([path.values for path in paths]).mean(0) if len(paths) > 1 else paths[0].values
            delta = torch.stack([path.delta for path in paths]).mean(0)
            taken = [path.steps for path in paths]
            params = {**params_of(self), "steps_taken": taken[0] if len(taken) == 1 else taken}
            return Attribution(
                on_cpu(values), question.target.cpu(), self.name, params, delta=on_cpu(delta), tolerance=self.tolerance
            )
