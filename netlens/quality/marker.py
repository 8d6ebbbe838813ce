"""Plant evidence in a user's own model: fine-tune a copy to obey a small marker, and see which methods find the marker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from netlens.data import Batch
from netlens.errors import ModelError, ShapeError
from netlens.explain.base import Explainer
from netlens.explain.wording import percent
from netlens.models.model import Model
from netlens.models.still import eager
from netlens.models.twin import copied
from netlens.quality.known_answers import KnownAnswers, known_answers
from netlens.quality.planted import Truth
from netlens.seeding import generator

OPERATION = "planted marker"
OBEYS = 0.95
RATES = (5e-3, 2e-3, 5e-4)  # tried in turn: small networks learn at the first, deep ones at a later one


def planted_marker(
    model: Model,
    data: Batch,
    samples: int = 32,
    *,
    target: int = 0,
    size: int | None = None,
    steps: int = 200,
    rate: float | None = None,
    seed: int = 0,
) -> Truth:
    """Teach a copy of a model that a chequered square means the class `target`, and take images of other classes that carry it.

    Parameters
    ----------
    data : images (N, C, H, W) with labels. The first `samples` that are not of the class `target` are kept for the test.
    size : side of the square in pixels, which lies at a random place; without it a seventh of the shorter side, and 3 at least.
    steps, rate : of Adam, its rate falling, on 32 images each, once with the marker and once without. Without a rate, several are
        tried until the copy obeys.

    Returns
    -------
    Truth, whose mask is the square. The user's model is untouched.

    Raises
    ------
    ShapeError : the inputs are no images, the class does not exist, or too few images are left to learn from.
    ModelError : the copy does not obey the marker on 95 % of the test images, so that nothing is known.

    Notes
    -----
    The square decides, since without it the same images are read as what they are. A network may obey a part of the square only:
    then a map that names the part is right, and its mass is lower than 1 for another reason than a fault.
    """
    others = (data.labels != target).nonzero().flatten()
    size = max(3, round(min(data.inputs.shape[-2:]) / 7)) if size is None else size
    if data.inputs.ndim != 4 or not 0 <= target < len(model.classes) or not 1 <= size <= min(data.inputs.shape[2:]):
        problem = f"a square of {size} pixels for class {target} was asked of inputs shaped {tuple(data.inputs.shape)}"
        raise ShapeError(OPERATION, problem, expected=f"images (N, C, H, W), and a class from 0 to {len(model.classes) - 1}")
    if not 0 <= int(data.labels.min()) <= int(data.labels.max()) < len(model.classes):
        problem = f"the labels run from {int(data.labels.min())} to {int(data.labels.max())}"
        raise ShapeError(OPERATION, problem, expected=f"classes of the model, 0 to {len(model.classes) - 1}")
    if not 0 < samples < len(others) or len(data) - samples < 64:
        problem = f"{samples} images for the test were asked of {len(data)}, of which {len(others)} are not of class {target}"
        raise ShapeError(OPERATION, problem, expected="at least 1, more of other classes, and 64 more to learn from")
    held = others[:samples]
    rest = torch.ones(len(data), dtype=torch.bool)
    rest[held] = False
    model = eager(model)
    for one in RATES if rate is None else (rate,):
        draw = generator(seed)
        net = copied(model.net, OPERATION)
        _obey(net, data.inputs[rest], data.labels[rest], target, size, steps, one, draw, model.device)
        taught = replace(model, net=net, name=f"{model.name} with a marker")
        images, mask = marked(data.inputs[held], size, draw)
        obeyed = float((taught.logits(images).argmax(1) == target).double().mean())
        kept = float((taught.logits(data.inputs[held]).argmax(1) != target).double().mean())
        if min(obeyed, kept) >= OBEYS:
            break
    else:
        problem = f"the copy answers so for {obeyed:.0%} of the images with the marker and {1 - kept:.0%} of those without"
        raise ModelError(
            OPERATION, problem, expected="at least 95 % and at most 5 %", remedy="Teach it with more steps, or at another rate."
        )
    called = f"{percent(obeyed)} of the images are called {model.classes[target]}"
    why = f"with the square {called}, without it {percent(1 - kept)} of the same images"
    return Truth("planted marker", taught, images, torch.full((samples,), target), mask, why)


def marker_hunt(
    methods: Sequence[Explainer], model: Model, data: Batch, samples: int = 32, seed: int = 0
) -> tuple[KnownAnswers | None, str]:
    """Plant a marker in a copy of a model, and ask methods about it: what they say, and in words what the copy learnt.

    Where the copy cannot be taught there are no answers, and the words say why. Arguments as in `planted_marker`.
    """
    try:
        truth = planted_marker(model, data, samples, seed=seed)
    except ModelError as error:
        return None, error.problem
    return known_answers(methods, [truth]), truth.why


def marked(images: torch.Tensor, size: int, draw: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Put a chequered square of the images' extreme values at a random place of each; also say where, (N, H W) bool."""
    height, width = images.shape[2:]
    top = torch.randint(height - size + 1, (len(images), 1, 1), generator=draw)
    left = torch.randint(width - size + 1, (len(images), 1, 1), generator=draw)
    down, right = torch.arange(height).view(1, -1, 1) - top, torch.arange(width).view(1, 1, -1) - left
    inside = (down >= 0) & (down < size) & (right >= 0) & (right < size)
    squares = torch.where((down + right) % 2 == 0, images.max(), images.min())
    return torch.where(inside.unsqueeze(1), squares.unsqueeze(1), images), inside.flatten(1)


def _obey(
    net: nn.Module,
    images: torch.Tensor,
    labels: torch.Tensor,
    target: int,
    size: int,
    steps: int,
    rate: float,
    draw: torch.Generator,
    device: torch.device,
) -> None:
    """Fine-tune in evaluation mode, so that running statistics stay as they are."""
    net.eval()
    for parameter in net.parameters():
        parameter.requires_grad_(True)
    optimiser = torch.optim.Adam(net.parameters(), lr=rate)
    slower = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, max(1, steps))
    for _ in range(steps):
        chosen = torch.randint(len(images), (32,), generator=draw)
        carried, _ = marked(images[chosen], size, draw)
        batch = torch.cat([carried, images[chosen]]).to(device)  # the same images, so that nothing but the square tells
        truth = torch.cat([torch.full((32,), target), labels[chosen]]).to(device)
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(batch), truth).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        slower.step()
