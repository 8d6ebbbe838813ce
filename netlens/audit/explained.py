"""The samples whose answers are explained in a report, chosen by a rule and not by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from netlens.audit.language import say
from netlens.behaviour import Performance
from netlens.data import Batch
from netlens.errors import ModelError, ShapeError, UsageError
from netlens.explain import Attribution, IntegratedGradients, text
from netlens.models.model import Model


@dataclass(frozen=True)
class Cases:
    """Samples, what each stands for, and the explanations of the answer that the model gave; `fault` says why there are none."""

    names: tuple[str, ...]
    batch: Batch
    attributions: tuple[Attribution, ...]
    fault: str = ""

    def parts(self, place: int, features: tuple[str, ...]) -> list[tuple[str, float]]:
        """The parts of a row or a text with what each pushed towards the answer, by the path of Integrated Gradients."""
        one = next(one for one in self.attributions if one.method == "integrated_gradients")
        if "words" not in one.params:
            return list(zip(features, one.values[place].tolist(), strict=True))
        words = one.params["words"][place]
        return list(zip(words, one.params["feature_values"][place][: len(words)].tolist(), strict=True))


def explain_texts(model: Model, batch: Batch, answers: torch.Tensor) -> tuple[tuple[Attribution, ...], str]:
    """Explain texts word by word; what a method says of a network to which it does not apply is given back in words."""
    try:
        return (text(model, IntegratedGradients(), [str(one) for one in batch.raw], answers),), ""
    except (ModelError, ShapeError, UsageError) as error:
        return (), str(error)


def chosen(result: Performance) -> dict[int, str]:
    """Positions of telling samples, and what each stands for; a kind that does not occur is left out.

    The surest and the least sure right answer, the same of wrong ones, and the right answer whose probability is the median: a typical one.
    """
    sure = result.probabilities.max(1)
    right = result.predictions == result.labels
    found: dict[int, str] = {}
    kinds: Sequence[tuple[str, np.ndarray, str]] = (
        (say("right and sure"), right, "most"),
        (say("right, typical"), right, "median"),
        (say("right but unsure"), right, "least"),
        (say("wrong and unsure"), ~right, "least"),
        (say("wrong but sure"), ~right, "most"),
    )
    for name, mask, which in kinds:
        places = np.flatnonzero(mask)
        if len(places) == 0:
            continue
        order = places[np.argsort(sure[places], kind="stable")]
        place = int(order[{"least": 0, "median": len(order) // 2, "most": len(order) - 1}[which]])
        found.setdefault(place, name)
    return found
