"""Data sets: by name, with fingerprints, as raw samples and as the inputs of a network."""

from netlens.data.catalogue import DATASETS, DatasetEntry
from netlens.data.dataset import Batch, Dataset, Preprocess
from netlens.data.load import load

__all__ = ["DATASETS", "Batch", "Dataset", "DatasetEntry", "Preprocess", "load"]
