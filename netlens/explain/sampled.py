"""From values of features to an attribution shaped like the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from netlens.explain.base import Attribution
from netlens.explain.perturbation import Game, shares, table
from netlens.explain.regression import Fit

ROUNDING = 1e-3  # the sum is exact by construction, but for the rounding of its terms


def attribution(
    name: str, params: dict[str, Any], played: Game, fits: Sequence[Fit], *, complete: bool, sampled: bool = True
) -> Attribution:
    """Spread what was fitted to the players over the elements of the inputs.

    Each element holds an equal share of its feature's value, so that the values of an input add up to what its features add up to.
    `params` gains `features` and `replacement` as they were chosen, `feature_map` (N, ...), `feature_values` (N, features), NaN where
    a row has fewer, `change` (N,), the logit less that with everything hidden, and `precisions`; for a method that draws samples also
    `feature_spread` and `rank_stability` (N,). `complete` : the values promise to add up to `change`.
    """
    question, shape = played.stream.question, played.stream.question.inputs.shape
    full, empty = played.ends
    values = [_everyone(played, row, fit.values) for row, fit in enumerate(fits)]
    spreads = [_everyone(played, row, fit.spread) for row, fit in enumerate(fits)]
    elements = shares(played.features, values, shape)
    found: dict[str, Any] = {
        "features": played.features.chosen,
        "replacement": played.chosen,
        "feature_map": played.features.index,
        "feature_values": table(played.features, values),
        "change": full - empty,
        "precisions": [played.stream.precisions.get(row, "float32") for row in range(len(fits))],
    }
    if sampled:
        found["feature_spread"] = table(played.features, spreads)
        found["rank_stability"] = torch.tensor([fit.stability for fit in fits])
    return Attribution(
        elements,
        question.target.cpu(),
        name,
        {**params, **found},
        seed=params.get("seed"),
        delta=(elements.double().flatten(1).sum(1) - (full - empty)).float() if complete else None,
        spread=shares(played.features, spreads, shape) if sampled else None,
        tolerance=ROUNDING if complete else None,
    )


def _everyone(played: Game, row: int, values: torch.Tensor) -> torch.Tensor:
    """Values of all features of a row, 0 for those that are no players."""
    everyone = torch.zeros(played.features.counts[row], dtype=torch.float64)
    everyone[played.players[row]] = values.double()
    return everyone
