"""A few real photographs that packages ship, for the classifiers of ImageNet."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from netlens.data.images import ImageFiles
from netlens.data.load import Part
from netlens.errors import DataError

SHOWN = {"chelsea.png": "tabby", "coffee.png": "espresso", "camera.png": "tripod"}  # what each shows beyond doubt
SIZE = (224, 224)


def photographs() -> dict[str, Part]:
    """Find the photographs that scikit-image ships and that show a class of ImageNet; the names of the classes are torchvision's.

    Raises
    ------
    DataError : one of them is not in the installed package.
    """
    from torchvision.models import ResNet50_Weights

    classes = tuple(ResNet50_Weights.DEFAULT.meta["categories"])
    package = find_spec("skimage")
    home = Path(package.origin).parent / "data" if package and package.origin else Path()
    paths = tuple(home / name for name in SHOWN)
    missing = next((path for path in paths if not path.is_file()), None)
    if missing:
        remedy = "Install scikit-image again, from its wheel."
        raise DataError("data set 'photographs'", f"there is no file '{missing}'", remedy=remedy)
    images = ImageFiles(paths, "data set 'photographs'", channels=3, size=SIZE, resize="crop")
    labels = np.array([classes.index(label) for label in SHOWN.values()], np.int64)
    return {"test": Part(images, labels, classes=classes)}
