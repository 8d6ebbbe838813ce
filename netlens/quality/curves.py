"""Curves: the model's answer while an input is hidden or shown feature by feature, against random rankings of the same features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Question
from netlens.explain.features import FeatureMap
from netlens.explain.precision import Precision
from netlens.quality.base import Curve
from netlens.quality.draws import positions, row_generator
from netlens.quality.hiding import Fill, Job, hidden_scores


@dataclass(frozen=True)
class Race:
    """How curves are drawn: `n_steps` equal groups of features, `n_random` random rankings, features shown rather than hidden."""

    n_steps: int
    n_random: int
    seed: int
    show: bool
    precision: Precision

    def curves(
        self, question: Question, cut: FeatureMap, values: Sequence[torch.Tensor], fills: dict[str, Fill]
    ) -> tuple[Curve, ...]:
        """Draw one curve for each fill: the answer along the ranking of `values`, and along the random ones.

        Parameters
        ----------
        values : for each row the value of each feature; the greatest comes first.
        """
        _check(question.operation, self.n_steps, self.n_random)
        steps = [min(self.n_steps, count) for count in cut.counts]
        cuts = [[round(count * step / most) for step in range(most + 1)] for count, most in zip(cut.counts, steps, strict=True)]

        def rankings(row: int) -> torch.Tensor:
            return positions(values[row], self.n_random, row_generator(self.seed, question.inputs[row]))

        jobs = [self._jobs(edges, len(fills)) for edges in cuts]
        scores = hidden_scores(question, cut, rankings, jobs, list(fills.values()), self.precision)
        lines = torch.stack([self._lines(part, len(fills), max(steps) + 1) for part in scores], 1)
        whole = [edges + edges[-1:] * (max(steps) + 1 - len(edges)) for edges in cuts]
        share = torch.tensor(whole, dtype=torch.float64) / torch.tensor(cut.counts).unsqueeze(1)
        return tuple(Curve(name, share, line[:, 0], line[:, 1:].mean(1)) for name, line in zip(fills, lines, strict=True))

    def _jobs(self, edges: list[int], fills: int) -> list[Job]:
        """The input as it is; then for each fill all of it hidden, and the inner points of each ranking."""
        count, inner = edges[-1], edges[1:-1]
        jobs = [Job(0, 0, 0, 0)]
        for fill in range(fills):
            jobs.append(Job(fill, 0, 0, count))
            for ranking in range(self.n_random + 1):
                jobs += [Job(fill, ranking, edge, count) if self.show else Job(fill, ranking, 0, edge) for edge in inner]
        return jobs

    def _lines(self, scores: torch.Tensor, fills: int, points: int) -> torch.Tensor:
        """The answers of one row along each ranking, (fills, 1 + n_random, points); a row with fewer features stays where it ends."""
        rest = scores[1:].view(fills, -1)
        inner = rest[:, 1:].view(fills, self.n_random + 1, -1)
        whole, empty = (end.expand(fills, self.n_random + 1).unsqueeze(2) for end in (scores[0], rest[:, :1]))
        line = torch.cat([empty, inner, whole] if self.show else [whole, inner, empty], 2)
        return torch.cat([line, line[..., -1:].expand(-1, -1, points - line.shape[2])], 2)


def area(share: torch.Tensor, line: torch.Tensor) -> torch.Tensor:
    """The area under curves (N, S), by trapezoids: the mean answer."""
    return torch.trapezoid(line, share, dim=1)


def fall(share: torch.Tensor, line: torch.Tensor) -> torch.Tensor:
    """How far the answer lies below the first one, on average over all points of curves (N, S); a point that comes again counts once."""
    fresh = share.diff(dim=1, prepend=share[:, :1] - 1) > 0
    return line[:, 0] - (line * fresh).sum(1) / fresh.sum(1)


def _check(operation: str, n_steps: int, n_random: int) -> None:
    if n_steps < 2 or n_random < 1:
        problem = f"n_steps is {n_steps} and n_random is {n_random}"
        raise ShapeError(operation, problem, expected="at least 2 steps and 1 random ranking")
