"""Ordinary samples to compare with: what a model was trained on, or else some of the samples that it is tested on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netlens.data.dataset import Batch
from netlens.data.from_card import of_card
from netlens.errors import DataError

if TYPE_CHECKING:
    from netlens.card import Card

NONE = "names no training data"  # how `of_card` says it


def reference(card: Card | None, samples: int, data_root: str | Path = "") -> Batch:
    """Give up to so many ordinary samples: the first of the training data, or the last of the held-out data where a card names no others.

    Raises
    ------
    DataError : the card names no data, or they cannot be read.
    """
    try:
        data = of_card(card, "train", data_root)
    except DataError as error:
        if NONE not in error.problem:
            raise
        data = of_card(card, "test", data_root)
        return data.take(range(max(0, len(data) - samples), len(data)))
    return data.take(min(samples, len(data)))
