"""Small networks to look into."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.models import Model
from netlens.models.architectures import MnistCNN


@pytest.fixture
def wrapped() -> Callable[..., Model]:
    """Make a model of a network."""

    def make(net: nn.Module, classes: int = 3) -> Model:
        return Model(net, "tiny", tuple(f"c{place}" for place in range(classes)), Preprocess((0.1,), (0.3,)))

    return make


@pytest.fixture
def cnn(wrapped: Callable[..., Model]) -> Model:
    """Two convolutions and two linear layers on (N, 1, 12, 12)."""
    torch.manual_seed(0)
    return wrapped(MnistCNN(size=12, classes=3))


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(21, 1, 12, 12, generator=torch.Generator().manual_seed(1))
