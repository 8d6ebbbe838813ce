"""What every test can rely on: fixed seeds, a cache of its own, and small things that take long to make."""

from __future__ import annotations

import os
import random
import sys

# As in the runs of notebooks: threads that wait do not spin, which on a busy machine costs a factor of ten. Read when torch loads.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Keep what tests train out of the project and out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("netlens-cache")
        patch.setenv("NETLENS_CACHE", str(folder))
        patch.delenv("NETLENS_DATA", raising=False)
        yield folder


@pytest.fixture(autouse=True)
def fixed_seeds():
    """Seed what is loaded, and give torch its mode back."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    torch.manual_seed(0)
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    yield
    torch.use_deterministic_algorithms(before[0])
    torch.backends.cudnn.benchmark = before[1]


@pytest.fixture(scope="session")
def digits():
    """The training and the test split of the 8 x 8 digits."""
    from netlens.data import load

    return load("digits", "train"), load("digits", "test")


@pytest.fixture(scope="session")
def learned(digits):
    """A small convolutional network that learned the 8 x 8 digits for three epochs, and the record of it."""
    import torch

    from netlens.models.architectures import MnistCNN
    from netlens.models.model import Model
    from netlens.models.tutorial import Recipe
    from netlens.training import fit

    train, test = digits
    torch.manual_seed(0)
    net = MnistCNN(size=8)
    record = fit(net, train, test, Recipe(epochs=3, shift=0))
    return Model(net, "learned", train.classes, train.preprocess), record
