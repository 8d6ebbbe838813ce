"""Expected gradients: Integrated Gradients averaged over a background of ordinary inputs instead of one baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from netlens.errors import ShapeError, unknown
from netlens.explain.base import Attribution, Question, Target, asking, on_cpu, params_of, relative_error
from netlens.explain.baselines import uniform_noise
from netlens.explain.chunks import blocks
from netlens.explain.moments import Moments
from netlens.models.model import Model
from netlens.seeding import generator

NOISE_IMAGES = 16


@dataclass(frozen=True)
class ExpectedGradients:
    """The gradient at random points between background samples and the input, times the difference of the two, averaged.

    Its values add up to the logit less its mean over the background. How far they miss is `delta`.

    Parameters
    ----------
    background : (K, ...) inputs to compare with, such as 100 training samples, shaped like one input each; or `noise`, 16 inputs drawn
        evenly from the explained input's own range.
    n_samples : points to start with. All background samples are used equally often, so that this is rounded up to a multiple of
        K; where it is less than K, as many background samples are drawn from it, and they are the background.
    tolerance : the largest `delta` that is accepted, as a share of what the values should add up to. Where it is missed, more points
        are drawn, as many again as there are, up to `max_samples`.

    Notes
    -----
    The points of each background sample are spread evenly along its path and evenly among the samples (a sliced Latin hypercube), which
    costs nothing and makes `delta` fall faster than plain sampling. `spread` takes them for independent: it is on the safe side. Each
    row meets the same draws, so a batch gives what its rows give. `params["samples_taken"]` says how many points each row took.

    References
    ----------
    Erion, Janizek, Sturmfels, Lundberg and Lee 2021, arXiv:1906.10670.
    """

    name: ClassVar[str] = "expected_gradients"
    family: ClassVar[str] = "gradient, along a path"
    needs: ClassVar[str] = "gradients and background samples"
    cost: ClassVar[str] = "n_samples forward and backward, up to max_samples; 1 forward for each background sample"
    gives: ClassVar[str] = "logits, signed, that add up to the change from the mean of the background, with standard error"
    reference: ClassVar[str] = "arXiv:1906.10670"

    background: torch.Tensor | Literal["noise"] = "noise"
    n_samples: int = 128
    tolerance: float = 0.05
    max_samples: int = 1024
    seed: int = 0

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits, with `delta` (N,), in logits, and the standard error of each value."""
        if not 2 <= self.n_samples <= self.max_samples or not self.tolerance > 0:
            problem = f"n_samples is {self.n_samples}, max_samples {self.max_samples} and tolerance {self.tolerance}"
            raise ShapeError("ExpectedGradients", problem, expected="2 <= n_samples <= max_samples and a tolerance above 0")
        with asking(model, inputs, target, "ExpectedGradients") as question:
            ground = self._ground(question)
            change = change_from(question, ground)
            moments, taken = Moments.like(question.inputs), [0] * len(question.inputs)
            rows, step = torch.arange(len(question.inputs)), -(-self.n_samples // ground.size)
            draw = generator(self.seed)
            while len(rows) and (taken[rows[0]] == 0 or taken[rows[0]] + step * ground.size <= self.max_samples):
                places = _places(ground.size, step, draw).flatten()
                along(question, lambda chosen, k: ground.at(chosen, k % ground.size), moments, rows, places)
                for row in rows.tolist():
                    taken[row] += step * ground.size
                step = taken[rows[0]] // ground.size
                delta = moments.mean.flatten(1).sum(1) - change
                missed = relative_error(moments.mean[rows], delta[rows]) > self.tolerance
                rows = rows[missed.cpu()]
            return Attribution(
                on_cpu(moments.mean),
                question.target.cpu(),
                self.name,
                {**params_of(self), "samples_taken": taken},
                seed=self.seed,
                delta=on_cpu(delta),
                spread=on_cpu(moments.standard_error),
                tolerance=self.tolerance,
            )

    def _ground(self, question: Question) -> Ground:
        inputs, background = question.inputs, self.background
        if not isinstance(background, torch.Tensor):
            if background != "noise":
                raise unknown("ExpectedGradients", "background", str(background), ("noise", "a tensor (K, ...)"))
            size = min(NOISE_IMAGES, self.n_samples)
            return Ground(size, None, lambda rows, at: uniform_noise(inputs[rows], self.seed + at))
        if background.ndim != inputs.ndim or background.shape[1:] != inputs.shape[1:] or len(background) == 0:
            problem = f"the background has shape {tuple(background.shape)}"
            raise ShapeError("ExpectedGradients", problem, expected=f"(K, {', '.join(map(str, inputs.shape[1:]))})")
        if not background.isfinite().all():
            raise ShapeError("ExpectedGradients", "the background holds NaN or infinite values", expected="finite numbers")
        order = torch.randperm(len(background), generator=generator(self.seed))[: self.n_samples]
        chosen = background.detach()[order.to(background.device)].to(inputs)
        return Ground(len(chosen), chosen, lambda rows, at: chosen[at].expand_as(inputs[rows]))


@dataclass(frozen=True)
class Ground:
    """`size` background samples: shared by all rows, or one set a row; `at(rows, k)` gives sample k for these rows."""

    size: int
    shared: torch.Tensor | None
    at: Callable[[torch.Tensor, int], torch.Tensor]


def change_from(question: Question, ground: Ground) -> torch.Tensor:
    """(N,) each row's logit less its mean over the background."""
    every = torch.arange(len(question.inputs), device=question.inputs.device)
    with torch.no_grad():
        here = question.chunked(question.scores, question.inputs, question.target)
        if ground.shared is not None:
            there = question.chunked(question.logits, ground.shared).to(here).mean(0)[question.target]
        else:
            scores = [question.chunked(question.scores, ground.at(every, k), question.target) for k in range(ground.size)]
            there = torch.stack(scores).mean(0)
    return here - there


def _places(size: int, step: int, draw: torch.Generator) -> torch.Tensor:
    """Places on the paths, (step, size): those of a sample lie one in each of `step` strata, those in a stratum one in each of
    `size` parts of it.
    """
    strata = torch.argsort(torch.rand(step, size, generator=draw), 0)
    parts = torch.argsort(torch.rand(step, size, generator=draw), 1)
    parts = parts.gather(0, strata)
    return (strata + (parts + torch.rand(step, size, generator=draw)) / size) / step


def along(
    question: Question,
    start: Callable[[torch.Tensor, int], torch.Tensor],
    moments: Moments,
    rows: torch.Tensor,
    places: torch.Tensor,
) -> None:
    """Add the contributions of the given rows at points on paths that lead to them.

    Parameters
    ----------
    start : `start(rows, k)` is where the path of point k begins, for each of these rows. `places` : of the points, (S,), 0 there and 1
        at the input.
    """
    shape, flat = (-1, *[1] * question.inputs.ndim), places.to(question.inputs)
    for part, share in blocks(len(rows), len(places), question.rows):
        chosen, count = rows[part].to(question.inputs.device), share.stop - share.start
        centre = question.inputs[chosen]
        difference = centre - torch.stack([start(chosen, k) for k in range(share.start, share.stop)])
        points = centre - (1 - flat[share]).view(shape) * difference
        gradients = question.gradients(points.flatten(0, 1), question.target[chosen].repeat(count))
        moments.add(chosen, gradients.view(points.shape) * difference)
