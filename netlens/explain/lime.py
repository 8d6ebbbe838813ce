"""LIME: a linear model of the network in the neighbourhood of one input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Target, asking, params_of
from netlens.explain.coalitions import Coalitions, uniform
from netlens.explain.features import Features
from netlens.explain.perturbation import Game, game
from netlens.explain.precision import Precision
from netlens.explain.regression import Fit, by_design, ridge
from netlens.explain.replacement import Replacement
from netlens.explain.sampled import attribution
from netlens.models.model import Model


@dataclass(frozen=True)
class LIME:
    """The coefficients of a linear model fitted to the network on copies of the input with features hidden at random.

    Parameters
    ----------
    features, replacement : what is hidden as a whole, and what stands there then; see `netlens.explain.features` and
        `netlens.explain.replacement`.
    n_samples : copies to score; all of them where there are no more.
    kernel_width : how fast a copy loses weight with its distance from the input, one less the cosine between the two masks.
    penalty : of the ridge regression. Both defaults are those of the reference implementation.
    precision : `float32`, or `auto` for bfloat16 where a trial shows the same ranking; see `netlens.explain.precision`.

    Notes
    -----
    Cost: `n_samples` forward passes per input, and two. `params` holds `intercept` and `r2` (N,), the weighted share of the variance
    that the linear model explains; a high one does not show that the coefficients are stable: read `spread` and `rank_stability`.
    Features that equal their replacement are worth exactly 0 and take no part. Deviation from the paper: the logit is fitted, not the
    probability; copies come in pairs that show complementary features, with stratified numbers of features.

    References
    ----------
    Ribeiro, Singh and Guestrin 2016, arXiv:1602.04938.
    """

    name: ClassVar[str] = "lime"
    family: ClassVar[str] = "perturbation"
    needs: ClassVar[str] = "forward passes"
    cost: ClassVar[str] = "n_samples forward, or fewer where all copies are; 2 forward"
    gives: ClassVar[str] = "logits, signed, with standard error"
    reference: ClassVar[str] = "arXiv:1602.04938"

    features: Features = None
    replacement: Replacement = None
    n_samples: int = 1000
    kernel_width: float = 0.25
    penalty: float = 1.0
    seed: int = 0
    precision: Precision = "float32"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits: each element's equal share of its feature's coefficient."""
        if not self.kernel_width > 0 or not 0 <= self.penalty < float("inf"):
            problem = f"kernel_width is {self.kernel_width} and penalty {self.penalty}"
            raise ShapeError("LIME", problem, expected="a width above 0 and a finite penalty that is not negative")
        with asking(model, inputs, target, "LIME", tokens=True) as question:
            played = game(question, self.features, self.replacement, self.precision)
            fits = self._fits(played)
            params = {
                **params_of(self),
                "intercept": torch.tensor([fit.intercept for fit in fits]),
                "r2": torch.tensor([fit.explained for fit in fits]),
            }
            return attribution(self.name, params, played, fits, complete=False)

    def _fits(self, played: Game) -> list[Fit]:
        def make(count: int) -> Coalitions:
            return uniform(count, self.n_samples, self.seed, "LIME")

        def fit(coalitions: Coalitions, _rows: torch.Tensor, scores: torch.Tensor) -> list[Fit]:
            weights = len(coalitions.masks) * coalitions.weights * proximity(coalitions.masks, self.kernel_width)
            return ridge(coalitions, scores, weights, self.penalty)

        return by_design(make, [len(players) for players in played.players], played.scores, fit)


def proximity(masks: torch.Tensor, width: float) -> torch.Tensor:
    """The weight of copies `masks` (S, M) in the regression: 1 for the input itself, falling with the features hidden."""
    cosine = masks.double().mean(1).sqrt()
    return torch.exp(-((1 - cosine) ** 2) / width**2).sqrt()
