"""The data of an audit, as far as the card names them; what cannot be had is said, not guessed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from netlens.card import Card
from netlens.data import DATASETS, Dataset, of_card
from netlens.data.from_card import without_groups
from netlens.errors import DataError


@dataclass(frozen=True)
class Material:
    """The test data, the training data or None, and why the groups that the card names could not be used, if so."""

    test: Dataset
    train: Dataset | None
    groups_fault: str = ""


def material(card: Card | None, data_root: str | Path = "") -> Material:
    """Load what a card names. A file of groups that does not fit the samples is left out, and the reason is kept.

    Raises
    ------
    DataError : there are no test data, or the training data that the card names cannot be read.
    """
    try:
        return Material(of_card(card, "test", data_root), _train(card, data_root))
    except DataError as error:
        if card is None or not card.data.groups or isinstance(card.data.groups, list):
            raise
        bare = without_groups(card)
        return Material(
            of_card(bare, "test", data_root), _train(bare, data_root), str(error).replace(f"{card.path.parent}{os.sep}", "")
        )


def _train(card: Card | None, data_root: str | Path) -> Dataset | None:
    source = DATASETS.get(card.data.source) if card else None
    if card is None or not (card.data.train or (source and "train" in source.splits)):
        return None
    return of_card(card, "train", data_root)
