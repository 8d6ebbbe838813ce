"""Stability: does an explanation keep its order when nothing of meaning changed?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, ClassVar

import torch

from netlens.errors import ShapeError, UsageError
from netlens.explain.base import Explainer, Target
from netlens.explain.precision import rank_correlation
from netlens.explain.series import steps_axis
from netlens.models.model import Model
from netlens.quality.agreement import foreground
from netlens.quality.base import Direction, Score, scored
from netlens.quality.copies import explained, noisy, own_target, values_of

SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))


@dataclass(frozen=True)
class NoiseStability:
    """The rank correlation between the explanation of an input and those of slightly noisy copies.

    Parameters
    ----------
    noise : standard deviation, as a share of the input's own range. n_samples : noisy copies of each input.
    whole : compare the background too; see `netlens.quality.foreground`.

    References
    ----------
    Ghorbani, Abid and Zou 2019, arXiv:1710.10547.
    """

    name: ClassVar[str] = "noise_stability"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:1710.10547"
    cost: ClassVar[str] = "n_samples + 1 explanations"

    noise: float = 0.02
    n_samples: int = 5
    whole: bool = False
    seed: int = 0

    def __call__(self, model: Model, explainer: Explainer, inputs: torch.Tensor, target: Target = None) -> Score:
        """Return the mean rank correlation of each row."""
        operation = "NoiseStability"
        if self.n_samples < 1 or not 0 < self.noise < float("inf"):
            problem = f"n_samples is {self.n_samples} and noise is {self.noise}"
            raise ShapeError(operation, problem, expected="at least 1 sample and a finite positive noise")
        classes = own_target(model, inputs, target, operation)
        copies = noisy(inputs, self.noise, self.n_samples, self.seed)
        before, after = explained(explainer, model, inputs, classes, copies, operation)
        axis = steps_axis(model, inputs, operation)
        places = _places(inputs, self.whole, axis)
        return scored(self, _correlations(before, after, places, axis), {"method": explainer.name})


@dataclass(frozen=True)
class ShiftStability:
    """The rank correlation between the explanation of an image and those of the image moved by a pixel or more, moved back.

    Parameters
    ----------
    pixels : how far the image is moved, in each of four directions.
    whole : compare the background too; see `netlens.quality.foreground`.

    Notes
    -----
    The border that moved in continues the edge of the image; neither it nor the border that moved out is compared. A layer's map that
    is coarser than the shift cannot follow it, and is marked down for that.

    References
    ----------
    Alvarez-Melis and Jaakkola 2018, arXiv:1806.08049.
    """

    name: ClassVar[str] = "shift_stability"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:1806.08049"
    cost: ClassVar[str] = "5 explanations"

    pixels: int = 1
    whole: bool = False

    def __call__(self, model: Model, explainer: Explainer, inputs: torch.Tensor, target: Target = None) -> Score:
        """Return the mean rank correlation of each row."""
        operation = "ShiftStability"
        if inputs.ndim != 4 or not 1 <= self.pixels < min(inputs.shape[2:]) // 2:
            problem = f"shifts by {self.pixels} were asked of inputs shaped {tuple(inputs.shape)}"
            raise ShapeError(operation, problem, expected="images (N, C, H, W), more than twice as large as the shift")
        classes = own_target(model, inputs, target, operation)
        copies = torch.stack([shifted(inputs, *shift, self.pixels) for shift in SHIFTS], 1)
        before, after = explained(explainer, model, inputs, classes, copies, operation)
        back = [
            torch.roll(after[:, k], (-down * self.pixels, -right * self.pixels), (2, 3)) for k, (down, right) in enumerate(SHIFTS)
        ]
        places = _places(inputs, self.whole)
        inside, edge = torch.zeros(inputs.shape[2:], dtype=torch.bool), self.pixels
        inside[edge:-edge, edge:-edge] = True
        return scored(self, _correlations(before, torch.stack(back, 1), places & inside.flatten()), {"method": explainer.name})


@dataclass(frozen=True)
class SeedStability:
    """The mean rank correlation between the explanations of a sampling method with different seeds.

    Parameters
    ----------
    n_seeds : how many seeds, from the method's own on; each pair of them is compared.
    whole : compare the background too; see `netlens.quality.foreground`.

    References
    ----------
    Visani, Bagli, Chesani, Poluzzi and Capuzzo 2020, arXiv:2001.11757.
    """

    name: ClassVar[str] = "seed_stability"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:2001.11757"
    cost: ClassVar[str] = "n_seeds explanations"

    n_seeds: int = 3
    whole: bool = False

    def __call__(self, model: Model, explainer: Explainer, inputs: torch.Tensor, target: Target = None) -> Score:
        """Return the mean rank correlation of each row.

        Raises
        ------
        UsageError : the method draws no samples.
        """
        operation = "SeedStability"
        if self.n_seeds < 2:
            raise ShapeError(operation, f"n_seeds is {self.n_seeds}", expected="at least 2 seeds to compare")
        classes = own_target(model, inputs, target, operation)
        runs = [values_of(one, model, inputs, classes, operation) for one in reseeded(explainer, self.n_seeds, operation)]
        axis = steps_axis(model, inputs, operation)
        places = _places(inputs, self.whole, axis)
        pairs = [
            _correlations(one, torch.stack(runs[number + 1 :], 1), places, axis, torch.sum)
            for number, one in enumerate(runs[:-1])
        ]
        total = torch.stack(pairs).sum(0)
        return scored(self, total / (self.n_seeds * (self.n_seeds - 1) / 2), {"method": explainer.name})


def draws_samples(explainer: object) -> bool:
    """Whether a method draws samples: whether it has a seed."""
    return is_dataclass(explainer) and any(entry.name == "seed" for entry in fields(explainer))


def reseeded(explainer: Explainer, n_seeds: int, operation: str) -> list[Explainer]:
    """The method with its own seed and the ones after it.

    Raises
    ------
    UsageError : the method has no seed.
    """
    if not draws_samples(explainer):
        problem = f"{explainer.name} draws no samples: it has no seed"
        raise UsageError(operation, problem, remedy="Ask it of sampling methods only, such as smooth_grad, lime or kernel_shap.")
    drawing: Any = explainer
    return [replace(drawing, seed=drawing.seed + place) for place in range(n_seeds)]


def shifted(images: torch.Tensor, down: int, right: int, pixels: int) -> torch.Tensor:
    """Images (N, C, H, W) moved by `pixels` in a direction; what moves in continues the edge."""
    height, width = images.shape[2:]
    padded = torch.nn.functional.pad(images, (pixels,) * 4, mode="replicate")
    top, left = pixels - down * pixels, pixels - right * pixels
    return padded[..., top : top + height, left : left + width]


def _places(inputs: torch.Tensor, whole: bool, axis: int = 1) -> torch.Tensor:
    """Which pixels, columns, or steps along an axis are compared, (N, places)."""
    if not whole:
        return foreground(inputs, axis)
    return torch.ones(len(inputs), inputs[0, 0].numel() if inputs.ndim == 4 else inputs.shape[axis], dtype=torch.bool)


def _flat(values: torch.Tensor, axis: int) -> torch.Tensor:
    """The values of one input by place, (places,): channels are added up."""
    return values.sum(0).flatten() if values.ndim == 3 else values.sum(2 - axis) if values.ndim == 2 else values


def _correlations(
    one: torch.Tensor,
    others: torch.Tensor,
    places: torch.Tensor,
    axis: int = 1,
    join: Callable[[torch.Tensor], torch.Tensor] = torch.mean,
) -> torch.Tensor:
    """Rank correlations between `one` (N, ...) and each of `others` (N, K, ...) at some places, joined for each row: (N,)."""
    found = []
    for left, several, where in zip(one, others, places, strict=True):
        where = where if int(where.sum()) > 1 else torch.ones_like(where)
        own = _flat(left, axis)[where]
        found.append(
            join(torch.tensor([rank_correlation(own, _flat(right, axis)[where]) for right in several], dtype=torch.float64))
        )
    return torch.stack(found)
