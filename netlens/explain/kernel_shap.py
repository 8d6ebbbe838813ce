"""KernelSHAP: Shapley values by a weighted regression over coalitions of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.explain.base import Attribution, Target, asking, params_of
from netlens.explain.coalitions import Coalitions, shapley
from netlens.explain.features import Features
from netlens.explain.perturbation import Game, game
from netlens.explain.precision import Precision
from netlens.explain.regression import Fit, by_design, constrained
from netlens.explain.replacement import Replacement
from netlens.explain.sampled import attribution
from netlens.models.model import Model


@dataclass(frozen=True)
class KernelSHAP:
    """The Shapley value of each feature: what it adds to the logit, on average over every order in which features can appear.

    Parameters
    ----------
    features, replacement : what is hidden as a whole, and what stands there then; see `netlens.explain.features` and
        `netlens.explain.replacement`.
    n_samples : coalitions to score. Where all coalitions are no more than that, all are scored, and the values are exact.
    precision : `float32`, or `auto` for bfloat16 where a trial shows the same ranking; see `netlens.explain.precision`.

    Notes
    -----
    Cost: `n_samples` forward passes per input, and two. Features that equal their replacement are worth exactly 0 and take no part.
    Deviation from the paper: coalitions come in pairs with their complements, sizes are stratified by the Shapley kernel, and small
    and large sizes are complete.

    References
    ----------
    Lundberg and Lee 2017, arXiv:1705.07874.
    """

    name: ClassVar[str] = "kernel_shap"
    family: ClassVar[str] = "perturbation"
    needs: ClassVar[str] = "forward passes"
    cost: ClassVar[str] = "n_samples forward, or fewer where all coalitions are; 2 forward"
    gives: ClassVar[str] = "logits, signed, that add up to the change from the replacement, with standard error"
    reference: ClassVar[str] = "arXiv:1705.07874"

    features: Features = None
    replacement: Replacement = None
    n_samples: int = 1000
    seed: int = 0
    precision: Precision = "float32"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits: each element's equal share of its feature's Shapley value."""
        with asking(model, inputs, target, "KernelSHAP", tokens=True) as question:
            played = game(question, self.features, self.replacement, self.precision)
            fits = self._fits(played)
            return attribution(self.name, params_of(self), played, fits, complete=True)

    def _fits(self, played: Game) -> list[Fit]:
        full, empty = played.ends

        def make(count: int) -> Coalitions:
            return shapley(count, self.n_samples, self.seed, "KernelSHAP")

        def fit(coalitions: Coalitions, rows: torch.Tensor, scores: torch.Tensor) -> list[Fit]:
            return constrained(coalitions, scores - empty[rows].unsqueeze(1), (full - empty)[rows])

        return by_design(make, [len(players) for players in played.players], played.scores, fit)
