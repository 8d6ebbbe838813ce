"""Do explanations agree: between methods, between images of one class, between two networks trained alike?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from netlens.errors import ShapeError, unknown
from netlens.explain.base import Attribution, Explainer, Target
from netlens.explain.numbers import are_tokens
from netlens.explain.series import steps_axis
from netlens.models.model import Model
from netlens.quality.base import Direction, Score, axis_of, interval, pixelwise, scored

Similarity = Literal["rank", "cosine", "top_k", "sign"]
TOP = 0.1  # the share of the places that `top_k` compares
SAME = 1e-3  # a place belongs to the background where it differs from it by less than this share of the input's range
COMMON = 0.05  # a value is a background when at least this share of the places has it


def similarity(
    one: torch.Tensor, two: torch.Tensor, kind: Similarity = "rank", where: torch.Tensor | None = None
) -> torch.Tensor:
    """How alike two sets of maps (N, places) are, (N,), from -1 (or 0) to 1.

    Parameters
    ----------
    kind : `rank`, Spearman's correlation; `cosine`; `top_k`, the share of the tenth of places with the largest sizes that both name, a place
        of size 0 being named by none; `sign`, the share of places with the same sign among those where both are not zero.
    where : (N, places) bool, the places that are compared; all without it.

    Notes
    -----
    A map that is the same everywhere orders nothing: its similarity to any other is 0.
    """
    if one.shape != two.shape or one.ndim != 2 or (where is not None and where.shape != one.shape):
        problem = f"maps shaped {tuple(one.shape)} and {tuple(two.shape)} are compared"
        raise ShapeError("similarity", problem, expected="two tensors (N, places) of one shape, and a mask shaped like them")
    if kind not in KINDS:
        raise unknown("similarity", "kind", str(kind), KINDS)
    mask = np.ones(tuple(one.shape), dtype=bool) if where is None else where.numpy()
    left, right = one.double().numpy(), two.double().numpy()
    found = [KINDS[kind](a[m], b[m]) if m.any() else 0.0 for a, b, m in zip(left, right, mask, strict=True)]
    return torch.tensor(found, dtype=torch.float64)


def foreground(inputs: torch.Tensor, axis: int = 1) -> torch.Tensor:
    """Where an input differs from its background, (N, places) bool: the most frequent value of each channel, if it is frequent.

    A row without a frequent value, such as a photograph or a row of a table, is foreground everywhere; so is a row that is nothing
    but background. `axis` : of the steps of sequences.
    """
    if inputs.ndim != 4:
        return torch.ones(len(inputs), inputs.shape[axis], dtype=torch.bool)
    flat = inputs.detach().double().cpu().flatten(2)  # (N, C, places)
    usual = flat.mode(2, keepdim=True).values
    span = flat.amax((1, 2), keepdim=True) - flat.amin((1, 2), keepdim=True)
    apart = ((flat - usual).abs() > SAME * span).any(1)
    alone = ((~apart).double().mean(1) < COMMON) | ((~apart).sum(1) < 2) | ~apart.any(1)
    return apart | alone.unsqueeze(1)


@dataclass(frozen=True)
class Agreement:
    """How alike several methods are: `matrix` (M, M), the mean over samples; `low`, `high` its 95 % interval; `values` (M, M, N)."""

    names: tuple[str, ...]
    kind: Similarity
    values: torch.Tensor
    matrix: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def frame(self) -> pd.DataFrame:
        """One row a pair of methods, the most alike first."""
        rows = [
            {
                "method": self.names[i],
                "other": self.names[j],
                "similarity": self.matrix[i, j],
                "low": self.low[i, j],
                "high": self.high[i, j],
            }
            for i, j in combinations(range(len(self.names)), 2)
        ]
        return pd.DataFrame(rows).sort_values("similarity", ascending=False, ignore_index=True)


def agreement(
    attributions: Sequence[Attribution],
    inputs: torch.Tensor,
    kind: Similarity = "rank",
    *,
    everywhere: bool = False,
    names: Sequence[str] = (),
) -> Agreement:
    """Compare methods with each other, on the same inputs and for the same classes.

    Parameters
    ----------
    everywhere : compare all places; without it only the foreground, because a shared background makes all methods alike. Of texts, the
        background is where no method gives anything, such as padding.
    names : what the methods are called; without them, their keys.

    Raises
    ------
    ShapeError : fewer than two attributions, or they explain different classes.

    References
    ----------
    Krishna, Han, Gu, Pombra, Jabbari, Wu and Lakkaraju 2022, arXiv:2202.01602.
    """
    if len(attributions) < 2 or len({tuple(one.target.tolist()) for one in attributions}) > 1:
        problem = (
            f"{len(attributions)} attributions were given, for {len({tuple(a.target.tolist()) for a in attributions})} targets"
        )
        raise ShapeError("agreement", problem, expected="at least two attributions of the same classes")
    axis = axis_of(*attributions)
    maps = [pixelwise(one, inputs, "agreement", axis) for one in attributions]
    where = None if everywhere else foreground(inputs, axis)
    if where is not None and are_tokens(inputs):
        where = torch.stack(maps).ne(0).any(0)
    values = torch.ones(len(maps), len(maps), len(inputs), dtype=torch.float64)
    for i, j in combinations(range(len(maps)), 2):
        values[i, j] = values[j, i] = similarity(maps[i], maps[j], kind, where)
    ends = np.array([[interval(values[i, j]) for j in range(len(maps))] for i in range(len(maps))])
    called = tuple(names) or tuple(one.method for one in attributions)
    if len(called) != len(maps):
        raise ShapeError("agreement", f"{len(called)} names were given", expected=f"one for each of {len(maps)} attributions")
    return Agreement(called, kind, values, ends[..., 0], ends[..., 1], ends[..., 2])


def diagnosis(one: Attribution, two: Attribution, inputs: torch.Tensor) -> pd.DataFrame:
    """Why two methods differ: their rank correlation as it is, and with one difference taken away at a time.

    `sizes` drops the signs; `coarse` averages images over a 7 x 7 grid, so that a shift by some pixels or a coarse layer does not
    count; `everywhere` adds the background. Where one of them is much higher than `as it is`, that is what the two disagree about.
    """
    axis = axis_of(one, two)
    a, b = (pixelwise(part, inputs, "diagnosis", axis) for part in (one, two))
    seen = foreground(inputs, axis)
    rows = {
        "as it is": similarity(a, b, "rank", seen),
        "sizes": similarity(a.abs(), b.abs(), "rank", seen),
        "everywhere": similarity(a, b, "rank"),
    }
    if inputs.ndim == 4:
        rows["coarse"] = similarity(_coarse(a, inputs), _coarse(b, inputs))
    table = [
        {"compared": name, **dict(zip(("mean", "low", "high"), interval(found), strict=True))} for name, found in rows.items()
    ]
    return pd.DataFrame(table)


@dataclass(frozen=True)
class ClassConsistency:
    """Same class, same explanation: how much more a map is like those of its class than like those of other classes.

    Notes
    -----
    It says something only where objects lie in the same place, as centred digits do. It measures the data as well as the method:
    a method that draws the outline of the input is consistent too. So read it only beside the sanity checks.

    References
    ----------
    Fel, Vigouroux, Cadène and Serre 2022, arXiv:2009.04521.
    """

    name: ClassVar[str] = "class_consistency"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:2009.04521"
    cost: ClassVar[str] = "none"

    kind: Similarity = "rank"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Compare each map with all others; samples that are alone in their class take no part."""
        axis = steps_axis(model, inputs, "ClassConsistency")
        maps, target = pixelwise(attribution, inputs, "ClassConsistency", axis), attribution.target
        pairs = torch.stack([similarity(maps[k : k + 1].expand_as(maps), maps, self.kind) for k in range(len(maps))])
        same = target[:, None] == target[None, :]
        other, same = ~same, same & ~torch.eye(len(maps), dtype=torch.bool)
        kept = same.any(1) & other.any(1)
        if not kept.any():
            problem = f"the {len(maps)} samples have no two of one class beside one of another"
            raise ShapeError("ClassConsistency", problem, expected="at least two samples of one class, and one of another")
        within = (pairs * same).sum(1)[kept] / same.sum(1)[kept]
        across = (pairs * other).sum(1)[kept] / other.sum(1)[kept]
        return scored(self, within - across, own=within, random=across)


