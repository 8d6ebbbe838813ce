"""GradientSHAP as the shap library computes it, checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from netlens.errors import ShapeError
from netlens.explain.background import Background, backgrounds
from netlens.explain.base import Attribution, Question, Target, asking, on_cpu, params_of, run
from netlens.explain.libraries import differentiating, shap_library
from netlens.explain.numbers import exact
from netlens.models.model import Model
from netlens.models.twin import twin
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
    Cost: `n_samples` forward and backward passes per input, and one forward pass for each background sample. Computed by shap, which
    calls it GradientExplainer; NumPy's global random state is given back. `expected_gradients` is the same idea with designed samples,
    and a smaller error for the same cost. `delta` is how far the values miss the change of the logit; no tolerance is promised.

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
        with asking(model, inputs, target, "GradientSHAP") as question:
            grounds, chosen = backgrounds(question, self.background)
            values, change = torch.empty_like(exact(question.inputs)), []
            spread = torch.empty_like(values)
            for row, ground in enumerate(grounds):
                with _one_logit(question, row) as net, global_state(self.seed):
                    explainer = shap_library().GradientExplainer(net, ground.float(), batch_size=question.rows)
                    means, variances = explainer.shap_values(
                        question.inputs[row : row + 1].float(),
                        nsamples=self.n_samples,
                        rseed=self.seed % NUMPY_SEEDS,
                        return_variances=True,
                    )
                values[row] = _values(means, values[row])
                # shap divides the variance by the root of the number of points; the variance of a mean is divided by the number.
                spread[row] = (_values(variances, values[row]) / self.n_samples**0.5).sqrt()
                change.append(_change(question, row, ground))
            delta = values.double().flatten(1).sum(1) - torch.stack(change)
            params = {**params_of(self), "background": chosen}
            return Attribution(
                on_cpu(values),
                question.target.cpu(),
                self.name,
                params,
                seed=self.seed,
                delta=on_cpu(delta.float()),
                spread=on_cpu(spread),
            )


class _OneLogit(nn.Module):
    """A network that gives the logit of one class, (N, 1)."""

    def __init__(self, question: Question, net: nn.Module, target: int) -> None:
        super().__init__()
        self.net, self.target, self.prepare = net, target, question.plan.prepare
        self.model, self.operation = replace(question.model, net=net), question.operation

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        logits = run(self.model, self.prepare(inputs), self.operation)
        return logits[:, self.target : self.target + 1].float()


@contextmanager
def _one_logit(question: Question, row: int) -> Iterator[_OneLogit]:
    """Copy the modules of the network for shap, which clears the gradients of what it gets; the weights are shared."""
    copied = twin(question.model.net, question.operation, single=True)
    with differentiating(question):
        yield _OneLogit(question, copied, int(question.target[row])).eval()


@contextmanager
def global_state(seed: int) -> Iterator[None]:
    """Seed NumPy's global random state, from which shap draws, and give it back as it was."""
    before = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(seed % NUMPY_SEEDS)  # noqa: NPY002
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _values(found: Any, like: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.asarray(found, dtype=np.float64)).view(like.shape).to(like)


def _change(question: Question, row: int, ground: torch.Tensor) -> torch.Tensor:
    """The logit of a row less its mean over the background, float64."""
    with torch.no_grad():
        points = torch.cat([question.inputs[row : row + 1], ground])
        scores = question.chunked(question.scores, points, question.target[row].expand(len(points))).double()
    return scores[0] - scores[1:].mean()
