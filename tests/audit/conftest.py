"""Models and data whose faults are known because they are planted."""

import numpy as np
import pytest
import torch
from torch import nn

from netlens.audit.subject import Subject
from netlens.data import Dataset, Preprocess
from netlens.models.model import Model

CLASSES = ("one", "two", "three")
SIDE = 4


class Reader(nn.Module):
    """Reads the answer from the pixels: pixel k of the first row is the logit of class k, times `scale`."""

    def __init__(self, scale=1.0, bias=(0.0, 0.0, 0.0)):
        super().__init__()
        self.keep = nn.Conv2d(1, 1, 1, bias=False)
        self.flatten = nn.Flatten()
        self.pick = nn.Linear(SIDE * SIDE, 3)
        with torch.no_grad():
            self.keep.weight.fill_(1)
            self.pick.weight.zero_()
            self.pick.weight[:, :3] = scale * torch.eye(3)
            self.pick.bias.copy_(torch.tensor(bias))

    def forward(self, inputs):
        return self.pick(self.flatten(self.keep(inputs)))


def model(net):
    return Model(net.eval(), "reader", CLASSES, Preprocess((0.0,), (1.0,)))


def dataset(answers, labels, split="test", level=255, seed=0):
    """Images that the reader answers with `answers`; the last row is noise, so that no two are equal."""
    raw = np.zeros((len(labels), SIDE, SIDE), dtype=np.uint8)
    raw[np.arange(len(labels)), 0, answers] = level
    raw[:, 2:] = np.random.default_rng(seed).integers(0, 256, (len(labels), 2, SIDE))
    return Dataset("planted", split, CLASSES, raw, np.asarray(labels), Preprocess((0.0,), (1.0,)))


def right_and_wrong(wrong, each=250):
    """Answers and labels of `each` samples a class; of class k, `wrong[k]` are answered with the next class."""
    labels = np.repeat(np.arange(3), each)
    answers = labels.copy()
    for label, count in enumerate(wrong):
        answers[label * each : label * each + count] = (label + 1) % 3
    return answers, labels


@pytest.fixture
def train():
    return dataset(*right_and_wrong((0, 0, 0), 20), split="train", seed=1)


def subject(wrong=(0, 0, 0), each=250, net=None, train=None, **settings):
    """A reader and test images of which it gets `wrong[k]` of class k wrong."""
    return Subject(model(net or Reader(5.0)), dataset(*right_and_wrong(wrong, each)), train, **settings)
