"""A small decision tree that stands in for the network around one input, with the Shapley values of the tree."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Target, asking, params_of
from netlens.explain.coalitions import Coalitions, shapley, uniform
from netlens.explain.features import Features
from netlens.explain.perturbation import Game, game
from netlens.explain.precision import Precision, rank_correlation
from netlens.explain.regression import Fit, constrained
from netlens.explain.replacement import Replacement
from netlens.explain.rules import feature_names, sentences
from netlens.explain.sampled import attribution
from netlens.models.model import Model
from netlens.seeding import NUMPY_SEEDS

REFITS = 10
MOST_LEAVES = 13  # so that the values of the tree are exact: at most 12 features, 4,096 coalitions


@dataclass(frozen=True)
class RuleTree:
    """Fit a decision tree to the logits of copies of the input with features hidden at random, and read it as rules.

    Parameters
    ----------
    features, replacement : what is hidden as a whole, and what stands there then; see `netlens.explain.features` and
        `netlens.explain.replacement`.
    n_samples : copies to score. A quarter of them is held out and measures the fidelity.
    leaves : the most rules.
    precision : `float32`, or `auto` for bfloat16 where a trial shows the same ranking; see `netlens.explain.precision`.

    Notes
    -----
    Cost: `n_samples` forward passes per input, and two. `params` holds for each row `rules`, sentences, and `fidelity`, the share of the
    variance of the held-out logits that the tree explains. The values are the exact Shapley values of the tree, so that a feature that
    no rule names is worth 0; `delta` is how far tree and network differ in their change from nothing shown to everything shown. The
    standard error comes from trees fitted to resampled copies.

    References
    ----------
    Craven and Shavlik 1995, Extracting tree-structured representations of trained networks; Ribeiro, Singh and Guestrin 2016,
    arXiv:1602.04938.
    """

    name: ClassVar[str] = "rule_tree"
    family: ClassVar[str] = "perturbation"
    needs: ClassVar[str] = "forward passes"
    cost: ClassVar[str] = "n_samples forward; 2 forward"
    gives: ClassVar[str] = "rules in words; logits, signed, with standard error"
    reference: ClassVar[str] = "arXiv:1602.04938"

    features: Features = None
    replacement: Replacement = None
    n_samples: int = 1000
    leaves: int = 8
    seed: int = 0
    precision: Precision = "float32"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits: each element's equal share of its feature's value in the tree."""
        if not 2 <= self.leaves <= MOST_LEAVES:
            raise ShapeError("RuleTree", f"leaves is {self.leaves}", expected=f"2 to {MOST_LEAVES}")
        with asking(model, inputs, target, "RuleTree", tokens=True) as question:
            played = game(question, self.features, self.replacement, self.precision)
            designs = {count: uniform(count, self.n_samples, self.seed, "RuleTree") for count in map(len, played.players)}
            rows = [designs[len(players)] for players in played.players]
            scores = played.scores([coalitions.masks for coalitions in rows])
            found = [self._row(played, row, *pair) for row, pair in enumerate(zip(rows, scores, strict=True))]
            params = {
                **params_of(self),
                "rules": [rules for _, rules, _ in found],
                "fidelity": torch.tensor([f for *_, f in found]),
            }
            result = attribution(self.name, params, played, [fit for fit, *_ in found], complete=False)
            delta = result.values.double().flatten(1).sum(1) - result.params["change"]
            return replace(result, delta=delta.float())

    def _row(self, played: Game, row: int, coalitions: Coalitions, scores: torch.Tensor) -> tuple[Fit, tuple[str, ...], float]:
        """The values of the tree, its rules, and its fidelity."""
        masks, logits = coalitions.masks.numpy(), scores.numpy()
        if masks.shape[1] == 0:
            return Fit(torch.zeros(0).double(), torch.zeros(0).double(), 1.0), (), 1.0
        draw = np.random.default_rng(self.seed % NUMPY_SEEDS)
        pairs = draw.permutation(len(masks) // 2)
        held, kept = pairs[: len(pairs) // 4], pairs[len(pairs) // 4 :]
        fitted = self._fitted(masks, logits, kept)
        names = feature_names(played.features, played.stream.question.inputs, row)
        names = [names[int(player)] for player in played.players[row]]
        rules = sentences(fitted.tree_, names, lambda leaf: f"logit {float(fitted.tree_.value[leaf][0][0]):.2f}", shown=True)
        refits = [draw.choice(kept, len(kept)) for _ in range(REFITS)]
        several = torch.stack([_values(self._fitted(masks, logits, sample), masks.shape[1]) for sample in refits])
        halves = [_values(self._fitted(masks, logits, kept[start::2]), masks.shape[1]) for start in (0, 1) if len(kept) > 1]
        fit = Fit(_values(fitted, masks.shape[1]), several.std(0), rank_correlation(*halves) if halves else 1.0)
        return fit, rules, _explained(fitted, masks, logits, held)

    def _fitted(self, masks: NDArray[np.bool_], logits: NDArray[np.float64], pairs: NDArray[np.int64]) -> Any:
        from sklearn.tree import DecisionTreeRegressor

        copies = _members(pairs)
        return DecisionTreeRegressor(max_leaf_nodes=self.leaves, random_state=self.seed % NUMPY_SEEDS).fit(
            masks[copies], logits[copies]
        )


def _members(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """The positions of both copies of each pair."""
    return np.concatenate([2 * pairs, 2 * pairs + 1])


def _explained(fitted: Any, masks: NDArray[np.bool_], logits: NDArray[np.float64], pairs: NDArray[np.int64]) -> float:
    """The share of the variance that the tree explains on these pairs; on all of them where none was held out."""
    copies = _members(pairs) if len(pairs) else np.arange(len(masks))
    variance = float(np.var(logits[copies]))
    return 1 - float(np.mean((logits[copies] - fitted.predict(masks[copies])) ** 2)) / variance if variance > 0 else 1.0


def _values(fitted: Any, players: int) -> torch.Tensor:
    """The exact Shapley values of a tree over presence, (players,)."""
    used = sorted({int(feature) for feature in fitted.tree_.feature if feature >= 0})
    every = shapley(len(used), 2 ** len(used), 0, "RuleTree")
    masks = np.zeros((len(every.masks) + 2, players))
    masks[:-2, used], masks[-1, used] = every.masks.numpy(), 1
    logits = torch.from_numpy(np.asarray(fitted.predict(masks), dtype=np.float64))
    values = torch.zeros(players, dtype=torch.float64)
    (fit,) = constrained(every, (logits[:-2] - logits[-2]).unsqueeze(0), logits[-1:] - logits[-2])
    values[used] = fit.values
    return values
