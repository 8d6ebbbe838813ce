"""Attacks: the smallest changes that turn an answer, searched for with gradients, in pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.behaviour.answers import logits
from netlens.behaviour.intervals import Rate, wilson
from netlens.data import Batch
from netlens.errors import DataError
from netlens.explain.chunks import halving
from netlens.explain.question import Question, asking
from netlens.models.model import Model

OPERATION = "adversarial attack"
EPSILONS = (2 / 255, 8 / 255, 32 / 255, 64 / 255)
HUGE = 1.0
SLACK = 0.02  # accuracy by which an attack may fall short before it is called void


@dataclass(frozen=True)
class Attack:
    """What is left of the accuracy at one `epsilon`, the largest change of a pixel from 0 to 1: of answers to unchanged images, to
    images with random noise of that size, after one step (FGSM), and after many (PGD).
    """

    epsilon: float
    noise: Rate
    fgsm: Rate
    pgd: Rate


@dataclass(frozen=True)
class Attacks:
    """Accuracy against epsilon, and whether the attack was any good.

    `clean` : accuracy without an attack. `curve` : one Attack for each epsilon, rising. `huge` : accuracy after PGD with an epsilon that
    allows any image. `zero` : the share of images for which the gradient is 0. `faults` : why the attack is void; empty when it is valid.
    """

    clean: Rate
    curve: tuple[Attack, ...]
    huge: Rate
    zero: Rate
    faults: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether the numbers say something of the model rather than of a weak attack."""
        return not self.faults


def adversarial(
    model: Model,
    batch: Batch,
    *,
    epsilons: tuple[float, ...] = EPSILONS,
    n_steps: int = 20,
    preprocess: object = None,
    seed: int = 0,
) -> Attacks:
    """Attack a classifier of images with full knowledge of it.

    Parameters
    ----------
    epsilons : the largest change of a pixel, which goes from 0 to 1; rising. n_steps : of PGD.

    Raises
    ------
    DataError : the preprocessing cannot be inverted pixel by pixel, so that no epsilon in pixels can be kept.
    ModelError : no gradient reaches the inputs.

    Notes
    -----
    Only images that are answered rightly are attacked, and at a greater epsilon only those that withstood the smaller one: what broke
    them is allowed there too. PGD starts from a random place and keeps the first step that succeeds. Cost: at most 3 n_steps + 6 forward
    passes for each epsilon and image.

    References
    ----------
    Goodfellow, Shlens and Szegedy 2015, arXiv:1412.6572; Madry, Makelov, Schmidt, Tsipras and Vladu 2018, arXiv:1706.06083; for the
    signs of a void attack, Pintor et al. 2022, arXiv:2106.09947, and Athalye, Carlini and Wagner 2018, arXiv:1802.00420.
    """
    if not epsilons or list(epsilons) != sorted(epsilons) or epsilons[0] <= 0 or n_steps < 1:
        problem = f"the epsilons are {epsilons} and n_steps is {n_steps}"
        raise DataError(OPERATION, problem, expected="rising positive epsilons and at least 1 step")
    scale, floor = pixel_scale(preprocess or model.preprocess, batch.inputs)
    fits = (logits(model, batch.inputs).argmax(1) == batch.labels).numpy()
    total, start = len(batch), torch.from_numpy(np.flatnonzero(fits))
    draw = torch.Generator().manual_seed(seed)
    if len(start) == 0:
        none = wilson(0, total)
        return Attacks(none, (), none, none, ("no image is answered rightly, so there is nothing to attack",))
    with asking(model, batch.inputs[start], batch.labels[start], OPERATION) as question:
        arena = Arena(question, scale.to(question.inputs), floor.to(question.inputs), n_steps, draw)
        everyone = torch.arange(len(start))
        zero = (arena.look(question.inputs, everyone)[1].flatten(1).abs().amax(1) == 0).sum()
        survivors, curve = everyone, []
        for epsilon in epsilons:
            noise = arena.stands(arena.noisy(everyone, epsilon), everyone)
            fgsm = arena.stands(arena.step(everyone, epsilon), everyone)
            survivors = arena.pgd(survivors, epsilon)
            curve.append(
                Attack(epsilon, *(wilson(count, total) for count in (int(noise.sum()), int(fgsm.sum()), len(survivors))))
            )
        huge = wilson(len(arena.pgd(survivors, HUGE)), total)
    found = Attacks(wilson(len(start), total), tuple(curve), huge, wilson(int(zero), len(start)), ())
    return Attacks(found.clean, found.curve, found.huge, found.zero, faults(found))


