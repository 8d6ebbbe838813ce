"""With the object hidden, can the model still tell the classes apart? Then it reads something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netlens.behaviour.answers import raw_logits
from netlens.behaviour.intervals import Rate, wilson
from netlens.behaviour.shortcuts import recognised
from netlens.behaviour.unpaired import Unpaired
from netlens.data import Batch
from netlens.errors import DataError
from netlens.models.model import Model

SIDES = (0.25, 0.5, 0.75, 0.9)
DECISIVE = 0.75


@dataclass(frozen=True)
class Masked:
    """Answers with the middle of each image hidden: a rectangle whose sides are the share `side` of the image's.

    `accuracy` : the share of right answers. `chance` : the largest share that an answer which ignores the image can reach.
    `recognised` : for each class how much oftener it is answered for its own samples than for others, intervals widened for the number
    of classes; 0 is chance. `raw` (8 at most, ...) : some of the masked images.
    """

    side: float
    accuracy: Rate
    chance: float
    recognised: dict[str, Unpaired]
    raw: NDArray[np.uint8]

    @property
    def clearest(self) -> str:
        """The class that is recognised best without its object."""
        return max(self.recognised, key=lambda name: self.recognised[name].low, default="")


def masking(
    model: Model,
    batch: Batch,
    *,
    sides: tuple[float, ...] = SIDES,
    preprocess: Callable[[NDArray[Any]], Any] | None = None,
) -> tuple[Masked, ...]:
    """Hide the middle of each image behind the mean image of all, and count the right answers.

    Raises
    ------
    DataError : the samples are no 8-bit images, or a side is not between 0 and 1.

    Notes
    -----
    The mean image tells nothing of a class, and is less strange to a network than a grey block. Cost: one forward pass for each image
    and side.
    """
    outside = [side for side in sides if not 0 < side < 1]
    if outside or batch.raw.dtype != np.uint8 or batch.raw.ndim not in (3, 4):
        problem = f"the samples are {batch.raw.dtype} shaped {batch.raw.shape}, the sides {sides}"
        raise DataError("masking", problem, expected="8-bit images, and sides between 0 and 1")
    labels = batch.labels.numpy()
    chance = float(np.bincount(labels).max() / len(labels))
    found = []
    for side in sides:
        hidden = mask(batch.raw, side)
        answers = raw_logits(model, hidden, preprocess).argmax(1).numpy()
        accuracy = wilson(int((answers == labels).sum()), len(labels))
        known = {model.classes[label]: by for label, by in recognised(answers, labels).items()}
        found.append(Masked(side, accuracy, chance, known, hidden[:8]))
    return tuple(found)


def mask(raw: NDArray[np.uint8], side: float) -> NDArray[np.uint8]:
    """Put the mean of all images in the middle of each."""
    middle = []
    for length in raw.shape[1:3]:
        size = max(1, round(side * length))
        start = (length - size) // 2
        middle.append(slice(start, start + size))
    place = (slice(None), *middle)
    out = raw.copy()
    out[place] = np.round(raw[place].mean(0)).astype(np.uint8)
    return out
