"""A data set: raw samples as people see them, labels, groups, and the inputs that a network takes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from netlens.data.preprocess import Transform
from netlens.errors import DataError

if TYPE_CHECKING:
    import torch

Modality = Literal["image", "text", "table"]
Groups = Mapping[str, NDArray[np.str_]]


@runtime_checkable
class Lazy(Protocol):
    """Raw samples that are read when they are asked for. `digest` hashes their content without keeping it in memory."""

    @property
    def shape(self) -> tuple[int, ...]:
        """What `numpy.shape` would give of all of them."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the arrays that indexing gives."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[NDArray[Any]]: ...

    def __getitem__(self, ids: Any, /) -> NDArray[Any]:
        """Read one sample, or those at an array of positions."""
        ...

    def digest(self) -> bytes:
        """Hash all samples, in order."""
        ...


Samples = NDArray[Any] | Lazy


@dataclass(frozen=True)
class Batch:
    """Samples ready for a network.

    `inputs` what the network takes: images (N, C, H, W) and tables (N, F) float32, text (N, T) int64. `raw` what people see: images
    (N, H, W) or (N, H, W, C) uint8, texts (N,), rows of a table (N, F). `labels` (N,) int64; `ids` (N,) positions in the split;
    `groups` one value a sample for each attribute.
    """

    inputs: torch.Tensor
    raw: NDArray[Any]
    labels: torch.Tensor
    ids: NDArray[np.int64]
    groups: Groups = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Dataset:
    """One split of a data set of images, texts or rows of a table.

    `raw` images (N, H, W) or (N, H, W, C) uint8, texts (N,) of str, rows (N, F); in memory or `Lazy`. `labels` (N,) int64 into
    `classes`. `features` names the columns of a table. `groups` : attribute to one value a sample, for slices and fairness.
    """

    name: str
    split: str
    classes: tuple[str, ...]
    raw: Samples
    labels: NDArray[np.int64]
    preprocess: Transform
    modality: Modality = "image"
    features: tuple[str, ...] = ()
    groups: Groups = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.raw) != len(self.labels) or len(self.raw) == 0:
            problem = f"the {self.split} split has {len(self.raw)} samples and {len(self.labels)} labels"
            raise DataError(f"data set '{self.name}'", problem, expected="as many labels as samples, and at least one")
        if self.modality == "table" and (len(self.raw.shape) != 2 or self.raw.shape[1] != len(self.features)):
            problem = f"a table shaped {tuple(self.raw.shape)} has {len(self.features)} names of features"
            raise DataError(f"data set '{self.name}'", problem, expected="rows (N, F), and one name for each of the F columns")
        for attribute, values in self.groups.items():
            if len(values) != len(self.labels):
                problem = f"the attribute '{attribute}' has {len(values)} values for {len(self.labels)} samples"
                raise DataError(f"data set '{self.name}'", problem, expected="one value for each sample")

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over classes, samples, labels, features and groups, in order."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        for part in (self.raw, self.labels):
            digest.update(f"{part.dtype.str if part.dtype.kind != 'U' else 'text'}{tuple(part.shape)}".encode())
            digest.update(content(part))
        if self.features or self.groups:
            groups = {attribute: values.tolist() for attribute, values in self.groups.items()}
            digest.update(json.dumps([list(self.features), groups], sort_keys=True).encode())
        return digest.hexdigest()

    def take(self, samples: int | Sequence[int]) -> Batch:
        """Give the first `samples` samples, or the samples at the given positions.

        Raises
        ------
        DataError : a position, or the number asked for, is outside the split.
        """
        import torch

        ids = np.arange(samples) if isinstance(samples, int) else np.asarray(list(samples), dtype=np.int64)
        outside = ids[(ids < 0) | (ids >= len(self))]
        if len(ids) == 0 or len(outside):
            raise DataError(
                f"data set '{self.name}'",
                f"sample {outside[0]} was asked for" if len(outside) else "no sample was asked for",
                expected=f"positions from 0 to {len(self) - 1}: the {self.split} split has {len(self)} samples",
            )
        raw = self.raw[ids]
        groups = {attribute: values[ids] for attribute, values in self.groups.items()}
        return Batch(self.preprocess(raw), raw, torch.from_numpy(self.labels[ids].astype(np.int64)), ids, groups)

    def all(self) -> Batch:
        """Give every sample."""
        return self.take(len(self))


def content(samples: Samples) -> bytes:
    """What is hashed of samples: the bytes of numbers, the letters of texts, the digest of what is read lazily."""
    if not isinstance(samples, np.ndarray):
        return samples.digest()
    if samples.dtype.kind in "OUT":
        return json.dumps(samples.tolist()).encode()  # a list keeps one text from running into the next
    return np.ascontiguousarray(samples).tobytes()
