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
        steps = min(self.n_steps, *cut.counts)
        cuts = [[round(count * step / steps) for step in range(steps + 1)] for count in cut.counts]

        def rankings(row: int) -> torch.Tensor:
            return positions(values[row], self.n_random, row_generator(self.seed, question.inputs[row]))

        jobs = [self._jobs(edges, len(fills)) for edges in cuts]
        scores = torch.stack(hidden_scores(question, cut, rankings, jobs, list(fills.values()), self.precision))
        whole, rest = scores[:, :1], scores[:, 1:].view(len(scores), len(fills), -1)
        share = torch.tensor(cuts, dtype=torch.float64) / torch.tensor(cut.counts).unsqueeze(1)
        return tuple(
            self._curve(name, share, whole, rest[:, number, :1], rest[:, number, 1:]) for number, name in enumerate(fills)
        )

    def _jobs(self, edges: list[int], fills: int) -> list[Job]:
        """The input as it is; then for each fill all of it hidden, and the inner points of each ranking."""
        count, inner = edges[-1], edges[1:-1]
        jobs = [Job(0, 0, 0, 0)]
        for fill in range(fills):
            jobs.append(Job(fill, 0, 0, count))
            for ranking in range(self.n_random + 1):
                jobs += [Job(fill, ranking, edge, count) if self.show else Job(fill, ranking, 0, edge) for edge in inner]
        return jobs

    def _curve(self, name: str, share: torch.Tensor, whole: torch.Tensor, empty: torch.Tensor, inner: torch.Tensor) -> Curve:
        points = inner.view(len(inner), self.n_random + 1, -1)
        first, last = (empty, whole) if self.show else (whole, empty)
        ends = [end.unsqueeze(1).expand(-1, self.n_random + 1, 1) for end in (first, last)]
        lines = torch.cat([ends[0], points, ends[1]], 2)
        return Curve(name, share, lines[:, 0], lines[:, 1:].mean(1))


def area(share: torch.Tensor, line: torch.Tensor) -> torch.Tensor:
    """The area under curves (N, S), by trapezoids: the mean answer."""
    return torch.trapezoid(line, share, dim=1)


def fall(line: torch.Tensor) -> torch.Tensor:
    """How far the answer lies below the first one, on average over all points of curves (N, S)."""
    return line[:, 0] - line.mean(1)


def _check(operation: str, n_steps: int, n_random: int) -> None:
    if n_steps < 2 or n_random < 1:
        problem = f"n_steps is {n_steps} and n_random is {n_random}"
        raise ShapeError(operation, problem, expected="at least 2 steps and 1 random ranking")
