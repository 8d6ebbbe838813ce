"""Infidelity: how badly the explanation predicts what a perturbation of the input changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from netlens.errors import ShapeError, unknown
from netlens.explain.base import Attribution, Question, asking
from netlens.explain.perturbation import Stream
from netlens.explain.replacement import Replacement, replacement
from netlens.models.model import Model
from netlens.quality.base import Direction, Score, elementwise, scored
from netlens.quality.draws import row_generator
from netlens.quality.noise import Noise

NEAR = 1e-3  # of the inputs' range: what is no farther from its replacement has no unit to divide by


@dataclass(frozen=True)
class Infidelity:
    """The share of the logit's change under perturbations that the best multiple of the explanation does not predict.

    Parameters
    ----------
    perturbation : `square`, a random square of an image replaced; `noise`, normal noise on every element; None for squares on images
        and noise on anything else.
    n_samples : perturbations of each input; one alone is always met by the best multiple.
    noise : standard deviation of the noise, as a share of the input's own range.
    side : side of the square in pixels; None for a quarter of the shorter side. replacement : what is put there; see
        `netlens.explain.replacement`.
    unit : what the values mean: `input`, the change of the logit per unit of an element, as the gradient; `logit`, what the element
        adds to the logit over `replacement`, as gradient x input; None for what the method says of itself.
    relative : divide by the mean squared change of the logit, so that 0 is perfect and 1 is no better than saying nothing. Without it,
        the infidelity of the paper, with the best scale.
    n_random : random rankings to compare with: the same values, dealt out anew to the places. They cost no pass.

    Notes
    -----
    Of a perturbation I, with the explanation's prediction a = I . values and the change b = f(x) - f(x - I), the infidelity is
    E[(beta a - b)^2] with beta = E[a b] / E[a^2]: so it does not depend on the scale of the explanation. Values: the mean infidelity
    of the random rankings less the attribution's; `own` and `random` hold the infidelities. Where the logit does not change at all,
    it is 0.

    References
    ----------
    Yeh, Hsieh, Suggala, Inouye and Ravikumar 2019, arXiv:1901.09392.
    """

    name: ClassVar[str] = "infidelity"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:1901.09392"
    cost: ClassVar[str] = "n_samples forward, and 1"

    perturbation: Literal["square", "noise"] | None = None
    n_samples: int = 100
    noise: float = 0.1
    side: int | None = None
    replacement: Replacement = None
    unit: Literal["input", "logit"] | None = None
    relative: bool = True
    n_random: int = 20
    seed: int = 0

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Return the gap of the infidelities for each row."""
        kind = self._checked(inputs)
        values = elementwise(attribution, inputs, "Infidelity")
        with asking(model, inputs, attribution.target, "Infidelity") as question:
            rankings = [
                _dealt(part, self.n_random, row_generator(self.seed, question.inputs[row])) for row, part in enumerate(values)
            ]
            unit = self._unit(attribution.method)
            if unit == "logit":
                rankings = self._per_unit(question, rankings)
            said, scores = self._noise(question, rankings) if kind == "noise" else self._squares(question, rankings)
        changes = [part[0] - part[1:] for part in scores]
        found = torch.stack([unexplained(one, change, self.relative) for one, change in zip(said, changes, strict=True)])
        own, random = found[:, 0], found[:, 1:].mean(1)
        return scored(self, random - own, {"perturbation": kind, "unit": unit}, own=own, random=random)

    def _checked(self, inputs: torch.Tensor) -> str:
        kind = self.perturbation or ("square" if inputs.ndim == 4 else "noise")
        if kind not in ("square", "noise"):
            raise unknown("Infidelity", "perturbation", str(kind), ("square", "noise"))
        if self.n_samples < 2 or self.n_random < 1 or not 0 < self.noise < float("inf"):
            problem = f"n_samples is {self.n_samples}, n_random {self.n_random} and noise {self.noise}"
            raise ShapeError("Infidelity", problem, expected="at least 2 samples, 1 random ranking and a positive noise")
        if kind == "square" and (inputs.ndim != 4 or not 1 <= (self.side or 1) <= min(inputs.shape[2:])):
            problem = f"squares of side {self.side} were asked of inputs shaped {tuple(inputs.shape)}"
            remedy = "Use perturbation='noise', or a smaller side."
            raise ShapeError("Infidelity", problem, expected="images (N, C, H, W), larger than the square", remedy=remedy)
        return kind

    def _unit(self, method: str) -> str:
        """What the values of a method mean; those of a method that is not known, what the paper takes them for."""
        from netlens.explain import EXPLAINERS

        if self.unit not in (None, "input", "logit"):
            raise unknown("Infidelity", "unit", str(self.unit), ("input", "logit"))
        return self.unit or ("logit" if method in EXPLAINERS and "per unit" not in EXPLAINERS[method].gives else "input")

    def _per_unit(self, question: Question, rankings: list[torch.Tensor]) -> list[torch.Tensor]:
        """Values in logits over the distance of each element to its replacement; 0 where there is hardly any distance."""
        inputs = question.inputs.double().cpu()
        hidden, _ = replacement(self.replacement, question.model, question.inputs, None, "Infidelity")
        distance = inputs - hidden.double().cpu()
        ranges = (inputs.flatten(1).amax(1) - inputs.flatten(1).amin(1)).view(-1, *[1] * (inputs.ndim - 1))
        enough = distance.abs() > NEAR * ranges
        safe = torch.where(enough, distance, 1.0)
        return [torch.where(near, values / gap, 0.0) for values, near, gap in zip(rankings, enough, safe, strict=True)]

    def _noise(self, question: Question, rankings: list[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """What the rankings predict for noise, (rankings, samples) a row, and the scores: the input's own, then the samples'."""
        inputs = question.inputs
        said = [torch.zeros(len(values), self.n_samples, dtype=torch.float64) for values in rankings]
        low, high = inputs.flatten(1).aminmax(dim=1)
        sizes = torch.where(high > low, self.noise * (high - low), self.noise).tolist()
        noises = [Noise(inputs[row], size, self.seed) for row, size in enumerate(sizes)]
        flat = [values.flatten(1).to(inputs) for values in rankings]

        def write(out: torch.Tensor, row: int, ids: torch.Tensor) -> None:
            first = int(ids[0] == 0)  # number 0 is the input as it is
            out[:first] = inputs[row]
            if len(ids) > first:
                drawn = noises[row].take(len(ids) - first)
                torch.sub(inputs[row], drawn, out=out[first:])
                said[row][:, ids[first:] - 1] = (flat[row] @ drawn.flatten(1).T).double().cpu()

        return said, Stream(question).scores([self.n_samples + 1] * len(inputs), write)

    def _squares(self, question: Question, rankings: list[torch.Tensor]) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """The same for squares."""
        inputs = question.inputs
        hidden, _ = replacement(self.replacement, question.model, inputs, None, "Infidelity")
        spans = [self._spans(image) for image in inputs]

        def write(out: torch.Tensor, row: int, ids: torch.Tensor) -> None:
            along, across = (side[ids].to(inputs.device) for side in spans[row])
            torch.where((along.unsqueeze(2) & across.unsqueeze(1)).unsqueeze(1), hidden[row], inputs[row], out=out)

        said = []
        for row, values in enumerate(rankings):
            along, across = (side[1:].double() for side in spans[row])
            weighed = (values * (inputs[row] - hidden[row]).double().cpu()).sum(1)
            said.append(((along @ weighed) * across).sum(2))
        return said, Stream(question).scores([self.n_samples + 1] * len(inputs), write)

    def _spans(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Which rows and columns each square covers, (1 + samples, H) and (1 + samples, W); the first covers none."""
        draw = row_generator(self.seed, image)
        width = self.side or max(1, min(image.shape[1:]) // 4)
        found = []
        for side in image.shape[1:]:
            start = torch.randint(side - width + 1, (self.n_samples + 1, 1), generator=draw)
            places = torch.arange(side)
            covered = (places >= start) & (places < start + width)
            covered[0] = False
            found.append(covered)
        return found[0], found[1]


def unexplained(said: torch.Tensor, change: torch.Tensor, relative: bool) -> torch.Tensor:
    """The mean squared error of the best multiple of each prediction (rankings, samples) of the change (samples,): (rankings,)."""
    power = said.square().mean(1, keepdim=True)
    scale = (said * change).mean(1, keepdim=True) / torch.where(power > 0, power, 1.0)
    error = (scale * said - change).square().mean(1)
    total = change.square().mean()
    return error / torch.where(total > 0, total, 1.0) if relative else error


def _dealt(values: torch.Tensor, n_random: int, draw: torch.Generator) -> torch.Tensor:
    """Values of one row, and random deals of them to its places, channels together: (1 + n_random, ...)."""
    flat = values.flatten(1) if values.ndim == 3 else values.T if values.ndim == 2 else values.unsqueeze(0)
    deals = [flat] + [flat[:, torch.randperm(flat.shape[1], generator=draw)] for _ in range(n_random)]
    dealt = torch.stack(deals)
    return dealt.mT.reshape(-1, *values.shape) if values.ndim == 2 else dealt.view(-1, *values.shape)
