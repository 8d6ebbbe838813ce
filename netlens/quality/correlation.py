"""Faithfulness correlation: do the values of hidden features add up to what hiding them changes?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, asking
from netlens.explain.precision import Precision
from netlens.models.model import Model
from netlens.quality.answers import Output, answering
from netlens.quality.base import Direction, Score, elementwise, scored
from netlens.quality.draws import row_generator
from netlens.quality.hiding import Cut, Job, Substitutes, cut_of, feature_values, filler, hidden_scores, substitutes


@dataclass(frozen=True)
class FaithfulnessCorrelation:
    """Hide random sets of features of one size: the correlation between the sum of their values and the fall of the logit.

    Parameters
    ----------
    n_samples : sets to hide. size : features of a set, as a share of all.
    n_random : random rankings to compare with: the same values, dealt out anew to the features. They cost no pass.
    features, replacement, output, precision : as in `Deletion`. Correlations are averaged over the replacements.

    Notes
    -----
    Values: Pearson's correlation less its mean over the random rankings; `own` and `random` hold the correlations. Where the values or
    the falls are all the same, the correlation is 0 by definition. Deviation from the paper: the sets are the parts of random
    divisions of all features, so that each feature is hidden equally often.

    References
    ----------
    Bhatt, Weller and Moura 2020, arXiv:2005.00631.
    """

    name: ClassVar[str] = "faithfulness_correlation"
    direction: ClassVar[Direction] = "higher"
    reference: ClassVar[str] = "arXiv:2005.00631"
    cost: ClassVar[str] = "n_samples forward for each replacement, and 1"

    n_samples: int = 100
    size: float = 0.1
    n_random: int = 10
    features: Cut = None
    replacement: Substitutes = None
    output: Output = "logit"
    seed: int = 0
    precision: Precision = "float32"

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Return the gap of the correlations for each row."""
        operation = "FaithfulnessCorrelation"
        if self.n_samples < 3 or not 0 < self.size <= 0.5 or self.n_random < 1:
            problem = f"n_samples is {self.n_samples}, size {self.size} and n_random {self.n_random}"
            raise ShapeError(operation, problem, expected="at least 3 sets, a size from 0 to 0.5, at least 1 random ranking")
        values = elementwise(attribution, inputs, operation)
        with asking(model, inputs, attribution.target, operation, tokens=True) as question:
            cut = cut_of(self.features, attribution, question)
            chosen = substitutes(self.replacement, question, cut)
            fills = [filler(question, made) for made in chosen.values()]

            def rankings(row: int) -> torch.Tensor:
                orders = self._divisions(row_generator(self.seed, question.inputs[row]), cut.counts[row])
                numbers = torch.arange(orders.shape[1], dtype=torch.int32).expand(orders.shape)
                return torch.empty_like(numbers).scatter_(1, orders, numbers)

            jobs = [self._jobs(count, len(fills)) for count in cut.counts]
            scores = hidden_scores(answering(question, self.output), cut, rankings, jobs, fills, self.precision)
            found = torch.stack(
                [
                    self._correlations(part, scores[row], row_generator(self.seed, question.inputs[row]), len(fills))
                    for row, part in enumerate(feature_values(cut, values, question))
                ]
            )
        own, random = found[:, 0], found[:, 1:].mean(1)
        params = {"features": cut.chosen, "replacement": tuple(chosen)}
        return scored(self, own - random, params, own=own, random=random)

    def _width(self, count: int) -> int:
        """Features of one set."""
        return max(1, round(self.size * count))

    def _divisions(self, draw: torch.Generator, count: int) -> torch.Tensor:
        """Random orders of all features, (orders, features); each is cut into sets."""
        orders = -(-self.n_samples // (count // self._width(count)))
        return torch.stack([torch.randperm(count, generator=draw) for _ in range(orders)])

    def _jobs(self, count: int, fills: int) -> Sequence[Job]:
        width = self._width(count)
        sets = count // width
        places = [divmod(sample, sets) for sample in range(self.n_samples)]
        jobs = [Job(fill, order, part * width, (part + 1) * width) for fill in range(fills) for order, part in places]
        return [Job(0, 0, 0, 0), *jobs]

    def _correlations(self, values: torch.Tensor, scores: torch.Tensor, draw: torch.Generator, fills: int) -> torch.Tensor:
        """The correlation for the values of one row, and for `n_random` shuffles of them: (1 + n_random,)."""
        count, width = len(values), self._width(len(values))
        divisions = self._divisions(draw, count)[:, : count // width * width].flatten()[: self.n_samples * width]
        held = torch.zeros(count, self.n_samples, dtype=torch.float64)  # which features each set holds
        held[divisions, torch.arange(len(divisions)) // width] = 1
        shuffles = torch.stack([torch.arange(count), *(torch.randperm(count, generator=draw) for _ in range(self.n_random))])
        sums = values[shuffles] @ held
        falls = (scores[0] - scores[1:]).view(fills, self.n_samples)
        return pearson(sums.unsqueeze(1), falls).mean(1)


def pearson(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Pearson's correlation along the last axis; 0 where either is constant up to rounding."""
    parts = []
    for values in (one, other):
        centred = values - values.mean(-1, keepdim=True)
        size = centred.norm(dim=-1, keepdim=True)
        steady = size <= 1e-12 * values.norm(dim=-1, keepdim=True)
        parts.append(torch.where(steady, 0.0, centred / size.clamp(min=torch.finfo(values.dtype).tiny)))
    return (parts[0] * parts[1]).sum(-1)
