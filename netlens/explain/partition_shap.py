"""Partition SHAP: Shapley values on a tree of features, as the shap library computes them, on netlens's passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Target, asking, params_of
from netlens.explain.features import Features
from netlens.explain.libraries import shap_library
from netlens.explain.perturbation import Game, game
from netlens.explain.precision import Precision
from netlens.explain.regression import Fit
from netlens.explain.replacement import Replacement
from netlens.explain.sampled import attribution
from netlens.explain.shap_adapters import global_state
from netlens.models.model import Model


@dataclass(frozen=True)
class PartitionSHAP:
    """Split the input in two, see what each half adds with and without the other, and go on with the halves that matter most.

    On the whole tree this gives Owen values: Shapley values of a game in which features join branch by branch. Where the passes run
    out, the features of a branch share its value equally.

    Parameters
    ----------
    features, replacement : what is hidden as a whole, and what stands there then; see `netlens.explain.features` and
        `netlens.explain.replacement`. Without features: the pixels of images.
    n_samples : the most forward passes for one input.
    precision : `float32`, or `auto` for bfloat16 where a trial shows the same ranking; see `netlens.explain.precision`.

    Notes
    -----
    Cost: at most `n_samples` forward passes per input, and two. The tree halves the features that matter along their longer side.
    The values add up to the change of the logit.

    References
    ----------
    Lundberg and Lee 2017, arXiv:1705.07874; Owen 1977, Values of games with a priori unions.
    """

    name: ClassVar[str] = "partition_shap"
    family: ClassVar[str] = "perturbation"
    needs: ClassVar[str] = "forward passes"
    cost: ClassVar[str] = "n_samples forward, or fewer where the tree is whole; 2 forward"
    gives: ClassVar[str] = "logits, signed, that add up to the change from the replacement"
    reference: ClassVar[str] = "arXiv:1705.07874"

    features: Features = None
    replacement: Replacement = None
    n_samples: int = 500
    precision: Precision = "float32"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits: each element's equal share of its feature's value."""
        if self.n_samples < 4:
            raise ShapeError("PartitionSHAP", f"n_samples is {self.n_samples}", expected="at least 4")
        with asking(model, inputs, target, "PartitionSHAP", tokens=True) as question:
            cut = "pixels" if self.features is None and question.inputs.ndim == 4 else self.features
            played = game(question, cut, self.replacement, self.precision)
            fits = [self._fit(played, row) for row in range(len(question.inputs))]
            return attribution(self.name, params_of(self), played, fits, complete=True, sampled=False)

    def _fit(self, played: Game, row: int) -> Fit:
        players = len(played.players[row])
        full, empty = (float(end[row]) for end in played.ends)
        if players < 2:
            return Fit(torch.full((players,), full - empty).double(), torch.zeros(players), 1.0)
        masker = _Masker(np.asarray(tree(played, row)), (1, players))

        def score(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
            return played.of(row, torch.from_numpy(masks)).numpy()

        with global_state(0):
            explainer = shap_library().PartitionExplainer(score, masker)
            found = explainer(np.ones((1, players), dtype=bool), max_evals=self.n_samples, batch_size=512, silent=True)
        return Fit(torch.from_numpy(np.asarray(found.values, dtype=np.float64)[0]), torch.zeros(players), 1.0)


@dataclass
class _Masker:
    """What shap asks of a masker; the masked input is the mask itself."""

    clustering: NDArray[np.float64]
    shape: tuple[int, int]
    immutable_outputs: bool = True

    def __call__(self, mask: NDArray[np.bool_], _row: Any) -> tuple[NDArray[np.bool_]]:
        return (mask[np.newaxis].copy(),)


def tree(played: Game, row: int) -> list[list[float]]:
    """Halve the players of a row, again and again, along the axis on which they lie farthest apart.

    Gives a linkage matrix as SciPy's: for each branch its two parts, a distance and its size, the smallest branches first.
    """
    index = played.features.index[row]
    places = torch.stack(torch.meshgrid([torch.arange(side) for side in index.shape], indexing="ij")).flatten(1).double()
    counts = torch.bincount(index.flatten(), minlength=played.features.counts[row])
    sums = [torch.bincount(index.flatten(), axis, minlength=len(counts)) for axis in places]
    centres = [(axis / counts)[played.players[row]].tolist() for axis in sums]
    players, links = len(centres[0]), list[list[float]]()

    def join(members: list[int]) -> int:  # lists: most branches are small, where arrays are slower
        if len(members) == 1:
            return members[0]
        longest = max(centres, key=lambda axis: _extent([axis[member] for member in members]))
        order = sorted(members, key=longest.__getitem__)
        half = len(order) // 2
        parts = [float(join(order[:half])), float(join(order[half:]))]
        links.append([*parts, float(len(members)), float(len(members))])
        return players + len(links) - 1

    join(list(range(players)))
    return links


def _extent(values: list[float]) -> float:
    return max(values) - min(values)
