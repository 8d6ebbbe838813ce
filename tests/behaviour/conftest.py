"""Networks whose behaviour is known because it is written into their weights."""

import numpy as np
import pytest
import torch
from torch import nn

from netlens.data import Dataset, Preprocess
from netlens.models.model import Model

SIDE = 8
MEAN, STD = 0.25, 0.5


class Halves(nn.Module):
    """Compares two halves of the middle of an image: class 0 when the left one is brighter, 1 when the right one is."""

    def __init__(self, gain=4.0, where=(slice(2, 6), slice(2, 6))):
        super().__init__()
        weights = torch.zeros(2, SIDE, SIDE)
        rows, columns = where
        middle = (columns.start + columns.stop) // 2
        weights[0, rows, columns.start : middle] = gain / 8
        weights[1, rows, middle : columns.stop] = gain / 8
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(SIDE * SIDE, 2, bias=False)
        with torch.no_grad():
            self.linear.weight.copy_(weights.flatten(1))

    def forward(self, inputs):
        return self.linear(self.flatten(inputs.mean(1)))


def halves(gain=4.0, **settings):
    return Model(Halves(gain, **settings).eval(), "halves", ("left", "right"), Preprocess((MEAN,), (STD,)))


def images(n, seed=0, split="test", wrong=0):
    """Dark noisy images with a bright half in the middle; the first `wrong` labels are swapped."""
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    raw = draw.integers(0, 30, (n, SIDE, SIDE)).astype(np.uint8)
    raw[labels == 0, 2:6, 2:4] += 180
    raw[labels == 1, 2:6, 4:6] += 180
    labels[:wrong] = 1 - labels[:wrong]
    return Dataset("halves", split, ("left", "right"), raw, labels, Preprocess((MEAN,), (STD,)))


@pytest.fixture
def model():
    return halves()


@pytest.fixture
def data():
    return images(60)
