"""The whole MNIST: read from a folder, and clear words when the folder is wrong."""

from pathlib import Path

import numpy as np
import pytest

from netlens.data import load
from netlens.data.digits import mnist
from netlens.errors import DataError

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
FILES = {
    "train-images-idx3-ubyte": (12, 28, 28),
    "train-labels-idx1-ubyte": (12,),
    "t10k-images-idx3-ubyte": (5, 28, 28),
    "t10k-labels-idx1-ubyte": (5,),
}


@pytest.fixture
def folder(tmp_path):
    """A tiny MNIST in the layout of the real one."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    draw = np.random.default_rng(0)
    for name, shape in FILES.items():
        header = bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape)
        (raw / name).write_bytes(header + draw.integers(0, 10, shape, dtype=np.uint8).tobytes())
    return tmp_path


def told(root, match):
    with pytest.raises(DataError, match=match) as caught:
        mnist(root)
    words = str(caught.value)
    assert "\n" not in words
    assert f"Expected {root}/MNIST/raw/ with train-images-idx3-ubyte, train-labels-idx1-ubyte and the two t10k files" in words
    assert words.endswith("with --data-root or NETLENS_DATA, or use 'mnist-5k', which needs no download.")


def test_a_folder_in_the_right_layout_is_read(folder):
    parts = mnist(folder)
    for split, prefix, size in (("train", "train", 12), ("test", "t10k", 5)):
        images, labels = parts[split]
        data = np.frombuffer((folder / "MNIST" / "raw" / f"{prefix}-images-idx3-ubyte").read_bytes()[16:], np.uint8)
        truth = np.frombuffer((folder / "MNIST" / "raw" / f"{prefix}-labels-idx1-ubyte").read_bytes()[8:], np.uint8)
        order = np.random.default_rng(0).permutation(size)
        assert np.array_equal(images, data.reshape(-1, 28, 28)[order])
        assert np.array_equal(labels, truth[order])


@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_told(folder, name):
    path = folder / "MNIST" / "raw" / name
    path.write_bytes(path.read_bytes()[:-3])
    told(folder, rf"^data set 'mnist': MNIST could not be read .*{folder}")


@pytest.mark.parametrize(
    "content", [b"", b"<!doctype html><html>not found</html>", b"\0\0\x08"], ids=["empty", "a page", "a stub"]
)
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"])
def test_a_file_of_something_else_is_told(folder, name, content):
    (folder / "MNIST" / "raw" / name).write_bytes(content)
    told(folder, "^data set 'mnist': MNIST could not be read")


def test_images_without_as_many_labels_are_told(folder):
    raw = folder / "MNIST" / "raw"
    (raw / "train-labels-idx1-ubyte").write_bytes((raw / "t10k-labels-idx1-ubyte").read_bytes())
    told(folder, "^data set 'mnist': MNIST could not be read")


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "MNIST").is_dir(), reason="the MNIST files are not beside the project")
def test_the_whole_mnist_is_torchvisions_in_a_fixed_order():
    from torchvision.datasets import MNIST

    for split, train, size in (("train", True, 60000), ("test", False, 10000)):
        ours, theirs = load("mnist", split, data_root=SHARED), MNIST(str(SHARED), train=train)
        order = np.random.default_rng(0).permutation(size)
        assert len(ours) == size
        assert np.array_equal(ours.raw, theirs.data.numpy()[order])
        assert np.array_equal(ours.labels, theirs.targets.numpy()[order])
