"""A small decision tree that stands in for the network, on all inputs: what it says, and how often it agrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.data import Standardise
from netlens.errors import ShapeError
from netlens.explain.base import asking
from netlens.explain.features import FeatureMap, Features, feature_map, is_image
from netlens.explain.wording import joined, percent
from netlens.models.model import Model
from netlens.seeding import NUMPY_SEEDS

if TYPE_CHECKING:
    from netlens.data import Preprocess

FEWEST = 20


@dataclass(frozen=True)
class Leaf:
    """One rule: the class that it names, how many of the fitted inputs it holds, and for which share of them the network agrees."""

    answer: str
    inputs: int
    purity: float


@dataclass(frozen=True)
class Rules:
    """A tree as sentences, and how far it may be believed.

    `fidelity` : share of the held-out inputs on which tree and network agree. `chance` : that share for always naming the class that
    the network gives most often; a tree that hardly beats it explains nothing. `held_out` : how many inputs that is. `parts` : what
    each sentence says, in numbers. `classes` : all that the network knows.
    """

    sentences: tuple[str, ...]
    fidelity: float
    chance: float
    held_out: int
    leaves: int
    parts: tuple[Leaf, ...] = ()
    classes: tuple[str, ...] = ()

    def __str__(self) -> str:
        agreed = f"On {self.held_out} inputs that it has not seen, the tree agrees with the network on {percent(self.fidelity)}"
        return "\n".join([*self.sentences, f"{agreed}; always naming the most frequent class agrees on {percent(self.chance)}."])


@dataclass(frozen=True)
class GlobalRules:
    """Fit a decision tree to what the network answers, and read it as rules.

    Parameters
    ----------
    features : what the tree may ask for: columns of tables as they are, else the mean of each feature; see `netlens.explain.features`.
        One's own or a grid: the features of all inputs must be the same.
    leaves : the most rules.
    held_out : share of the inputs that the tree is not fitted on.

    Notes
    -----
    Cost: one forward pass for each input. The tree imitates the network, not the truth. Images are asked for their brightness, from
    0, black, to 1; tables in the units of their columns, where the preprocessing can be undone.

    References
    ----------
    Craven and Shavlik 1995, Extracting tree-structured representations of trained networks.
    """

    features: Features = None
    leaves: int = 8
    held_out: float = 0.3
    seed: int = 0

    def __call__(self, model: Model, inputs: torch.Tensor, names: Sequence[str] = ()) -> Rules:
        """Return the rules; `names` : of the features, else their numbers."""
        if not self.leaves >= 2 or not 0 < self.held_out < 1 or len(inputs) < FEWEST:
            problem = f"leaves is {self.leaves}, held_out {self.held_out}, and there are {len(inputs)} inputs"
            raise ShapeError(
                "GlobalRules", problem, expected=f"2 leaves or more, a share between 0 and 1, {FEWEST} inputs or more"
            )
        from sklearn.tree import DecisionTreeClassifier

        with asking(model, inputs, None, "GlobalRules") as question:
            answers = question.target.cpu().numpy()
            choice = "grid" if self.features is None and inputs.ndim == 4 else self.features
            table, cut = self._table(model, inputs.detach().cpu(), choice)
        order = np.random.default_rng(self.seed % NUMPY_SEEDS).permutation(len(table))
        rest = max(1, round(self.held_out * len(table)))
        seen, unseen = order[rest:], order[:rest]
        fitted = DecisionTreeClassifier(max_leaf_nodes=self.leaves, random_state=self.seed % NUMPY_SEEDS).fit(
            table[seen], answers[seen]
        )
        said = list(names) or feature_names(cut, inputs)
        if len(said) != table.shape[1]:
            raise ShapeError("GlobalRules", f"{len(said)} names were given for {table.shape[1]} features")
        most = np.bincount(answers[seen]).argmax()
        parts: list[Leaf] = []
        return Rules(
            sentences(fitted.tree_, said, lambda leaf: _answer(model, fitted, leaf, parts)),
            float((fitted.predict(table[unseen]) == answers[unseen]).mean()),
            float((answers[unseen] == most).mean()),
            len(unseen),
            int(fitted.get_n_leaves()),
            tuple(parts),
            model.classes,
        )

    def _table(self, model: Model, inputs: torch.Tensor, choice: Features) -> tuple[NDArray[np.float64], FeatureMap]:
        cut = feature_map(choice, model, inputs, "GlobalRules")
        if not bool((cut.index == cut.index[:1]).all()):
            problem = f"the features ({cut.chosen}) differ from input to input"
            raise ShapeError("GlobalRules", problem, remedy="Use features='grid', or your own for all inputs.")
        known = is_image(model, inputs) or (inputs.ndim == 2 and isinstance(model.preprocess, Standardise))
        pixels = cast("Preprocess", model.preprocess).invert(inputs) if known else inputs
        index = cut.index[0].expand(inputs.shape[1:]).flatten()
        sums = torch.zeros(len(inputs), cut.counts[0], dtype=torch.float64).index_add_(1, index, pixels.double().flatten(1))
        return (sums / cut.sizes(0, inputs.shape[1:])).numpy(), cut


def feature_names(cut: FeatureMap, inputs: torch.Tensor, row: int = 0) -> list[str]:
    """Call features by their number, and those of images also by where they lie."""
    if inputs.ndim != 4:
        kind = "step" if inputs.ndim == 3 else "column" if inputs.is_floating_point() else "token"
        return [f"{kind} {number + 1}" for number in range(cut.counts[row])]
    index = cut.index[row][0]
    said = []
    for number in range(cut.counts[row]):
        down, across = (
            float((places.double().mean() + 0.5) / side)
            for places, side in zip((index == number).nonzero(as_tuple=True), index.shape, strict=True)
        )
        words = ("upper", "middle", "lower")[min(2, int(3 * down))], ("left", "centre", "right")[min(2, int(3 * across))]
        said.append(f"part {number + 1} ({' '.join(words)})")
    return said


def sentences(tree: Any, names: Sequence[str], answer: Callable[[int], str], *, shown: bool = False) -> tuple[str, ...]:
    """Read a fitted tree from left to right, one sentence a leaf.

    Parameters
    ----------
    tree : of scikit-learn. `answer` : what a leaf says. `shown` : features are shown (1) or hidden (0), rather than measured.
    """
    said: list[str] = []

    def walk(node: int, bounds: dict[int, tuple[float, float]]) -> None:
        feature = int(tree.feature[node])
        if feature < 0:
            conditions = [_condition(names[key], *bound, shown=shown) for key, bound in bounds.items()]
            said.append(f"{'If ' + joined(conditions) if conditions else 'Always'}: {answer(node)}.")
            return
        low, high = bounds.get(feature, (-np.inf, np.inf))
        cut = float(tree.threshold[node])
        walk(int(tree.children_left[node]), {**bounds, feature: (low, min(high, cut))})
        walk(int(tree.children_right[node]), {**bounds, feature: (max(low, cut), high)})

    walk(0, {})
    return tuple(said)


def _condition(name: str, low: float, high: float, *, shown: bool) -> str:
    if shown:
        return f"{name} is {'shown' if high == np.inf else 'hidden'}"
    if low == -np.inf:
        return f"{name} is at most {high:.3g}"
    return f"{name} is above {low:.3g}" + ("" if high == np.inf else f" and at most {high:.3g}")


def _answer(model: Model, fitted: Any, leaf: int, parts: list[Leaf]) -> str:
    counts = fitted.tree_.value[leaf][0]
    best = int(np.argmax(counts))
    share, size = float(counts[best] / counts.sum()), int(fitted.tree_.n_node_samples[leaf])
    parts.append(Leaf(model.classes[int(fitted.classes_[best])], size, share))
    return f"{parts[-1].answer} ({percent(share)} of {size})"
