"""The data that a model card names: held-out samples, training samples, and how both become inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from netlens.data.catalogue import DATASETS
from netlens.data.dataset import Dataset
from netlens.data.load import SPLITS, load
from netlens.data.preprocess import Preprocess, Standardise, Transform
from netlens.errors import DataError, unknown

if TYPE_CHECKING:
    from netlens.card import Card


def of_card(card: Card | None, split: str = "test", data_root: str | Path = "") -> Dataset:
    """Load one split of the data that a card names.

    Parameters
    ----------
    card : of a model; a model without one, such as a network wrapped in memory, names no data.
    split : `test` for the held-out data, `train` for what the model was trained on.
    data_root : the folder that holds downloaded data sets.

    Raises
    ------
    DataError : the card names no such data, or they cannot be read.
    """
    if split not in SPLITS:
        raise unknown("data", "split", split, SPLITS)
    if card is None:
        raise DataError("data", "this model has no card that names its data", remedy="Load the data yourself, or write a card.")
    if card.data.source not in DATASETS:
        raise unknown(f"card '{card.path.name}'", "data set", card.data.source, DATASETS, DataError)
    return _as_the_card_says(load(card.data.source, split, data_root=data_root), card)


def classes_of(card: Card, data_root: str | Path = "") -> tuple[str, ...]:
    """Give the classes that a card's model tells apart: those that the card lists, or else those of its data."""
    if card.data.classes:
        return tuple(card.data.classes)
    return DATASETS[card.data.source].classes if card.data.source in DATASETS else of_card(card, data_root=data_root).classes


def preprocess_of(card: Card, data_root: str | Path = "") -> Transform:
    """Give what makes inputs of a card's raw samples; registered images need not be read for it.

    Raises
    ------
    DataError : it must be learned from data that cannot be read.
    """
    entry = DATASETS.get(card.data.source)
    if entry and entry.modality == "image":
        return Preprocess(tuple(card.data.mean or entry.mean), tuple(card.data.std or entry.std))
    if entry and entry.modality == "table" and card.data.mean and card.data.std:
        return Standardise(tuple(card.data.mean), tuple(card.data.std))
    return of_card(card, data_root=data_root).preprocess


def _as_the_card_says(data: Dataset, card: Card) -> Dataset:
    """Put the card's names of classes, mean and std in the place of the data set's own."""
    said = card.data
    if said.classes and len(said.classes) != len(data.classes):
        problem = f"[data.classes] names {len(said.classes)} classes, and '{data.name}' has {len(data.classes)}"
        raise DataError(f"card '{card.path.name}'", problem, expected="one name for each class, in the order of the labels")
    changed = replace(data, classes=tuple(said.classes)) if said.classes else data
    own = data.preprocess
    if isinstance(own, Preprocess | Standardise) and (said.mean or said.std):
        changed = replace(changed, preprocess=type(own)(tuple(said.mean or own.mean), tuple(said.std or own.std)))
    return changed
