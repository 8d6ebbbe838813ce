"""Methods that read the gradient at noisy copies of the input: its mean, and its variance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Question, Target, asking, on_cpu, params_of
from netlens.explain.chunks import blocks
from netlens.explain.moments import Moments
from netlens.models.model import Model
from netlens.seeding import generator


@dataclass(frozen=True)
class SmoothGrad:
    """The gradient averaged over noisy copies of the input.

    Parameters
    ----------
    n_samples : noisy copies of each input.
    noise : standard deviation of the noise, as a share of the input's own range.

    Notes
    -----
    Each row meets the same noise, so a batch gives what its rows give.

    References
    ----------
    Smilkov, Thorat, Kim, Viégas and Wattenberg 2017, arXiv:1706.03825.
    """

    name: ClassVar[str] = "smooth_grad"
    family: ClassVar[str] = "gradient, averaged"
    needs: ClassVar[str] = "gradients"
    cost: ClassVar[str] = "n_samples forward and backward"
    gives: ClassVar[str] = "logits per unit of input, signed, with standard error"
    reference: ClassVar[str] = "arXiv:1706.03825"

    n_samples: int = 25
    noise: float = 0.15
    seed: int = 0

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits per unit of input, with their standard error."""
        _check("SmoothGrad", self.n_samples, self.noise)
        with asking(model, inputs, target, "SmoothGrad") as question:
            moments = noisy_gradients(question, self.n_samples, self.noise, self.seed)
            spread = on_cpu(moments.standard_error)
            return Attribution(
                on_cpu(moments.mean), question.target.cpu(), self.name, params_of(self), seed=self.seed, spread=spread
            )


@dataclass(frozen=True)
class VarGrad:
    """The variance of the gradient over noisy copies of the input: where the network's answer bends, whichever way.

    Parameters
    ----------
    n_samples : noisy copies of each input.
    noise : standard deviation of the noise, as a share of the input's own range.

    Notes
    -----
    Never negative: it says that a place matters, not for or against what. `spread` is the standard error of a variance of normal
    numbers, values * sqrt(2 / (n_samples - 1)).

    References
    ----------
    Adebayo, Gilmer, Goodfellow and Kim 2018, arXiv:1810.03307.
    """

    name: ClassVar[str] = "var_grad"
    family: ClassVar[str] = "gradient, averaged"
    needs: ClassVar[str] = "gradients"
    cost: ClassVar[str] = "n_samples forward and backward"
    gives: ClassVar[str] = "squared logits per unit of input, not negative, with standard error"
    reference: ClassVar[str] = "arXiv:1810.03307"

    n_samples: int = 25
    noise: float = 0.15
    seed: int = 0

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in squared logits per squared unit of input, with their standard error."""
        _check("VarGrad", self.n_samples, self.noise)
        with asking(model, inputs, target, "VarGrad") as question:
            values = on_cpu(noisy_gradients(question, self.n_samples, self.noise, self.seed).variance)
            spread = values * (2 / (self.n_samples - 1)) ** 0.5
            return Attribution(values, question.target.cpu(), self.name, params_of(self), seed=self.seed, spread=spread)


def noisy_gradients(question: Question, n_samples: int, noise: float, seed: int) -> Moments:
    """Mean and variance of the gradient over noisy copies of each row."""
    moments = Moments.like(question.inputs)
    low, high = question.inputs.flatten(1).aminmax(dim=1)
    scale = (noise * (high - low)).view(-1, *[1] * (question.inputs.ndim - 1))
    draw = generator(seed)
    for rows, samples in blocks(len(question.inputs), n_samples, question.rows):
        if samples.start == 0:
            draw = generator(seed)
        centre, count = question.inputs[rows], samples.stop - samples.start
        draws = torch.stack([torch.randn(centre.shape[1:], generator=draw) for _ in range(count)]).to(centre)
        points = torch.addcmul(centre, scale[rows], draws.unsqueeze(1)).flatten(0, 1)
        gradients = question.gradients(points, question.target[rows].repeat(count))
        moments.add(rows, gradients.view(count, *centre.shape))
    return moments


def _check(operation: str, n_samples: int, noise: float) -> None:
    if n_samples < 2 or not 0 <= noise < float("inf"):
        problem = f"n_samples is {n_samples} and noise is {noise}"
        raise ShapeError(operation, problem, expected="at least 2 samples and a finite noise that is not negative")