def between_models(
    explainer: Explainer, model: Model, other: Model, inputs: torch.Tensor, target: Target = None, kind: Similarity = "rank"
) -> torch.Tensor:
    """How alike one method's maps of two networks are, on the foreground, (N,), for the classes that the first predicts.

    Two networks trained alike with different seeds should agree: what differs is luck. A network trained on shuffled labels should
    not: then the map shows the data and not what was learnt (Adebayo et al. 2018, arXiv:1810.03292).
    """
    own = explainer(model, inputs, target)
    theirs = explainer(other, inputs, own.target)
    axis = steps_axis(model, inputs, "between_models")
    a, b = (pixelwise(part, inputs, "between_models", axis) for part in (own, theirs))
    return similarity(a, b, kind, foreground(inputs, axis))


def _rank(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    from scipy.stats import rankdata

    return _cosine(*(ranks - ranks.mean() for ranks in (rankdata(one), rankdata(two))))


def _cosine(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    sizes = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(one @ two) / sizes if sizes else 0.0


def _top_k(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    k = max(1, round(TOP * len(one)))
    if not np.ptp(np.abs(one)) or not np.ptp(np.abs(two)):
        return 0.0
    first, second = (
        set(np.argsort(-np.abs(part), kind="stable")[: min(k, np.count_nonzero(part))].tolist()) for part in (one, two)
    )
    return len(first & second) / max(len(first), len(second))


def _sign(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    both = (one != 0) & (two != 0)
    return float((np.sign(one[both]) == np.sign(two[both])).mean()) if both.any() else 0.0


def _coarse(maps: torch.Tensor, inputs: torch.Tensor) -> torch.Tensor:
    images = maps.view(len(maps), 1, *inputs.shape[2:])
    return torch.nn.functional.adaptive_avg_pool2d(images, 7).flatten(1)


KINDS = {"rank": _rank, "cosine": _cosine, "top_k": _top_k, "sign": _sign}
