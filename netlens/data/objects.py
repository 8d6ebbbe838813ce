"""Data that a Python callable gives: a torch Dataset, or one of ours."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from netlens.card.code import find_callable, first_line, importable
from netlens.data.dataset import Dataset, Modality
from netlens.data.found import Asked, Found
from netlens.data.labels import checked
from netlens.errors import DataError

PAIRS = "pairs of a sample and its label"
FEW = 20_000  # samples whose labels are read one by one, where the data set does not list them


def from_callable(asked: Asked) -> Found | None:
    """Call `file.py:name` or `package.module:name`, with `split` where it takes one.

    Returns
    -------
    None for the training split of a callable that knows no splits.

    Raises
    ------
    DataError : it cannot be found, raises, or gives no data set.
    """
    home, operation = asked.card.path.parent, asked.operation
    if asked.place.partition(":")[0].endswith(".py"):
        asked.card.place(asked.place.partition(":")[0])
    with importable(home):
        function = find_callable(asked.place, home, operation, DataError)
        splits = "split" in inspect.signature(function).parameters
        if asked.split == "train" and not splits and not asked.card.data.train:
            return None
        try:
            given: Any = function(split=asked.split) if splits else function()
        except (Exception, SystemExit) as error:  # a user's function may raise anything
            raise DataError(
                operation, f"'{asked.place}' raised {first_line(error)}", remedy="Call it by hand to see why."
            ) from error
    if isinstance(given, Dataset):
        return Found(given.raw, given.labels, given.modality, given.features, (), given.classes, given.groups, given.preprocess)
    if not (hasattr(given, "__len__") and hasattr(given, "__getitem__")) or isinstance(given, (str, dict, np.ndarray)):
        problem = f"'{asked.place}' returned a {type(given).__name__}"
        raise DataError(operation, problem, expected=f"a torch Dataset with a length, which gives {PAIRS}")
    return _of_items(given, asked)


def _of_items(given: Any, asked: Asked) -> Found:
    operation = asked.operation
    if len(given) == 0:
        raise DataError(operation, f"'{asked.place}' returned an empty data set", expected="one sample or more")
    first = _pair(given, 0, operation)[0]
    mean, std = (tuple(numbers) if numbers else None for numbers in (asked.card.data.mean, asked.card.data.std))
    items = Items(given, operation, mean, std)
    classes = getattr(given, "classes", None)
    names = tuple(map(str, classes)) if isinstance(classes, (list, tuple)) else ()
    labels = _labels(given, operation)
    if isinstance(first, str):
        texts = np.array([str(_pair(given, at, operation)[0]) for at in range(len(given))])
        return Found(texts, labels, "text", classes=names)
    modality: Modality = "table" if np.asarray(first).ndim == 1 else "image"
    if modality == "table":
        rows = np.stack([np.asarray(_pair(given, at, operation)[0], dtype=np.float64) for at in range(len(given))])
        features = tuple(asked.card.data.features or (f"column {place + 1}" for place in range(rows.shape[1])))
        return Found(rows, labels, modality, features, classes=names)
    return Found(items, labels, modality, classes=names)


def _labels(given: Any, operation: str) -> NDArray[Any]:
    for name in ("targets", "labels"):  # as the data sets of torchvision call them
        known = getattr(given, name, None)
        if known is not None and not callable(known) and len(known) == len(given):
            return checked(np.asarray(known), operation)
    if len(given) > FEW:
        problem = f"it has {len(given):,} samples and lists their labels nowhere"
        raise DataError(
            operation, problem, remedy="Give it an attribute `targets` with all labels, so that not every sample is read."
        )
    return checked([_plain(_pair(given, at, operation)[1]) for at in range(len(given))], operation)


def _pair(given: Any, at: int, operation: str) -> tuple[Any, Any]:
    try:
        item = given[at]
    except Exception as error:  # a user's data set may raise anything
        raise DataError(operation, f"sample {at} raised {first_line(error)}", remedy="Ask for it by hand to see why.") from error
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        raise DataError(operation, f"sample {at} is a {type(item).__name__}", expected=PAIRS)
    return cast("tuple[Any, Any]", tuple(item))


def _plain(label: Any) -> Any:
    return label.item() if hasattr(label, "item") else label


@dataclass(frozen=True, eq=False)
class Items:
    """The images of a torch Dataset as raw samples, read when they are asked for.

    A PIL image or an array of uint8 is taken as it is. A float tensor (C, H, W) was preprocessed already: the card's `mean` and `std`
    are undone, which must give pixels again.
    """

    given: Any
    operation: str
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @cached_property
    def _first(self) -> tuple[int, ...]:
        return self._pixels(0).shape

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of images and the shape of each."""
        return (len(self.given), *self._first)

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """8 bits a channel."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.given)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self._pixels(at) for at in range(len(self)))

    def __getitem__(self, ids: Any, /) -> NDArray[np.uint8]:
        """Read one image, or those at an array of positions."""
        chosen = np.arange(len(self))[ids]
        if chosen.ndim == 0:
            return self._pixels(int(chosen))
        images = [self._pixels(at) for at in chosen.tolist()]
        odd = next((at for at, image in zip(chosen.tolist(), images, strict=True) if image.shape != self._first), None)
        if odd is not None:
            problem = f"sample {odd} has the shape {images[chosen.tolist().index(odd)].shape}"
            raise DataError(self.operation, problem, expected=f"{self._first}, as sample 0 has")
        return np.stack(images) if images else np.empty((0, *self._first), np.uint8)

    def digest(self) -> bytes:
        """Hash the pixels of all images, in order."""
        digest = hashlib.sha256(f"{self.shape}".encode())
        for image in self:
            digest.update(np.ascontiguousarray(image).tobytes())
        return digest.digest()

    def _pixels(self, at: int) -> NDArray[np.uint8]:
        array = np.asarray(_pair(self.given, at, self.operation)[0])
        if array.dtype == np.uint8 and array.ndim in (2, 3):
            channels_first = array.ndim == 3 and array.shape[2] not in (1, 3) and array.shape[0] in (1, 3)
            array = np.moveaxis(array, 0, -1) if channels_first else array
            pixels: NDArray[np.uint8] = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
            return pixels
        if array.dtype.kind != "f" or array.ndim != 3:
            problem = f"sample {at} is {array.dtype} shaped {array.shape}"
            raise DataError(self.operation, problem, expected="a PIL image, uint8 pixels, or a float tensor (C, H, W)")
        return self._undone(array, at)

    def _undone(self, array: NDArray[Any], at: int) -> NDArray[np.uint8]:
        channels = len(array)
        mean, std = (np.asarray(numbers).reshape(-1, 1, 1) for numbers in (self.mean or (0.0,), self.std or (1.0,)))
        if len(mean) not in (1, channels):
            raise DataError(self.operation, f"sample {at} has {channels} channels and the card's mean {len(mean)} numbers")
        pixels = 255 * (array * std + mean)
        if not np.isfinite(pixels).all() or pixels.min() < -0.5 or pixels.max() > 255.5:
            problem = f"sample {at} holds values from {array.min():g} to {array.max():g}, which are no pixels from 0 to 1"
            remedy = "Write the mean and std that its transform applies under [data]; they are undone to show the image."
            raise DataError(self.operation, problem, remedy=remedy)
        whole: NDArray[np.uint8] = np.moveaxis(np.round(pixels).clip(0, 255).astype(np.uint8), 0, -1)
        return whole[..., 0] if channels == 1 else whole
