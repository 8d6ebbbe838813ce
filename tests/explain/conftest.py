"""Tiny networks, each with one property that a method must cope with."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from netlens.data import Preprocess
from netlens.models import Model
from netlens.models.architectures import MnistCNN


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def wrap() -> Callable[..., Model]:
    """Make a model of a network; the number of classes is given, the input has the channels given."""

    def make(net: nn.Module, classes: int = 3, channels: int = 1) -> Model:
        return Model(net, "tiny", tuple("abcdefghij"[:classes]), Preprocess((0.1,) * channels, (0.3,) * channels))

    return make


@pytest.fixture
def cnn(wrap: Callable[..., Model]) -> Model:
    """Convolutions, poolings, linear layers, each activation a module used once; takes (N, 1, 12, 12)."""
    return wrap(MnistCNN(size=12, classes=3))


class Packed(nn.Module):
    """A network that gives its logits in a dictionary."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, inputs: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"logits": self.net(inputs)}


@pytest.fixture
def packed_net(cnn: Model) -> nn.Module:
    return Packed(cnn.net)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 1, 12, 12)


class Small(nn.Module):
    """A convolution and a linear layer, with whatever stands between them; takes (N, 1, 6, 6)."""

    def __init__(self, *parts: nn.Module | Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.fc = nn.Linear(64, 3)
        modules = [part for part in parts if isinstance(part, nn.Module)]
        self.extra = nn.ModuleList(modules)
        self.functions = [part for part in parts if not isinstance(part, nn.Module)]

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        maps = self.conv(inputs)
        for part in (*self.extra, *self.functions):
            maps = part(maps)
        return self.fc(maps.flatten(1))


@pytest.fixture
def small() -> type[Small]:
    """Make a `Small` from modules and functions that run one after the other."""
    return Small


class Pooled(nn.Module):
    """Convolutions, global average pooling, one linear layer: the network on which Grad-CAM and CAM are the same."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(1, 5, 3, padding=1), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(5, 7, 3, padding=1), nn.ReLU()
        self.fc = nn.Linear(7, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        maps = self.relu2(self.conv2(functional.avg_pool2d(self.relu1(self.conv1(inputs)), 2)))
        return self.fc(maps.mean((2, 3)))


@pytest.fixture
def pooled(wrap: Callable[..., Model]) -> Model:
    return wrap(Pooled())


class Attentive(nn.Module):
    """Nine patches and a class token that look at each other once, by torch's fused attention; takes (N, 1, 12, 12)."""

    def __init__(self, layers: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 4, stride=4)
        self.pool1 = nn.Identity()
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.ask = nn.ModuleList(nn.Linear(8, 24) for _ in range(layers))
        self.norm = nn.LayerNorm(8)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        patches = self.pool1(self.conv1(inputs)).flatten(2).mT
        tokens = torch.cat([self.token.expand(len(inputs), -1, -1), patches], 1)
        for ask in self.ask:
            query, key, value = ask(tokens).unflatten(2, (3, 2, 4)).permute(2, 0, 3, 1, 4)
            tokens = tokens + functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        return self.fc2(self.norm(tokens)[:, 0])


@pytest.fixture
def attentive(wrap: Callable[..., Model]) -> Model:
    return wrap(Attentive())
