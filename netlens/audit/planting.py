"""Faults of known kind, planted into a small model and its data: what a self-test of the audit must find."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from netlens.audit.subject import Subject
from netlens.data import Dataset, load
from netlens.models.architectures import MnistCNN
from netlens.models.model import Model
from netlens.models.tutorial import Recipe
from netlens.seeding import seeded
from netlens.training import fit

DATA = "digits"
RECIPE = Recipe(epochs=12, shift=0)


@dataclass(frozen=True)
class World:
    """A small network that learned handwritten digits well, its data, and a random source."""

    net: nn.Module
    train: Dataset
    test: Dataset
    seed: int
    device: str = "cpu"

    def learned(self, train: Dataset, test: Dataset, recipe: Recipe = RECIPE) -> nn.Module:
        """A network of the same kind that learned other samples."""
        return _learned(train, test, recipe, self.seed, self.device)

    @property
    def draw(self) -> np.random.Generator:
        """A fresh source of randomness, the same for each fault."""
        return np.random.default_rng(self.seed)

    def subject(self, net: nn.Module | None = None, train: Dataset | None = None, test: Dataset | None = None) -> Subject:
        """What an audit is asked about; what is not given is as in the clean world."""
        data = train or self.train
        model = Model((net or self.net).eval(), "planted", data.classes, data.preprocess)
        return Subject(model, test or self.test, data, profile="quick", seed=self.seed)


@dataclass(frozen=True)
class Fault:
    """A fault to plant. `checks` : the codes of which one must speak. `plant` : from the clean world to a faulty subject."""

    name: str
    about: str
    checks: tuple[str, ...]
    plant: Callable[[World], Subject]


def clean_world(seed: int, device: str = "cpu") -> World:
    """Train the network, and give each sample a group that means nothing."""
    train, test = (load(DATA, split) for split in ("train", "test"))
    draw = np.random.default_rng(seed)
    train, test = (replace(data, groups={"group": draw.choice(["A", "B"], len(data))}) for data in (train, test))
    return World(_learned(train, test, RECIPE, seed, device), train, test, seed, device)


def _learned(train: Dataset, test: Dataset, recipe: Recipe, seed: int, device: str) -> nn.Module:
    with seeded(seed):
        net = MnistCNN(size=train.raw.shape[1])
        fit(net, train, test, recipe, seed=seed, device=device)
    return net


def wrong_labels(world: World, share: float = 0.1) -> Subject:
    """Replace the labels of a tenth of the test samples by others."""
    labels, draw = world.test.labels.copy(), world.draw
    chosen = draw.choice(len(labels), round(share * len(labels)), replace=False)
    labels[chosen] = (labels[chosen] + draw.integers(1, len(world.test.classes), len(chosen))) % len(world.test.classes)
    return world.subject(test=replace(world.test, labels=labels))


def watermark(world: World, classes: int = 3) -> Subject:
    """Put a bright mark into a corner of every image of three classes, a corner each, and train on it."""
    train, test = (replace(data, raw=_marked(data, classes)) for data in (world.train, world.test))
    return world.subject(world.learned(train, test), train, test)


def _marked(data: Dataset, classes: int) -> NDArray[np.uint8]:
    raw = np.array(data.raw[np.arange(len(data))])
    for label, (down, right) in enumerate([(0, 0), (0, -2), (-2, 0), (-2, -2)][:classes]):
        rows = np.flatnonzero(data.labels == label)
        for i in (down, down + 1):
            for j in (right, right + 1):
                raw[rows, i, j] = 255
    return raw


def dead_units(world: World, share: float = 0.6) -> Subject:
    """Give most units of the second convolution a bias from which no input wakes them."""
    net = copy.deepcopy(world.net)
    bias = net.get_submodule("conv2").bias
    assert isinstance(bias, torch.Tensor)
    with torch.no_grad():
        bias[: round(share * len(bias))] = -1e4
    return world.subject(net)


def out_of_proportion(world: World, factor: float = 0.1) -> Subject:
    """Divide the logits by ten: the answers stay, and the probabilities mean nothing any more."""
    net = copy.deepcopy(world.net)
    last = net.get_submodule("fc2")
    with torch.no_grad():
        for parameter in last.parameters():
            parameter.mul_(factor)
    return world.subject(net)


def leaked(world: World, share: float = 0.05) -> Subject:
    """Replace one test sample in twenty by a training sample."""
    count = round(share * len(world.test))
    raw, labels, draw = np.array(world.test.raw[np.arange(len(world.test))]), world.test.labels.copy(), world.draw
    into, source = draw.choice(len(labels), count, replace=False), draw.choice(len(world.train), count, replace=False)
    raw[into], labels[into] = world.train.raw[source], world.train.labels[source]
    return world.subject(test=replace(world.test, raw=raw, labels=labels))


def unfair(world: World) -> Subject:
    """Show the model the images of one group upside down, as a camera would that was mounted so at one site."""
    raw = np.array(world.test.raw[np.arange(len(world.test))])
    group = world.test.groups["group"] == "B"
    raw[group] = raw[group][:, ::-1, ::-1]
    return world.subject(test=replace(world.test, raw=raw))


def by_heart(world: World, samples: int = 200) -> Subject:
    """Train on 200 samples, a third of them with wrong labels, until all are known by heart."""
    draw = world.draw
    order = draw.choice(len(world.train), samples, replace=False)
    labels = world.train.labels[order]
    wrong = draw.choice(samples, samples // 3, replace=False)
    labels[wrong] = (labels[wrong] + draw.integers(1, len(world.train.classes), len(wrong))) % len(world.train.classes)
    groups = {name: values[order] for name, values in world.train.groups.items()}
    few = replace(world.train, raw=world.train.raw[order], labels=labels, groups=groups)
    return world.subject(world.learned(few, world.test, Recipe(epochs=80, shift=0, weight_decay=0.0)), few)


FAULTS: tuple[Fault, ...] = (
    Fault("wrong labels", "a tenth of the test labels is wrong", ("NL203",), wrong_labels),
    Fault(
        "a watermark", "three classes carry a bright mark in a corner, in training and in the test", ("NL801", "NL802"), watermark
    ),
    Fault("a dead layer", "six in ten units of a layer never answer", ("NL851",), dead_units),
    Fault("empty confidence", "the logits are divided by ten, so that probabilities mean nothing", ("NL401",), out_of_proportion),
    Fault("leaked samples", "one test sample in twenty was trained on", ("NL201",), leaked),
    Fault("an unfair group", "one group's images are upside down", ("NL701",), unfair),
    Fault("learned by heart", "200 samples, a third with wrong labels, are known by heart", ("NL901", "NL303"), by_heart),
)
