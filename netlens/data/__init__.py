"""Data sets: by name or from a card, with fingerprints, as raw samples and as the inputs of a network."""

from netlens.data.catalogue import DATASETS, DatasetEntry
from netlens.data.dataset import Batch, Dataset, Lazy, Samples
from netlens.data.from_card import classes_of, of_card, preprocess_of
from netlens.data.load import load
from netlens.data.preprocess import Preprocess, Standardise, Transform
from netlens.data.reference import reference

__all__ = [
    "DATASETS",
    "Batch",
    "Dataset",
    "DatasetEntry",
    "Lazy",
    "Preprocess",
    "Samples",
    "Standardise",
    "Transform",
    "classes_of",
    "load",
    "of_card",
    "preprocess_of",
    "reference",
]
