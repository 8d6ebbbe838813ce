"""ROAD: remove and debias, by a replacement that does not show where something was removed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Question, asking
from netlens.explain.imputation import imputed
from netlens.explain.precision import Precision
from netlens.models.model import Model
from netlens.quality.answers import Output, answering
from netlens.quality.base import Direction, Score, elementwise, scored
from netlens.quality.curves import Race, area
from netlens.quality.draws import row_generator
from netlens.quality.hiding import Cut, Fill, cut_of, feature_values


@dataclass(frozen=True)
class ROAD:
    """Impute the pixels with the greatest values from their neighbours: how much sooner the decision falls than by random rankings.

    Parameters
    ----------
    n_steps, n_random, features, precision : as in `Deletion`.
    noise : standard deviation of the noise on imputed pixels, as a share of the image's range.
    output : `decision` as in the paper, whether the model still decides for the target; or `probability`, `logit`.

    Notes
    -----
    Values: the mean area of the random curves less the attribution's; `own` and `random` hold the areas; the mean of `own` over the
    samples is the paper's accuracy, averaged over the steps. A black hole has a shape, and a network can read the class off that
    shape; an imputed pixel is hard to tell from its surroundings. Deviation from the paper: all copies of an image share one draw of
    noise. Cost beside the passes: one sparse system of equations for each copy.

    References
    ----------
    Rong, Leemann, Borisov, Kasneci and Kasneci 2022, arXiv:2202.00449.
    """

    name: ClassVar[str] = "road"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:2202.00449"
    cost: ClassVar[str] = "(1 + n_random) (n_steps - 1) + 2 forward, each with an imputation"

    n_steps: int = 10
    n_random: int = 4
    features: Cut = None
    noise: float = 0.01
    output: Output = "decision"
    seed: int = 0
    precision: Precision = "float32"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Return the gap of the areas for each row."""
        values = elementwise(attribution, inputs, "ROAD")
        if inputs.ndim != 4:
            problem = f"imputation was asked of inputs shaped {tuple(inputs.shape)}"
            raise ShapeError("ROAD", problem, expected="images (N, C, H, W)", remedy="Use Deletion.")
        with asking(model, inputs, attribution.target, "ROAD") as question:
            cut = cut_of(self.features, attribution, question)
            if cut.index.shape[1] != 1:
                raise ShapeError("ROAD", "the features differ between channels", expected="features that hold whole pixels")
            race = Race(self.n_steps, self.n_random, self.seed, False, self.precision)
            fills = {"linear": _imputer(question, self.noise, self.seed)}
            (curve,) = race.curves(answering(question, self.output), cut, feature_values(cut, values, question), fills)
        own, random = area(curve.share, curve.own), area(curve.share, curve.random)
        return scored(self, random - own, {"features": cut.chosen}, own=own, random=random, curves=(curve,))


def _imputer(question: Question, noise: float, seed: int) -> Fill:
    if not 0 <= noise < float("inf"):
        raise ShapeError("ROAD", f"noise is {noise}", expected="a finite share of the range that is not negative")

    def fill(out: torch.Tensor, row: int, hidden: torch.Tensor) -> None:
        image = question.inputs[row]
        out.copy_(imputed(image, hidden))
        out += hidden * noise_of(image, noise, seed)

    return fill


def noise_of(image: torch.Tensor, noise: float, seed: int) -> torch.Tensor:
    """The noise of one image (C, H, W), the same in each of its copies: `noise` is its standard deviation as a share of the range."""
    draws = torch.randn(image.shape, generator=row_generator(seed, image)).to(image)
    return noise * (image.max() - image.min()) * draws
