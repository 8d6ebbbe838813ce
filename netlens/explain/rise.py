"""RISE: which pixels the network likes to see, from soft random masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Question, Target, asking, params_of
from netlens.explain.imputation import imputed
from netlens.explain.numbers import exact
from netlens.explain.perturbation import Stream
from netlens.explain.precision import Precision, rank_correlation
from netlens.explain.replacement import Replacement, imputes, replacement
from netlens.models.model import Model
from netlens.seeding import generator

BATCHES = 10
MASKS = 64  # held at a time, where the network takes fewer at once


@dataclass(frozen=True)
class RISE:
    """How much higher the logit is, on average over random masks, where a pixel is seen than where it may be hidden or not.

    A mask is a small grid of cells that are shown or hidden at random, enlarged smoothly and moved by a random part of a cell.

    Parameters
    ----------
    cells : of the grid, along each side.
    keep : the chance that a cell is shown. At one half each mask is followed by its complement, which halves the noise or better.
    replacement : what is put in the place of what is hidden; see `netlens.explain.replacement`. With `inpaint` the places that a mask
        shows by less than half are filled from the rest, and blended in as the mask says.
    n_samples : masks, a multiple of 20; each row meets the same ones.
    precision : `float32`, or `auto` for bfloat16 where a trial shows the same ranking; see `netlens.explain.precision`.

    Notes
    -----
    Cost: `n_samples` forward passes per input. Each pixel's value is shared equally by its channels. The standard error comes from
    ten batches of masks, and `params["rank_stability"]` (N,) from two halves. Deviations from the paper: the logit is averaged, not
    the probability, and its mean over all masks is subtracted, which changes no ranking and gives the values a sign.

    References
    ----------
    Petsiuk, Das and Saenko 2018, arXiv:1806.07421.
    """

    name: ClassVar[str] = "rise"
    family: ClassVar[str] = "perturbation"
    needs: ClassVar[str] = "forward passes, images"
    cost: ClassVar[str] = "n_samples forward"
    gives: ClassVar[str] = "logits per element, signed, with standard error"
    reference: ClassVar[str] = "arXiv:1806.07421"

    cells: int = 7
    keep: float = 0.5
    replacement: Replacement = None
    n_samples: int = 2000
    seed: int = 0
    precision: Precision = "float32"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values shaped like `inputs`, in logits per element."""
        if self.cells < 1 or not 0 < self.keep < 1 or self.n_samples < 20 or self.n_samples % 20:
            problem = f"cells is {self.cells}, keep {self.keep} and n_samples {self.n_samples}"
            raise ShapeError("RISE", problem, expected="at least 1 cell, 0 < keep < 1, and a multiple of 20 samples")
        with asking(model, inputs, target, "RISE") as question:
            if question.inputs.ndim != 4:
                problem = f"the inputs are shaped {tuple(inputs.shape)}"
                raise ShapeError("RISE", problem, expected="images (N, C, H, W)", remedy="Use kernel_shap, lime or occlusion.")
            hidden: torch.Tensor | None = None
            chosen = "inpaint"
            if not imputes(self.replacement, question.inputs):
                hidden, chosen = replacement(self.replacement, model, question.inputs, None, "RISE")
            stream = Stream(question, self.precision, self.n_samples)
            batches = torch.stack([torch.stack(sums) for sums in self._batches(question, stream, hidden)], 1)
            if not bool((batches[1] > 0).all()):
                problem = f"some pixels are hidden by all {self.n_samples // BATCHES} masks of a batch"
                raise ShapeError(
                    "RISE", problem, expected="masks that show every pixel", remedy="Use more samples, or a higher keep."
                )
            params = {
                **params_of(self),
                "replacement": chosen,
                "rank_stability": torch.tensor([_halves_agree(row) for row in batches.movedim(2, 0)]),
                "precisions": [stream.precisions.get(row, "float32") for row in range(len(question.inputs))],
            }
            shape, channels = question.inputs.shape, question.inputs.shape[1]
            values = _value(batches.sum(1)) / channels
            spread = _value(batches).std(0) / BATCHES**0.5 / channels
            return Attribution(
                values.expand(shape).float().contiguous(),
                question.target.cpu(),
                self.name,
                params,
                seed=self.seed,
                spread=spread.expand(shape).float().contiguous(),
            )

    def _batches(self, question: Question, stream: Stream, hidden: torch.Tensor | None) -> Iterator[list[torch.Tensor]]:
        """For each batch of masks the sums of score x mask, mask, score and one, each (N, 1, H, W), float64."""
        inputs, draw = question.inputs, generator(self.seed)
        shape = (inputs.shape[2], inputs.shape[3])
        size = self.n_samples // BATCHES
        pieces = -(-size // max(question.rows, MASKS))
        for _ in range(BATCHES):
            sums = torch.zeros(4, len(inputs), 1, *shape, dtype=torch.float64)
            for piece in range(pieces):
                count = size * (piece + 1) // pieces // 2 * 2 - size * piece // pieces // 2 * 2
                masks = self._masks(count, shape, draw).to(inputs)

                def write(out: torch.Tensor, row: int, ids: torch.Tensor, masks: torch.Tensor = masks) -> None:
                    chosen = masks[ids.to(masks.device)]
                    if hidden is None:
                        out.copy_(imputed(exact(inputs[row]), chosen < 0.5).lerp_(exact(inputs[row]), exact(chosen)))
                    else:
                        torch.lerp(hidden[row], inputs[row], chosen, out=out)

                scores = torch.stack(stream.scores([count] * len(inputs), write))
                seen = masks.double().cpu().flatten(1)
                sums[0] += (scores @ seen).view(sums.shape[1:])
                sums[1] += seen.sum(0).view(1, *shape)
                sums[2] += scores.sum(1).view(-1, 1, 1, 1)
                sums[3] += count
            yield list(sums)

    def _masks(self, count: int, shape: tuple[int, int], draw: torch.Generator) -> torch.Tensor:
        """Draw masks (count, 1, H, W) from 0, hidden, to 1, shown."""
        pairs = self.keep == 0.5
        drawn = count // 2 if pairs else count
        grid = (torch.rand(drawn, 1, self.cells, self.cells, generator=draw) < self.keep).float()
        cell = [-(-side // self.cells) for side in shape]
        large = functional.interpolate(grid, [(self.cells + 1) * side for side in cell], mode="bilinear", align_corners=False)
        top, left = (torch.randint(side, (drawn, 1), generator=draw) for side in cell)
        rows, columns = top + torch.arange(shape[0]), left + torch.arange(shape[1])
        masks = large[torch.arange(drawn)[:, None, None], 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)
        return torch.stack([masks, 1 - masks], 1).flatten(0, 1) if pairs else masks


def _value(sums: torch.Tensor) -> torch.Tensor:
    """The mean score where a pixel is seen less the mean score, from sums (4, ...)."""
    return sums[0] / sums[1] - sums[2] / sums[3]


def _halves_agree(batches: torch.Tensor) -> float:
    """The rank correlation of one row's values between every other batch and the rest, from sums (4, batches, 1, H, W)."""
    one, other = (_value(batches[:, start::2].sum(1)).flatten() for start in (0, 1))
    return rank_correlation(one, other)
