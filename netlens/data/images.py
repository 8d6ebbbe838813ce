"""Images from files: opened with care, brought to one size on request, and read when they are needed."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from netlens.errors import DataError, ShapeError

if TYPE_CHECKING:
    from PIL.Image import Image

READABLE = (".png", ".jpg", ".jpeg")
Resize = Literal["stretch", "crop", "refuse"]
MODES = {1: "L", 3: "RGB"}
GREY = ("L", "LA", "1")  # modes without colours
AT_ONCE = 128 * 2**20  # bytes of pixels that are read at once; more are read when they are asked for
READERS = 4  # files that are read side by side


def open_image(path: Path, operation: str) -> Image:
    """Open a PNG or JPEG file upright, as it would be shown.

    Raises
    ------
    DataError : it is damaged or no image, holds more than 8 bits a channel, colours for print, or transparent pixels.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of damage in what stands beside the pixels
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=("PNG", "JPEG")) as opened:
                image = ImageOps.exif_transpose(opened)
                image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        problem = f"'{path}' has more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        raise DataError(
            operation, problem, expected="an image that a network can take", remedy="Make it smaller first."
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        problem = f"'{path}' cannot be read as an image ({type(error).__name__})"
        raise DataError(operation, problem, expected="a whole PNG or JPEG file") from error
    if image.mode.startswith(("I", "F")):
        problem = f"'{path}' has more than 8 bits a channel"
        raise DataError(operation, problem, remedy="Save it with 8 bits a channel, or give an array.")
    if image.mode == "CMYK":
        raise DataError(operation, f"'{path}' has colours for print (CMYK)", remedy="Save it as RGB, with its colour profile.")
    if image.has_transparency_data and image.convert("RGBA").getchannel("A").tobytes().strip(b"\xff"):
        raise DataError(operation, f"'{path}' has transparent pixels", remedy="Put it on an opaque background first.")
    return image.convert("RGBA") if image.mode == "P" and image.has_transparency_data else image


def fitted(image: Image, height: int, width: int, how: Resize) -> Image:
    """Bring an image to a size: stretched, or scaled until it covers the size and cut in the middle."""
    from PIL import Image, ImageOps

    if how == "crop":
        return ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    return image.resize((width, height), Image.Resampling.BILINEAR)


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """Image files as raw samples (N, H, W) or (N, H, W, 3), read when they are asked for.

    Parameters
    ----------
    channels : 1 for grey, 3 for colours; without it, those of the first image, and then all must be like it.
    size : height and width; without it, those of the first image, and then all must have them.
    resize : what is done to an image of another size than `size`.
    """

    paths: tuple[Path, ...]
    operation: str
    channels: int | None = None
    size: tuple[int, int] | None = None
    resize: Resize = "stretch"

    @cached_property
    def _first(self) -> tuple[int, int, int]:
        image = open_image(self.paths[0], self.operation)
        return image.height, image.width, 1 if image.mode in GREY else 3

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of images and the shape of each."""
        height, width, channels = self._first
        size, wanted = self.size or (height, width), self.channels or channels
        return (len(self.paths), *size) if wanted == 1 else (len(self.paths), *size, wanted)

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        """8 bits a channel."""
        return np.dtype(np.uint8)

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self._read(path) for path in self.paths)

    def __getitem__(self, ids: Any, /) -> NDArray[np.uint8]:
        """Read one image, or those at an array of positions.

        Raises
        ------
        DataError : a file cannot be read as an image, or has colours where the first has none.
        ShapeError : an image has another size.
        """
        chosen = np.arange(len(self))[ids]
        if chosen.ndim == 0:
            return self._read(self.paths[int(chosen)])
        with ThreadPoolExecutor(READERS) as pool:
            images = list(pool.map(self._read, (self.paths[at] for at in chosen.tolist())))
        return np.stack(images) if images else np.empty((0, *self.shape[1:]), np.uint8)

    def _read(self, path: Path) -> NDArray[np.uint8]:
        image, (height, width) = open_image(path, self.operation), self.shape[1:3]
        wanted = MODES[3 if len(self.shape) == 4 else 1]
        if self.channels is None and wanted == "L" and image.mode not in GREY:
            problem = f"'{path}' has colours, and '{self.paths[0]}' has none"
            raise DataError(self.operation, problem, remedy='Write colour = "grey" or colour = "rgb" under [data].')
        image = image.convert(wanted)
        if (image.height, image.width) != (height, width):
            if self.size is None or self.resize == "refuse":
                problem = f"'{path}' has {image.height} by {image.width} pixels"
                expected = f"{height} by {width}, " + ("as the card says" if self.size else f"as in '{self.paths[0].name}'")
                remedy = "" if self.size else f"Write size = [{height}, {width}] under [data] to bring all to one size."
                raise ShapeError(self.operation, problem, expected=expected, remedy=remedy)
            image = fitted(image, height, width, self.resize)
        return np.asarray(image, dtype=np.uint8)

    def digest(self) -> bytes:
        """Hash the files' contents and how they are read, in order."""
        digest = hashlib.sha256(f"{self.shape}{self.resize}".encode())
        for path in self.paths:
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.digest()

    def at_once_if_small(self) -> ImageFiles | NDArray[np.uint8]:
        """Give the images in memory where they are few, and these files where they are many."""
        return self[np.arange(len(self))] if np.prod(self.shape) <= AT_ONCE else self
