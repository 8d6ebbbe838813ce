"""Image folders: one folder for each class, perhaps below `train` and `test`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import numpy as np

from netlens.data.images import READABLE
from netlens.errors import DataError, nearest

HELD_OUT = ("test", "val", "validation")
FOREIGN = (".jfif", ".jpe", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".avif", ".jp2", ".ppm", ".dcm")
LAYOUT = "a folder for each class, with PNG or JPEG files in it"


def split_folder(folder: Path, split: str, operation: str) -> Path:
    """Where a split is: below a folder that holds `train` and `test`, or else the folder itself.

    Raises
    ------
    DataError : there is no such folder.
    """
    if not folder.is_dir():
        near = nearest(folder.name, [one.name for one in folder.parent.glob("*/")]) if folder.parent.is_dir() else ""
        kind = "is a file" if folder.exists() else "does not exist"
        hint = f"Did you mean '{folder.with_name(near)}'?" if near else ""
        raise DataError(operation, f"the folder '{folder}' {kind}", expected=LAYOUT, remedy=hint)
    held_out = next((folder / name for name in HELD_OUT if (folder / name).is_dir()), None)
    train = folder / "train" if (folder / "train").is_dir() else None
    if train is None or held_out is None:
        return folder
    return held_out if split == "test" else train


def _raised(error: OSError) -> NoReturn:
    raise error


def images_by_class(folder: Path, classes: Sequence[str] | None, operation: str) -> tuple[list[Path], list[str]]:
    """List the images of a folder and the class of each, shuffled once and for all.

    Raises
    ------
    DataError : there is no class, only one, one without images, one that is not among `classes`, or an image of another format.
    """
    try:
        return _by_class(folder, classes, operation)
    except OSError as error:
        problem = f"'{error.filename}' cannot be read ({error.strerror})"
        raise DataError(operation, problem, expected="folders that you may read") from error


def _by_class(folder: Path, classes: Sequence[str] | None, operation: str) -> tuple[list[Path], list[str]]:
    named = sorted(one.name for one in os.scandir(folder) if one.is_dir() and not one.name.startswith("."))
    if not named:
        loose = [one for one in folder.iterdir() if one.suffix.lower() in READABLE]
        problem = f"'{folder}' holds {f'{len(loose)} images' if loose else 'nothing'} and no folder of a class"
        remedy = "Images whose labels stand in a table are read with csv:FILE." if loose else ""
        raise DataError(operation, problem, expected=LAYOUT, remedy=remedy)
    if classes is None and len(named) == 1:
        problem = f"'{folder}' holds one class alone, '{named[0]}'"
        raise DataError(operation, problem, expected="two or more", remedy="Name all classes of the network in [data] classes.")
    for name in named if classes else ():
        if name not in (classes or ()):
            guess = nearest(name, classes or ())
            hint = f"Did you mean '{guess}'? " if guess else ""
            problem = f"the folder '{name}' is not among [data] classes"
            raise DataError(operation, problem, remedy=f"{hint}Known: {', '.join((classes or ())[:20])}.")
    pairs = [(path, name) for name in named for path in _images(folder / name, operation)]
    order = np.random.default_rng(0).permutation(len(pairs)).tolist()
    return [pairs[at][0] for at in order], [pairs[at][1] for at in order]


def _images(folder: Path, operation: str) -> list[Path]:
    found: list[Path] = []
    for where, folders, files in os.walk(folder, onerror=_raised):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(where) / name for name in sorted(files) if not name.startswith(".")]
    foreign = next((path for path in found if path.suffix.lower() in FOREIGN), None)
    if foreign:
        problem = f"'{foreign}' is of a format that is not read"
        raise DataError(operation, problem, expected="PNG or JPEG files", remedy="Convert it, or take it away.")
    images = [path for path in found if path.suffix.lower() in READABLE]
    if not images:
        raise DataError(
            operation, f"the class '{folder.name}' has no image", expected="one or more PNG or JPEG files in its folder"
        )
    return images
