"""GradientSHAP: gradients at random points between an input and a background, drawn as shap draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from netlens.errors import ShapeError
from netlens.explain.background import Background, backgrounds
from netlens.explain.base import Attribution, Target, asking, on_cpu, params_of
from netlens.explain.expected import Ground, along, change_from
from netlens.explain.moments import Moments
from netlens.models.model import Model
from netlens.seeding import NUMPY_SEEDS


@dataclass(frozen=True)
class GradientSHAP:
    """The gradient at random points between background samples and the input, times the difference of the two, averaged.

    Parameters
    ----------
    background : as in `DeepSHAP`.
    n_samples : points for each input.

    Notes
    -----
    Cost: `n_samples` forward and backward passes per input, and one forward pass for each background sample. The points are those
    that shap's GradientExplainer draws with `rseed=seed`, the same for each row, and so are the values. `expected_gradients` is the
    same idea with designed samples, and a smaller error for the same cost. `delta` is how far the values miss the change of the
    logit; no tolerance is promised. Computed in float32 at least.

    References
    ----------
    Erion, Janizek, Sturmfels, Lundberg and Lee 2021, arXiv:1906.10670.
    """

    name: ClassVar[str] = "gradient_shap"
    family: ClassVar[str] = "gradient, along a path"
    needs: ClassVar[str] = "gradients and a background"
    cost: ClassVar[str] = "n_samples forward and backward"
    gives: ClassVar[str] = "logits, signed, that add up to the change on average, with standard error"
    reference: ClassVar[str] = "arXiv:1906.10670"

    background: Background = None
    n_samples: int = 200
    seed: int = 0

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits, with their standard error and `delta` (N,), in logits."""
        if self.n_samples < 2:
            raise ShapeError("GradientSHAP", f"n_samples is {self.n_samples}", expected="at least 2")
        with asking(model, inputs, target, "GradientSHAP") as asked:
            question = asked.in_float32()
            grounds, chosen = backgrounds(question, self.background)
            ground, moments = _shared_or_own(grounds), Moments.like(question.inputs)
            which, places = _drawn(ground.size, self.n_samples, self.seed)
            along(question, lambda rows, k: ground.at(rows, which[k]), moments, torch.arange(len(inputs)), places)
            values = moments.mean
            delta = values.flatten(1).sum(1) - change_from(question, ground)
            return Attribution(
                on_cpu(values),
                question.target.cpu(),
                self.name,
                {**params_of(self), "background": chosen},
                seed=self.seed,
                delta=on_cpu(delta),
                spread=on_cpu(moments.standard_error),
            )


def _shared_or_own(grounds: list[torch.Tensor]) -> Ground:
    """Backgrounds (K, ...) of each row: one that all rows share, or a sample of its own for each."""
    first = grounds[0]
    if all(ground is first for ground in grounds):
        return Ground(len(first), first, lambda rows, at: first[at].expand(len(rows), *first.shape[1:]))
    own = torch.cat(grounds)
    return Ground(1, None, lambda rows, _at: own[rows])


def _drawn(size: int, n_samples: int, seed: int) -> tuple[list[int], torch.Tensor]:
    """Which of `size` background samples each point belongs to, and its place on the way to the input, in the order of shap's draws."""
    draw = np.random.RandomState(seed % NUMPY_SEEDS)  # the generator that shap uses
    points = [(int(draw.choice(size)), draw.uniform()) for _ in range(n_samples)]
    return [which for which, _ in points], torch.tensor([place for _, place in points], dtype=torch.float64)
