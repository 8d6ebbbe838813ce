"""Paint the image that excites a unit most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from netlens.errors import ModelError, ShapeError, UsageError
from netlens.internals.canvas import Canvas
from netlens.internals.likeness import alike, own
from netlens.internals.unit import Unit, listening_to
from netlens.internals.wobble import Wobble
from netlens.models.model import Model
from netlens.models.still import eager, still
from netlens.seeding import determinism, generator

OPERATION = "feature visualisation"


@dataclass(frozen=True)
class Painted:
    """Images painted for units, `n` a unit, those of one unit side by side; on the CPU.

    `pixels` (units, n, C, H, W) in [0, 1]; `inputs`, the same as the network takes them. `values` (units, n) : what each image excites its
    unit to, measured on the image itself, untransformed. `path` (steps, units) : the mean of it while painting, of wobbled images.
    `alike` (units,) : the mean cosine between what the images of one unit do in its layer; NaN for one image.
    """

    units: tuple[Unit, ...]
    pixels: torch.Tensor
    inputs: torch.Tensor
    values: torch.Tensor
    path: torch.Tensor
    alike: torch.Tensor
    params: dict[str, Any]
    seed: int


def paint(
    model: Model,
    units: Unit | Sequence[Unit],
    like: torch.Tensor,
    *,
    n: int = 1,
    steps: int = 256,
    rate: float = 0.05,
    waves: bool = True,
    wobble: Wobble | None = Wobble(),  # noqa: B008 - frozen
    decorrelated: bool = True,
    sparse: float = 0.0,
    diversity: float = 0.0,
    seed: int = 0,
) -> Painted:
    """Maximise what units answer, over images.

    Parameters
    ----------
    like : real inputs (N, C, H, W), which say the size, the range where the model's `preprocess` does not, and the mean colour to start from.
    n : images for each unit. steps, rate : of Adam.
    waves : write images as waves, so that long ones are learnt first; else pixel by pixel.
    wobble : moves images by lot at each step, so that the unit must answer to all of these; None to leave them still.
    decorrelated : mix colours as photographs do; for three channels.
    sparse : price of a pixel's distance from the ground, as a share of the unit's own answer.
    diversity : price of images of one unit that do the same in its layer, as a share of the unit's own answer.

    Raises
    ------
    ShapeError : `like` is no batch of images, or a unit does not exist. UsageError : a number is out of range.
    ModelError : a layer does not exist, or no gradient reaches the image.

    Notes
    -----
    Cost: `steps` forward and backward passes over all images at once. Only the range of pixels bounds the image, so what is painted may be
    far from any real image.

    References
    ----------
    Olah, Mordvintsev and Schubert 2017, doi:10.23915/distill.00007; Erhan, Bengio, Courville and Vincent 2009; Simonyan, Vedaldi and
    Zisserman 2013, arXiv:1312.6034.
    """
    units = (units,) if isinstance(units, Unit) else tuple(units)
    _check(like, n, steps, rate, sparse, diversity)
    model = eager(model)
    low, high = _range(model, like)
    ground = ((like.float().mean((0, 2, 3)) - low) / (high - low)).clamp(0, 1)
    canvas = Canvas((like.shape[1], like.shape[2], like.shape[3]), tuple(ground.tolist()), waves, decorrelated)
    draw = generator(seed)
    low, high, level = (part.view(1, -1, 1, 1).to(model.device) for part in (low, high, ground))
    with still(model.net, OPERATION), determinism(False), listening_to(model, units, OPERATION) as listener:
        numbers = canvas.start(len(units) * n, draw).to(model.device).requires_grad_()
        adam = torch.optim.Adam([numbers], rate)
        path = []
        for _ in range(steps):
            pixels = canvas.images(numbers)
            moved = pixels if wobble is None else wobble(pixels, draw)
            outputs = listener.outputs((low + (high - low) * moved).to(model.precision))
            values = own(listener, outputs, n)
            loss = -values.sum()
            if sparse:
                loss = loss + (sparse * values.detach().abs() * (pixels - level).abs().mean((1, 2, 3)).view_as(values)).sum()
            if diversity and n > 1:
                loss = loss + (diversity * values.detach().abs().mean(1) * alike(listener, outputs, moved, n)).sum() * n
            path.append(values.detach().mean(1).cpu())
            (slope,) = torch.autograd.grad(loss, numbers, allow_unused=True)
            if slope is None or not bool(slope.isfinite().all()):
                raise ModelError(OPERATION, f"no finite gradient of {model.name} reaches the image", remedy="Use real images.")
            numbers.grad = slope
            adam.step()
        with torch.no_grad():
            pixels = canvas.images(numbers)
            inputs = low + (high - low) * pixels
            outputs = listener.outputs(inputs.to(model.precision))
            values, likeness = own(listener, outputs, n), alike(listener, outputs, pixels, n)
    shape = (len(units), n, *like.shape[1:])
    params = {"n": n, "steps": steps, "rate": rate, "waves": waves, "wobble": wobble, "decorrelated": decorrelated}
    params |= {"sparse": sparse, "diversity": diversity}
    return Painted(
        units, pixels.cpu().view(shape), inputs.cpu().view(shape), values.cpu(), torch.stack(path), likeness.cpu(), params, seed
    )


def _range(model: Model, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What black and white are for the network, a channel: as its preprocessing says, or the extremes of `like`."""
    channels = like.shape[1]
    invert = getattr(model.preprocess, "invert", None)
    if invert is None:
        return like.float().amin((0, 2, 3)), like.float().amax((0, 2, 3))
    zero, one = (invert(torch.full((1, channels, 1, 1), value)).flatten() for value in (0.0, 1.0))
    return -zero / (one - zero), (1 - zero) / (one - zero)


def _check(like: torch.Tensor, n: int, steps: int, rate: float, sparse: float, diversity: float) -> None:
    if not isinstance(like, torch.Tensor) or like.ndim != 4 or not like.is_floating_point() or like.numel() == 0:
        found = f"{tuple(like.shape)} {like.dtype}" if isinstance(like, torch.Tensor) else type(like).__name__
        raise ShapeError(OPERATION, f"the real inputs are {found}", expected="images (N, C, H, W), at least one")
    if not bool(like.isfinite().all()):
        raise ShapeError(OPERATION, "the real inputs hold NaN or infinite values", expected="finite numbers")
    for name, value, least in (
        ("n", n, 1),
        ("steps", steps, 1),
        ("rate", rate, 1e-9),
        ("sparse", sparse, 0),
        ("diversity", diversity, 0),
    ):
        if not value >= least:
            raise UsageError(OPERATION, f"{name} is {value}", expected=f"at least {least:g}")
