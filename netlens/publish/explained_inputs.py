"""The inputs that a user names for an explanation: image files, arrays, and positions in a data set."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from netlens.data import Dataset
from netlens.data.images import fitted, open_image
from netlens.data.load import SPLITS
from netlens.errors import DataError, NetlensError, ShapeError, UsageError, nearest, unknown

POSITION = re.compile(r"^(?P<split>[a-z]+):(?P<first>\d{1,9})(?:-(?P<last>\d{1,9}))?$")
ARRAYS = (".npy", ".npz")
IMAGES = (".png", ".jpg", ".jpeg")
FORMS = "an image (.png, .jpg), an array (.npy, .npz), or positions in the data set such as test:5 or test:0-3"


@dataclass(frozen=True)
class Sample:
    """One raw sample, an image (H, W) or (H, W, C) or a row of a table (F,): what the user called it, its label where the data set knows one."""

    name: str
    raw: NDArray[Any]
    label: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Reader:
    """Read what a user named. `split` gives the split of that name; `shape` is that of one raw image that the network takes."""

    split: Callable[[str], Dataset]
    shape: tuple[int, ...]
    resize: bool
    operation: str

    def all(self, texts: Sequence[str]) -> list[Sample]:
        """Every sample that the texts name, in their order.

        Raises
        ------
        UsageError : a text names no file and no position.
        DataError : a file cannot be read as an image or an array, or a position is outside the data set.
        ShapeError : an image or an array does not fit the network.
        """
        return [sample for text in texts for sample in self._of(text)]

    def _of(self, text: str) -> list[Sample]:
        path = Path(text).expanduser()
        if match := POSITION.match(text):
            return self._positions(text, **match.groupdict())
        if path.is_dir():
            raise UsageError(self.operation, f"'{text}' is a folder", expected=FORMS, remedy=f"Name its files: {text}/*.png")
        if not path.is_file():
            near = nearest(path.name, [other.name for other in path.parent.glob("*")])
            hint = f"Did you mean '{path.with_name(near)}'?" if near else ""
            raise UsageError(self.operation, f"there is no input '{text}'", expected=FORMS, remedy=hint)
        if path.suffix.lower() not in (*ARRAYS, *IMAGES):
            raise DataError(self.operation, f"'{text}' is neither an image nor an array", expected=FORMS)
        return self._array(path) if path.suffix.lower() in ARRAYS else [self._image(path)]

    def _positions(self, text: str, split: str, first: str, last: str | None) -> list[Sample]:
        if split not in SPLITS:
            raise unknown(self.operation, "split", split, SPLITS)
        start, end = int(first), int(last or first)
        if end < start:
            raise UsageError(self.operation, f"'{text}' ends before it begins", expected="the lower position first")
        dataset = self.split(split)
        if end >= len(dataset):
            problem = f"'{text}' is outside the data set '{dataset.name}'"
            raise DataError(self.operation, problem, expected=f"{split}:0 to {split}:{len(dataset) - 1}")
        if dataset.raw.shape[1:] != self.shape:
            raise self._misfit(f"the data set '{dataset.name}' has samples of {_size(dataset.raw.shape[1:])}", "")
        return [Sample(f"{split}:{at}", dataset.raw[at], int(dataset.labels[at])) for at in range(start, end + 1)]

    def _image(self, path: Path) -> Sample:
        if len(self.shape) < 2:
            problem = f"'{path}' is an image, and the network takes {'rows of a table' if self.shape else 'texts'}"
            raise DataError(self.operation, problem, expected="an array, or positions in the data set such as test:5")
        image = open_image(path, self.operation).convert("L" if len(self.shape) == 2 else "RGB")
        note, (height, width) = "", self.shape[:2]
        if image.size != (width, height):
            was = _size((image.height, image.width))
            if not self.resize:
                raise self._misfit(f"'{path}' has {was}", "Add --resize, or crop and scale it yourself.")
            note = f"'{path}' was resized from {was} to {_size(self.shape)}"
            image = fitted(image, height, width, "stretch")
        return Sample(str(path), np.asarray(image, dtype=np.uint8), note=note)

    def _array(self, path: Path) -> list[Sample]:
        array = _load(path, self.operation)
        wanted = ", ".join(map(str, self.shape))
        if array.size == 0:
            raise ShapeError(
                self.operation, f"the array in '{path}' is empty, its shape is {array.shape}", expected=f"(N, {wanted})"
            )
        rows = len(self.shape) == 1
        meant = "numbers in the units of the table" if rows else "raw pixels from 0 to 255"
        if array.dtype.kind not in "iuf":
            raise DataError(self.operation, f"'{path}' holds {array.dtype}", expected=meant if rows else f"numbers: {meant}")
        if not np.isfinite(array).all():
            raise DataError(self.operation, f"'{path}' holds NaN or infinite values", expected=meant)
        if not rows and (array.dtype.kind == "f" or array.min() < 0 or array.max() > 255):
            problem = f"'{path}' holds {array.dtype} from {array.min():g} to {array.max():g}"
            remedy = "Scale to 0..255, round, and save as uint8. The network's own preprocessing follows."
            raise DataError(self.operation, problem, expected="raw pixels, whole numbers from 0 to 255", remedy=remedy)
        single = array.shape == self.shape
        if not single and array.shape[1:] != self.shape:
            raise self._misfit(f"the array in '{path}' has the shape {array.shape}", "", f"({wanted}) or (N, {wanted})")
        samples = array.astype(np.float64 if rows else np.uint8)
        images = samples[None] if single else samples
        return [Sample(str(path) if single else f"{path}[{place}]", raw) for place, raw in enumerate(images)]

    def _misfit(self, problem: str, remedy: str, expected: str = "") -> NetlensError:
        wanted = expected or f"{_size(self.shape)}, which the network takes"
        return ShapeError(self.operation, problem, expected=wanted, remedy=remedy)


def _load(path: Path, operation: str) -> NDArray[np.generic]:
    """The array in a file: the only one, or the one called `raw`."""
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return content
            name = "raw" if "raw" in content.files else next(iter(content.files), "")
            if name and (name == "raw" or len(content.files) == 1):
                found: NDArray[np.generic] = content[name]
                return found
            names = ", ".join(content.files) or "none"
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        problem = f"'{path}' cannot be read as an array ({type(error).__name__})"
        raise DataError(operation, problem, expected="a file that numpy.save or numpy.savez wrote, without objects") from error
    raise DataError(operation, f"'{path}' holds the arrays: {names}", expected="one array, or one called raw")


def _size(shape: Sequence[int]) -> str:
    if len(shape) < 2:
        return f"{shape[0]} columns" if shape else "one text"
    return f"{shape[0]} by {shape[1]} pixels"
