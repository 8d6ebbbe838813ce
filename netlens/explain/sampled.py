"""From values of features to an attribution shaped like the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from netlens.explain.base import Attribution
from netlens.explain.perturbation import Game, shares, table
from netlens.explain.regression import Fit

ROUNDING = 1e-3  # the sum is exact by construction, but for the rounding of its terms


def attribution(name: str, params: dict[str, Any], played: Game, fits: Sequence[Fit], *, complete: bool) -> Attribution:
    """Spread what was fitted to the players over the elements of the inputs.

    Each element holds an equal share of its feature's value, so that the values of an input add up to what its features add up to.
    `params` gains `feature_map` (N, ...), `feature_values` and `feature_spread` (N, features), NaN where a row has fewer features,
    `rank_stability` (N,), `replacement` and `features` as they were chosen, and `precisions`. `complete` : the values promise to add
    up to the change of the logit.
    """
    question = played.stream.question
    values, spreads = (
        [_everyone(played, row, getattr(fit, part)) for row, fit in enumerate(fits)] for part in ("values", "spread")
    )
    full, empty = played.ends
    shape = question.inputs.shape
    found = {
        "features": played.features.chosen,
        "replacement": played.chosen,
        "feature_map": played.features.index,
        "feature_values": table(played.features, values),
        "feature_spread": table(played.features, spreads),
        "rank_stability": torch.tensor([fit.stability for fit in fits]),
        "precisions": [played.stream.precisions.get(row, "float32") for row in range(len(fits))],
        "change": full - empty,
    }
    elements = shares(played.features, values, shape)
    delta = (elements.double().flatten(1).sum(1) - (full - empty)).float() if complete else None
    spread = shares(played.features, spreads, shape)
    return Attribution(
        elements,
        question.target.cpu(),
        name,
        {**params, **found},
        seed=params.get("seed"),
        delta=delta,
        spread=spread,
        tolerance=ROUNDING if complete else None,
    )


def _everyone(played: Game, row: int, values: torch.Tensor) -> torch.Tensor:
    """Values of all features of a row, 0 for those that are no players."""
    everyone = torch.zeros(played.features.counts[row], dtype=torch.float64)
    everyone[played.players[row]] = values
    return everyone
