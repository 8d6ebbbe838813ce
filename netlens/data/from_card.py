"""The data that a model card names: held-out samples, training samples, and how both become inputs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from netlens.data.catalogue import DATASETS
from netlens.data.dataset import Dataset, Groups
from netlens.data.found import Asked, Found
from netlens.data.groups import from_file
from netlens.data.images import ImageFiles
from netlens.data.labels import class_names, positions
from netlens.data.load import SPLITS, load
from netlens.data.preprocess import Preprocess, Standardise, Transform
from netlens.data.sources import parted, read
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

    Notes
    -----
    Without `mean` and `std` in the card, pixels are scaled to [0, 1], and the columns of a table are taken as they are. Registered data
    sets have their own.
    """
    if split not in SPLITS:
        raise unknown("data", "split", split, SPLITS)
    if card is None:
        raise DataError("data", "this model has no card that names its data", remedy="Load the data yourself, or write a card.")
    source = card.data.train if split == "train" and card.data.train else card.data.source
    kind, place = parted(source, list(DATASETS), card.operation)
    if not kind and split not in DATASETS[place].splits:
        raise DataError(card.operation, f"the card names no training data, and '{place}' is all held out")
    if not kind:
        return _as_the_card_says(load(place, split, data_root=data_root), card)
    asked = Asked(card, place, split, card.operation)
    found = read(asked, kind)
    if found is None:
        problem = f"the card names no training data, and '{source}' is all held out"
        remedy = 'Write train = "..." under [data], if the training data may be seen.'
        raise DataError(card.operation, problem, remedy=remedy)
    if split == "train" and not found.classes:  # both splits number the same classes
        found = found if card.data.classes else replace(found, classes=classes_of(card, data_root))
    return _dataset(found, asked)


def classes_of(card: Card, data_root: str | Path = "") -> tuple[str, ...]:
    """Give the classes that a card's model tells apart: those that the card lists, or else those of its data."""
    if card.data.classes:
        return tuple(card.data.classes)
    known = DATASETS[card.data.source].classes if card.data.source in DATASETS else ()
    return known or of_card(without_groups(card), data_root=data_root).classes


def preprocess_of(card: Card, data_root: str | Path = "") -> Transform:
    """Give what makes inputs of a card's raw samples; registered images need not be read for it.

    Raises
    ------
    DataError : it must be learned from data that cannot be read.
    """
    if card.data.vocabulary or card.data.tokenizer:
        return _tokens(card)
    entry = DATASETS.get(card.data.source)
    if entry and entry.modality == "image":
        return Preprocess(tuple(card.data.mean or entry.mean), tuple(card.data.std or entry.std))
    if entry and entry.modality == "table" and card.data.mean and card.data.std:
        return Standardise(tuple(card.data.mean), tuple(card.data.std))
    return of_card(without_groups(card), data_root=data_root).preprocess


def without_groups(card: Card) -> Card:
    """The same card without its groups: what makes inputs of samples does not depend on who they belong to.

    A column that holds groups is still no feature.
    """
    said = card.data
    if not isinstance(said.groups, list):
        return card.model_copy(update={"data": said.model_copy(update={"groups": ""})})
    return card


def _dataset(found: Found, asked: Asked) -> Dataset:
    card, rows = asked.card, found.names or None
    classes = asked.classes or found.classes or _classes(found, asked)
    if asked.classes and found.classes and len(asked.classes) != len(found.classes):
        problem = f"[data.classes] names {len(asked.classes)} classes, and the data have {len(found.classes)}"
        raise DataError(asked.operation, problem, expected="one name for each class, in the order of the labels")
    known = found.classes if found.classes and found.labels.dtype.kind == "U" else classes
    labels = positions(found.labels, known, asked.operation, rows)
    raw = found.raw.at_once_if_small() if isinstance(found.raw, ImageFiles) else found.raw
    preprocess = _preprocess(found, card)
    groups = _groups(found, asked)
    return Dataset(asked.place, asked.split, classes, raw, labels, preprocess, found.modality, found.features, groups)


def _classes(found: Found, asked: Asked) -> tuple[str, ...]:
    classes = class_names(found.labels, asked.operation)
    if len(classes) < 2:
        problem = f"all {len(found.labels)} samples have the label '{classes[0]}'"
        raise DataError(asked.operation, problem, remedy="Name all classes of the network in [data] classes.")
    return classes


def _groups(found: Found, asked: Asked) -> Groups:
    """The groups of a split. A file of groups is for the held-out samples, and for others where it names them all."""
    card, said = asked.card.data, asked.card.data.groups
    if isinstance(said, list):
        missing = [name for name in said if name not in found.groups]
        if missing:
            raise DataError(asked.operation, f"the source has no column '{missing[0]}' for groups", expected="a CSV of groups")
        return found.groups
    if not said or asked.split == "train":
        return found.groups
    return from_file(
        asked.card.place(said), len(found.labels), found.names, asked.operation, separator=card.separator, encoding=card.encoding
    )


def _preprocess(found: Found, card: Card) -> Transform:
    said = card.data
    if found.modality == "text":
        return found.preprocess or _tokens(card)
    shape = found.raw.shape
    wanted = shape[1] if found.modality == "table" else shape[3] if len(shape) == 4 else 1
    own = found.preprocess
    usual = (own.mean, own.std) if isinstance(own, Preprocess | Standardise) else ((0.0,) * wanted, (1.0,) * wanted)
    mean, std = tuple(said.mean or usual[0]), tuple(said.std or usual[1])
    if own is not None and not isinstance(own, Preprocess | Standardise):
        return own
    for key, values in (("mean", mean), ("std", std)):
        if len(values) != wanted:
            what = "column" if found.modality == "table" else "channel"
            problem = f"[data.{key}] has {len(values)} numbers, and the samples have {wanted} {what}{'s' if wanted > 1 else ''}"
            raise DataError(card.operation, problem, expected=f"one number a {what}")
    return Standardise(mean, std) if found.modality == "table" else Preprocess(mean, std)


def _tokens(card: Card) -> Transform:
    """What cuts texts into tokens: the card's vocabulary, or a tokenizer of Hugging Face."""
    from netlens.data.text import LONGEST, WordTokens
    from netlens.data.text_pretrained import PretrainedTokens

    said = card.data
    if said.vocabulary:
        return WordTokens.read(card.place(said.vocabulary), said.max_length or LONGEST)
    if said.tokenizer:
        local = (card.path.parent / said.tokenizer).exists()
        return PretrainedTokens.read(card.place(said.tokenizer) if local else said.tokenizer, said.max_length or 128)
    expected = "[data] vocabulary, or [data] tokenizer"
    raise DataError(card.operation, "the card does not say how texts become tokens", expected=expected)


def _as_the_card_says(data: Dataset, card: Card) -> Dataset:
    """Put the card's names of classes, mean and std in the place of the data set's own."""
    said = card.data
    if said.classes and len(said.classes) != len(data.classes):
        problem = f"[data.classes] names {len(said.classes)} classes, and '{data.name}' has {len(data.classes)}"
        raise DataError(card.operation, problem, expected="one name for each class, in the order of the labels")
    changed = replace(data, classes=tuple(said.classes)) if said.classes else data
    own = data.preprocess
    if said.vocabulary or said.tokenizer:
        changed = replace(changed, preprocess=_tokens(card))
    if isinstance(own, Preprocess | Standardise) and (said.mean or said.std):
        changed = replace(changed, preprocess=type(own)(tuple(said.mean or own.mean), tuple(said.std or own.std)))
    return changed
