"""Models of which one knows what they look at, by construction or because nothing else could have been learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ModelError
from netlens.models.architectures import MnistCNN
from netlens.models.model import Model
from netlens.seeding import generator

SIDE, PATCH = 16, 4
STEPS, WORDS = 12, 8
PLAIN = Preprocess((0.0,), (1.0,))


@dataclass(frozen=True)
class Truth:
    """A model, inputs, the classes explained, and where the evidence is.

    `mask` (N, places) bool: pixels, columns or steps. `exact` (N, places): the Shapley values against zeros, where they are known.
    `why` : why the truth is the truth.
    """

    name: str
    model: Model
    inputs: torch.Tensor
    target: torch.Tensor
    mask: torch.Tensor
    why: str
    exact: torch.Tensor | None = None

    @property
    def chance(self) -> float:
        """The share of the places that are inside: what a map of equal values gets."""
        return float(self.mask.double().mean())


def planted_patch(samples: int = 32, seed: int = 0, steps: int = 80) -> Truth:
    """Images of noise with a striped patch at a random place; the direction of its stripes alone decides the label.

    Raises
    ------
    ModelError : the network did not learn it, so that nothing is known.

    Notes
    -----
    Cost: `steps` training steps on 128 images of 16 x 16, some seconds.
    """
    draw = generator(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(8), nn.Flatten(), nn.Linear(16, 2),
        )  # fmt: skip
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        images, labels, _ = _stripes(128, draw)
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(images), labels).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    net.eval()
    model = Model(net, "planted patch", ("upright", "level"), PLAIN)
    images, labels, mask = _stripes(max(samples, 256), draw)
    right = float((model.logits(images).argmax(1) == labels).double().mean())
    if right < 0.95:
        problem = f"the network learnt to tell the patches apart in only {right:.0%} of cases"
        raise ModelError("planted patch", problem, expected="at least 95 %", remedy="Train it for more steps.")
    why = f"the images differ in nothing but the patch, and the network tells {right:.0%} of them apart"
    return Truth("planted patch", model, images[:samples], labels[:samples], mask[:samples], why)


def half_blind(samples: int = 32, seed: int = 0) -> Truth:
    """A network that multiplies the right half of its input by zero: nothing there can play a part."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        left = (torch.arange(SIDE) < SIDE // 2).float()  # 1 where the network sees, by column
        net = Function(lambda inputs, inner: inner(inputs * left.to(inputs)), MnistCNN(SIDE))
    images = torch.rand(samples, 1, SIDE, SIDE, generator=generator(seed))
    mask = (torch.arange(SIDE) < SIDE // 2).expand(samples, SIDE, SIDE).flatten(1)
    model = Model(net.eval(), "half-blind", tuple("0123456789"), PLAIN)
    why = "the network multiplies the right half of its input by zero"
    return Truth("half-blind network", model, images, model.logits(images).argmax(1), mask, why)


def table_formula(samples: int = 32, seed: int = 0) -> Truth:
    """A table of eight columns, of which four make the score: 3 a - 2 b + 1.5 c d. The Shapley values are known exactly."""

    def formula(rows: torch.Tensor, _: nn.Module) -> torch.Tensor:
        score = 3 * rows[:, 0] - 2 * rows[:, 1] + 1.5 * rows[:, 2] * rows[:, 3]
        return torch.stack([torch.zeros_like(score), score], 1)

    draw = generator(seed)
    rows = (0.5 + torch.rand(samples, 8, generator=draw)) * torch.where(torch.rand(samples, 8, generator=draw) < 0.5, -1.0, 1.0)
    product = 0.75 * rows[:, 2] * rows[:, 3]
    exact = torch.zeros(samples, 8, dtype=torch.float64)
    exact[:, :4] = torch.stack([3 * rows[:, 0], -2 * rows[:, 1], product, product], 1)
    mask = (torch.arange(8) < 4).expand(samples, 8)
    model = Model(Function(formula, nn.Identity()).eval(), "formula", ("no", "yes"), PLAIN)
    why = "the score is 3 a − 2 b + 1.5 c d; the other four columns are never read"
    return Truth("table with a formula", model, rows, torch.ones(samples, dtype=torch.long), mask, why, exact)


def trigger_token(samples: int = 32, seed: int = 0) -> Truth:
    """Sequences of twelve tokens, one-hot among eight words; the first word, somewhere in each, makes the answer."""

    def spot(sequences: torch.Tensor, _: nn.Module) -> torch.Tensor:
        score = 4 * torch.relu(sequences[:, :, 0].sum(1) - 0.25)
        return torch.stack([torch.zeros_like(score), score], 1)

    draw = generator(seed)
    words = torch.randint(1, WORDS, (samples, STEPS), generator=draw)
    place = torch.randint(STEPS, (samples,), generator=draw)
    words[torch.arange(samples), place] = 0
    inputs = nn.functional.one_hot(words, WORDS).float()
    model = Model(Function(spot, nn.Identity()).eval(), "trigger", ("quiet", "triggered"), PLAIN)
    why = "the score counts the trigger word and reads no other"
    return Truth("trigger token", model, inputs, torch.ones(samples, dtype=torch.long), words == 0, why)


class Function(nn.Module):
    """A network given by a formula."""

    def __init__(self, formula: Callable[[torch.Tensor, nn.Module], torch.Tensor], inner: nn.Module) -> None:
        super().__init__()
        self.formula, self.inner = formula, inner

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map inputs to logits (N, classes)."""
        return self.formula(inputs, self.inner)


def _stripes(samples: int, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images (N, 1, 16, 16) of noise, each with a patch; the labels; where the patch is, (N, 256)."""
    images = 0.3 * torch.randn(samples, 1, SIDE, SIDE, generator=draw)
    labels = torch.randint(2, (samples,), generator=draw)
    corner = torch.randint(SIDE - PATCH + 1, (samples, 2), generator=draw)
    rows, columns = torch.arange(SIDE).view(1, SIDE, 1), torch.arange(SIDE).view(1, 1, SIDE)
    down, right = rows - corner[:, 0].view(-1, 1, 1), columns - corner[:, 1].view(-1, 1, 1)
    inside = (down >= 0) & (down < PATCH) & (right >= 0) & (right < PATCH)
    phase = torch.where(labels.view(-1, 1, 1) == 0, right, down) % 2
    stripes = torch.where(phase == 0, 1.0, -1.0)
    return torch.where(inside, stripes, images[:, 0]).unsqueeze(1), labels, inside.flatten(1)
