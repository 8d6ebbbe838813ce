"""Subjects of an audit whose faults are known because they are planted."""

import numpy as np
import torch
from torch import nn

from netlens.audit.subject import Subject
from netlens.data import Dataset, Preprocess
from netlens.models.model import Model
from tests.behaviour.conftest import SIDE, halves, images

CLASSES = ("left", "right")
PLAIN = Preprocess((0.0,), (1.0,))
PLACE = SIDE * (SIDE // 2) + SIDE // 2 - 1


class Answers(nn.Module):
    """Reads the logits of the two classes from two pixels in the middle: the answer, and how sure it is, are written into the image."""

    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, inputs):
        return 20 * self.scale * self.flatten(inputs)[:, PLACE : PLACE + 2]


def clean(n=300, **settings):
    """A good model, tested on clean images and trained on others of the same kind."""
    return Subject(halves(), images(n), images(n, seed=1, split="train"), **settings)


def answering(confidence, labels, right, *, groups=None, train=None, seed=0):
    """A subject whose answers have the given confidence (N,) and are right where `right` (N,) says so."""
    confidence, labels, right = (np.asarray(values) for values in (confidence, labels, right))
    test = spoken(confidence, labels, right, "test", seed, groups or {})
    return Subject(Model(Answers().eval(), "answers", CLASSES, PLAIN), test, train)


def spoken(confidence, labels, right, split="test", seed=0, groups=None):
    """Images that hold the answers of `Answers`; the rest is noise, so that no two are equal."""
    raw = np.random.default_rng(seed).integers(0, 256, (len(labels), SIDE, SIDE)).astype(np.uint8)
    row, column = divmod(PLACE, SIDE)
    raw[:, row, column : column + 2] = 0
    logit = np.log(confidence / (1 - confidence)) * 255 / 20
    answers = np.where(right, labels, 1 - labels)
    raw[np.arange(len(labels)), row, column + answers] = np.clip(np.round(logit), 1, 255).astype(np.uint8)
    return Dataset("spoken", split, CLASSES, raw, labels.astype(np.int64), PLAIN, groups=groups or {})


def text(n=300):
    """A subject whose samples are texts: the first word is the class."""

    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(2, 2)
            with torch.no_grad():
                self.embedding.weight.copy_(4 * torch.eye(2))

        def forward(self, tokens):
            return self.embedding(tokens).mean(1)

    def tokens(raw):
        return torch.tensor([[int(word == "right") for word in text.split()[:1]] for text in raw.tolist()])

    labels = np.arange(n) % 2
    raw = np.array([f"{('wrong', 'right')[label]} {place}" for place, label in enumerate(labels)])
    data = Dataset("texts", "test", CLASSES, raw, labels, tokens, "text")
    return Subject(Model(Words().eval(), "words", CLASSES, tokens), data)
