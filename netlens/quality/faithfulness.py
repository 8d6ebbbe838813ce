"""Faithfulness by curves: does the answer change first where the explanation points?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.explain.base import Attribution, asking
from netlens.explain.precision import Precision
from netlens.models.model import Model
from netlens.quality.answers import Output, answering
from netlens.quality.base import Direction, Score, elementwise, scored
from netlens.quality.curves import Race, area, fall
from netlens.quality.hiding import Cut, Fill, Substitutes, cut_of, feature_values, filler, substitutes


@dataclass(frozen=True)
class Deletion:
    """Hide the features with the greatest values first, and take the area under the answer: how much less than by random rankings.

    Parameters
    ----------
    n_steps : equal groups of features that are hidden one after the other; a row with fewer features has as many steps as features.
    n_random : random rankings to compare with.
    features : what is ranked; None for pixels, steps or columns, `own` for the attribution's own, or see `netlens.explain.features`.
    replacement : one or several; see `netlens.quality.hiding`. The areas are averaged over them.
    output : `probability` as in the paper, `logit`, or `decision`.
    precision : `float32`, or `auto` for bfloat16 where a trial shows the same ranking; see `netlens.explain.precision`.

    Notes
    -----
    Values: the mean area of the random curves less the attribution's; `own` and `random` hold the areas. Equal values are ranked at
    random, so a constant attribution has a gap of 0 in the mean. The area depends on what stands where something is hidden: read it
    for each replacement in `curves`.

    References
    ----------
    Petsiuk, Das and Saenko 2018, arXiv:1806.07421.
    """

    name: ClassVar[str] = "deletion"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:1806.07421"
    cost: ClassVar[str] = "(1 + n_random) (n_steps - 1) + 1 forward for each replacement, and 1"

    n_steps: int = 16
    n_random: int = 4
    features: Cut = None
    replacement: Substitutes = None
    output: Output = "probability"
    seed: int = 0
    precision: Precision = "float32"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Return the gap of the areas for each row."""
        return _compare(self, model, attribution, inputs, show=False)


@dataclass(frozen=True)
class Insertion:
    """Show the features with the greatest values first, and take the area under the answer: how much more than by random rankings.

    Parameters
    ----------
    n_steps, n_random, features, replacement, output, precision : as in `Deletion`.

    Notes
    -----
    Values: the attribution's area less the mean area of the random curves; `own` and `random` hold the areas.

    References
    ----------
    Petsiuk, Das and Saenko 2018, arXiv:1806.07421.
    """

    name: ClassVar[str] = "insertion"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:1806.07421"
    cost: ClassVar[str] = "(1 + n_random) (n_steps - 1) + 1 forward for each replacement, and 1"

    n_steps: int = 16
    n_random: int = 4
    features: Cut = None
    replacement: Substitutes = None
    output: Output = "probability"
    seed: int = 0
    precision: Precision = "float32"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Return the gap of the areas for each row."""
        return _compare(self, model, attribution, inputs, show=True)


@dataclass(frozen=True)
class PixelFlipping:
    """Flip the features with the greatest values first: how far the logit falls on average, more than by random rankings.

    Parameters
    ----------
    n_steps, n_random, features, replacement, output, precision : as in `Deletion`. By default a pixel is flipped: mirrored in the
        range of its channel.

    Notes
    -----
    Values: the mean fall over all points of the curve, the start among them, less that of the random curves (the "area over the
    perturbation curve" of Samek et al. 2017, arXiv:1509.06321).

    References
    ----------
    Bach, Binder, Montavon, Klauschen, Müller and Samek 2015, doi:10.1371/journal.pone.0130140.
    """

    name: ClassVar[str] = "pixel_flipping"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "doi:10.1371/journal.pone.0130140"
    cost: ClassVar[str] = "(1 + n_random) (n_steps - 1) + 1 forward for each replacement, and 1"

    n_steps: int = 16
    n_random: int = 4
    features: Cut = None
    replacement: Substitutes = "flip"
    output: Output = "logit"
    seed: int = 0
    precision: Precision = "float32"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Return the gap of the mean falls for each row."""
        return _compare(self, model, attribution, inputs, show=False)


Racing = Deletion | Insertion | PixelFlipping


def _compare(metric: Racing, model: Model, attribution: Attribution, inputs: torch.Tensor, *, show: bool) -> Score:
    operation = type(metric).__name__
    values = elementwise(attribution, inputs, operation)
    with asking(model, inputs, attribution.target, operation, tokens=True) as question:
        cut = cut_of(metric.features, attribution, question)
        chosen = substitutes(metric.replacement, question, cut)
        fills: dict[str, Fill] = {name: filler(question, made) for name, made in chosen.items()}
        race = Race(metric.n_steps, metric.n_random, metric.seed, show, metric.precision)
        curves = race.curves(answering(question, metric.output), cut, feature_values(cut, values, question), fills)
    measure = fall if isinstance(metric, PixelFlipping) else area
    own, random = (
        torch.stack([measure(curve.share, line) for curve, line in zip(curves, lines, strict=True)]).mean(0)
        for lines in ([curve.own for curve in curves], [curve.random for curve in curves])
    )
    gap = random - own if isinstance(metric, Deletion) else own - random
    found = {"features": cut.chosen, "replacement": tuple(fills)}
    return scored(metric, gap, found, own=own, random=random, curves=curves)
