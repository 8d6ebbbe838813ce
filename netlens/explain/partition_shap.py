"""Partition SHAP: Shapley values on a tree of features, by the search of the shap library."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Target, asking, params_of
from netlens.explain.features import Features
from netlens.explain.perturbation import Game, game
from netlens.explain.precision import Precision
from netlens.explain.regression import Fit
from netlens.explain.replacement import Replacement
from netlens.explain.sampled import attribution
from netlens.models.model import Model

AT_ONCE = 512  # coalitions that are scored before the search goes on
Search = Generator[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]  # asks for scores of coalitions, ends with values


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
    The values add up to the change of the logit. The search is that of shap's `PartitionExplainer`, but for ties, which shap breaks at
    random; the tree is grown only where the search goes.

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
            full, empty = (end.tolist() for end in played.ends)
            searches = {}
            for row, players in enumerate(played.players):
                root = Branch(list(range(len(players))), centres(played, row))
                searches[row] = owen(root, empty[row], full[row], self.n_samples)
            values = map(torch.from_numpy, together(searches, played))
            fits = [Fit(found, torch.zeros_like(found), 1.0) for found in values]
            return attribution(self.name, params_of(self), played, fits, complete=True, sampled=False)


@dataclass(frozen=True)
class Branch:
    """Players that join together: `members` by number, and where all players lie, `places[axis][player]`."""

    members: list[int]
    places: list[list[float]]

    @cached_property
    def halves(self) -> tuple[Branch, Branch]:
        """Its two parts, cut across the axis on which the members lie farthest apart."""
        longest = max(self.places, key=lambda axis: _extent([axis[member] for member in self.members]))
        order, half = sorted(self.members, key=longest.__getitem__), len(self.members) // 2
        return Branch(order[:half], self.places), Branch(order[half:], self.places)


@dataclass(frozen=True)
class Share:
    """What a branch adds in one context, from `before` to `after`, and its weight among all contexts; `shown` is the context."""

    branch: Branch
    shown: NDArray[np.bool_]
    before: float
    after: float
    weight: float

    @property
    def worth(self) -> float:
        """Its part of the branch's value."""
        return (self.after - self.before) * self.weight


def together(searches: dict[int, Search], played: Game) -> list[NDArray[np.float64]]:
    """The values that each row's search ends with; what all of them ask for at one time is scored in one stream."""
    values: dict[int, NDArray[np.float64]] = {}
    answers: dict[int, Any] = dict.fromkeys(searches)  # a search begins with None
    while answers:
        asked = {}
        for row, answer in answers.items():
            try:
                asked[row] = torch.from_numpy(searches[row].send(answer))
            except StopIteration as end:
                values[row] = end.value
        answers = {row: scores.numpy() for row, scores in played.of(asked).items()}
    return [values[row] for row in searches]


def owen(root: Branch, empty: float, full: float, passes: int) -> Search:
    """Owen values of the players of `root`, the branches of most worth cut first; what is not cut is shared equally.

    Yields coalitions (S, players), and is sent their scores (S,).

    Parameters
    ----------
    empty, full : the scores of none and of all. `passes` : the most coalitions scored.
    """
    values = np.zeros(len(root.members))
    waiting: list[tuple[float, int, Share]] = []
    number = count()

    def add(share: Share) -> None:
        if len(share.branch.members) < 2:
            values[share.branch.members] += share.worth
        else:
            heapq.heappush(waiting, (-abs(share.worth), next(number), share))

    add(Share(root, np.zeros(len(values), dtype=bool), empty, full, 1.0))
    while waiting and passes >= 2:
        cut = [heapq.heappop(waiting)[2] for _ in range(min(len(waiting), passes // 2, AT_ONCE // 2))]
        masks = [_with(share.shown, half) for share in cut for half in share.branch.halves]
        scores = yield np.stack(masks)
        passes -= len(masks)
        for at, share in enumerate(cut):
            (left, right), half = share.branch.halves, share.weight / 2
            with_left, with_right = (float(found) for found in scores[2 * at : 2 * at + 2])
            add(Share(left, share.shown, share.before, with_left, half))
            add(Share(right, share.shown, share.before, with_right, half))
            add(Share(left, masks[2 * at + 1], with_right, share.after, half))
            add(Share(right, masks[2 * at], with_left, share.after, half))
    for _, _, share in waiting:
        values[share.branch.members] += share.worth / len(share.branch.members)
    return values


def _with(shown: NDArray[np.bool_], branch: Branch) -> NDArray[np.bool_]:
    mask = shown.copy()
    mask[branch.members] = True
    return mask


def centres(played: Game, row: int) -> list[list[float]]:
    """Where the features of a row's players lie, on average: one list an axis."""
    index = played.features.index[row]
    places = torch.stack(torch.meshgrid([torch.arange(side) for side in index.shape], indexing="ij")).flatten(1).double()
    counts = torch.bincount(index.flatten(), minlength=played.features.counts[row])
    sums = [torch.bincount(index.flatten(), axis, minlength=len(counts)) for axis in places]
    return [(axis / counts)[played.players[row]].tolist() for axis in sums]


def _extent(values: list[float]) -> float:
    return max(values) - min(values)