@dataclass(frozen=True)
class Arena:
    """Where an attack takes place: inputs whose pixels may move within 0 and 1. `scale` : what one pixel unit is in an input."""

    question: Question
    scale: torch.Tensor
    floor: torch.Tensor
    n_steps: int
    draw: torch.Generator

    def look(self, points: torch.Tensor, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """In one pass: which rows are still answered rightly, (N,), and which way each value must go to harm them.

        The gradient is that of the margin between the other classes and the right one. It points as the cross-entropy's does, but never
        rounds to zero where the model is sure.
        """

        def work(part: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
            moved = part.detach().requires_grad_()
            scores = self.question.once(moved).double()
            margin = scores - scores.gather(1, classes.unsqueeze(1))
            rivals = margin.masked_fill(torch.nn.functional.one_hot(classes, scores.shape[1]).bool(), -torch.inf)
            slope = self.question.derivative(torch.logsumexp(rivals, 1), moved)
            stands = scores.argmax(1) == classes
            return torch.cat([stands.to(slope).unsqueeze(1), slope.flatten(1)], 1)

        found = halving(OPERATION, self.question.plan, work, points, self.question.target[rows])
        return found[:, 0].cpu() > 0, found[:, 1:].view(points.shape)

    def noisy(self, rows: torch.Tensor, epsilon: float) -> torch.Tensor:
        """Rows with each value moved to one end of what is allowed, at random."""
        inputs = self.question.inputs[rows]
        signs = torch.randint(0, 2, inputs.shape, generator=self.draw).to(inputs) * 2 - 1
        return self._within(inputs + signs * epsilon * self.scale, inputs, epsilon)

    def step(self, rows: torch.Tensor, epsilon: float) -> torch.Tensor:
        """Rows after one step along the sign of the gradient (FGSM)."""
        inputs = self.question.inputs[rows]
        sign = self.look(inputs, rows)[1].sign()
        return self._within(inputs + sign * epsilon * self.scale, inputs, epsilon)

    def pgd(self, rows: torch.Tensor, epsilon: float) -> torch.Tensor:
        """The rows that withstand projected gradient descent."""
        if len(rows) == 0:
            return rows
        inputs = self.question.inputs[rows]
        start = (2 * torch.rand(inputs.shape, generator=self.draw) - 1).to(inputs)
        points = self._within(inputs + start * epsilon * self.scale, inputs, epsilon)
        for _ in range(self.n_steps):
            standing, slope = self.look(points, rows)
            rows, points, slope = rows[standing], points[standing], slope[standing]
            if len(rows) == 0:
                return rows
            step = slope.sign() * (2.5 * epsilon / self.n_steps) * self.scale
            points = self._within(points + step, self.question.inputs[rows], epsilon)
        return rows[self.stands(points, rows)]

    def stands(self, points: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Which rows are still answered rightly, (N,), on the CPU."""
        if len(rows) == 0:
            return torch.zeros(0, dtype=torch.bool)
        with torch.no_grad():
            return (self.question.chunked(self.question.logits, points).argmax(1) == self.question.target[rows]).cpu()

    def _within(self, points: torch.Tensor, inputs: torch.Tensor, epsilon: float) -> torch.Tensor:
        """Points brought back to within epsilon of the inputs, and to pixels from 0 to 1."""
        reach = epsilon * self.scale
        return points.clamp(inputs - reach, inputs + reach).clamp(self.floor, self.floor + self.scale)


def faults(found: Attacks) -> tuple[str, ...]:
    """Say why an attack is void: what a sound one cannot show."""
    said = []
    for one in found.curve:
        if one.pgd.value > one.fgsm.value + SLACK:
            said.append(f"at epsilon {one.epsilon:.3g} many steps do less harm than one")
        if one.pgd.value > one.noise.value + SLACK:
            said.append(f"at epsilon {one.epsilon:.3g} the attack does less harm than random noise")
    if found.huge.value > SLACK:
        said.append(f"with any image allowed, {100 * found.huge.value:.0f} % are still answered rightly")
    if found.zero.value > SLACK:
        said.append(f"for {100 * found.zero.value:.0f} % of the images the gradient is zero, so that the attack is blind")
    return tuple(said)


def pixel_scale(preprocess: object, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """What one pixel unit is in an input, and what a black pixel is, (1, ...) each; from how the preprocessing is inverted.

    Raises
    ------
    DataError : there is no `invert`, or it is not a scale and a shift for each value.
    """
    invert = getattr(preprocess, "invert", None)
    expected = "a preprocessing with `invert`, which scales and shifts each value"
    if invert is None or inputs.ndim != 4:
        problem = (
            f"{type(preprocess).__name__} cannot be inverted"
            if invert is None
            else f"the inputs are shaped {tuple(inputs.shape)}"
        )
        raise DataError(OPERATION, problem, expected=expected)
    example = inputs[:1]
    zero = invert(torch.zeros_like(example))
    slope = invert(torch.ones_like(example)) - zero
    if not torch.allclose(invert(inputs[:8]), inputs[:8] * slope + zero, atol=1e-4) or bool((slope <= 0).any()):
        raise DataError(OPERATION, f"{type(preprocess).__name__} does not scale and shift each value", expected=expected)
    return 1 / slope, -zero / slope


def noticed(found: Attacks, share: float = 0.5) -> float | None:
    """The smallest epsilon at which PGD leaves less than `share` of the clean accuracy; None when none does."""
    values: NDArray[np.float64] = np.array([one.pgd.value for one in found.curve])
    below = np.flatnonzero(values < share * found.clean.value)
    return found.curve[int(below[0])].epsilon if len(below) else None
