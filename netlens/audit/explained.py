"""The samples whose answers are explained in a report, chosen by a rule and not by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from netlens.audit.language import say
from netlens.behaviour import Performance
from netlens.data import Batch
from netlens.explain import Attribution


@dataclass(frozen=True)
class Cases:
    """Samples, what each stands for, and the explanations of the answer that the model gave."""

    names: tuple[str, ...]
    batch: Batch
    attributions: tuple[Attribution, ...]


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
