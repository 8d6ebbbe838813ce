"""Perturbed inputs through the network: one stream at the best chunk size, written in place into one buffer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from netlens.errors import ModelError
from netlens.explain.base import Question
from netlens.explain.features import FeatureMap, Features, feature_map
from netlens.explain.precision import TRIAL, WORTHWHILE, Precision, faithful, reduced
from netlens.explain.replacement import Replacement, replacement
from netlens.models.twin import twin

Write = Callable[[torch.Tensor, int, torch.Tensor], None]


class Stream:
    """Scores of perturbed inputs.

    `expected` : how many copies of a row there will be in all, when they come in several calls. `precisions` : by row, what its passes
    ran in, once it is settled.
    """

    def __init__(self, question: Question, precision: Precision = "float32", expected: int = 0) -> None:
        self.question, self._expected = question, expected
        self.precisions: dict[int, str] = {}
        self._try_reduced = reduced(question, precision)
        self._buffer: torch.Tensor | None = None

    def scores(self, counts: Sequence[int], write: Write) -> list[torch.Tensor]:
        """Score `counts[row]` perturbed copies of each row.

        Parameters
        ----------
        write : `write(out, row, ids)` fills `out` with the copies `ids` of row `row`.

        Returns
        -------
        For each row its scores (counts[row],), float64 on the CPU: the logit of the row's target.
        """
        scores = [torch.empty(count, dtype=torch.float64) for count in counts]
        waiting = {row: torch.arange(count) for row, count in enumerate(counts) if count}
        if self._try_reduced:
            self._trial(waiting, write, scores)
        for precision in ("float32", "bfloat16"):
            items = [item for item in waiting.items() if self.precisions.get(item[0], "float32") == precision]
            for (row, ids), part in zip(items, self._run(items, write, precision), strict=True):
                scores[row][ids] = part
        return scores

    def _trial(self, waiting: dict[int, torch.Tensor], write: Write, scores: list[torch.Tensor]) -> None:
        """Settle the precision of the rows that have enough copies to be worth it; the trial's full scores are kept."""
        items = []
        for row, ids in waiting.items():
            if row not in self.precisions and len(ids) >= TRIAL and (self._expected or len(ids)) >= WORTHWHILE * TRIAL:
                items.append((row, torch.linspace(0, len(ids) - 1, TRIAL).round().long()))
        full, short = (self._run(items, write, precision) for precision in ("float32", "bfloat16"))
        for (row, trial), exact, rounded in zip(items, full, short, strict=True):
            self.precisions[row] = "bfloat16" if faithful(exact, rounded) else "float32"
            scores[row][trial] = exact
            waiting[row] = waiting[row][~torch.isin(waiting[row], trial)]

    def _run(self, items: list[tuple[int, torch.Tensor]], write: Write, precision: str) -> list[torch.Tensor]:
        """Score copies `ids` of each row, all in one stream; one tensor an item."""
        total = sum(len(ids) for _, ids in items)
        if total == 0:
            return [torch.empty(0, dtype=torch.float64) for _ in items]
        target = torch.cat([self.question.target[row].expand(len(ids)) for row, ids in items])
        found, done = [], 0
        for part in _chunks(items, total, self.question.rows):
            buffer = self._room(sum(len(ids) for _, ids in part))
            start = 0
            for row, ids in part:
                write(buffer[start : start + len(ids)], row, ids)
                start += len(ids)
            found.append(self._forward(buffer, target[done : done + start], precision))
            done += start
        scores = torch.cat(found).double().cpu()
        return list(torch.split(scores, [len(ids) for _, ids in items]))

    def _room(self, rows: int) -> torch.Tensor:
        """A buffer of so many rows, made once; contiguous, for to fill another layout costs more than to turn it for the network."""
        if self._buffer is None or len(self._buffer) < rows:
            inputs = self.question.inputs
            self._buffer = inputs.new_empty(rows, *inputs.shape[1:])
        return self._buffer[:rows]

    def _forward(self, inputs: torch.Tensor, target: torch.Tensor, precision: str) -> torch.Tensor:
        if precision == "float32":
            with torch.no_grad():
                return self.question.scores(inputs, target)
        with torch.no_grad(), torch.autocast(inputs.device.type, torch.bfloat16, cache_enabled=False):
            return self._short.scores(inputs, target)

    @cached_property
    def _short(self) -> Question:
        """The question to a network of the same weights, those of products cast once."""
        question = self.question
        try:
            layout = question.plan.layout(question.rows)
            return question.to_twin(twin(question.model.net, question.operation, short=layout))
        except ModelError:  # it cannot be copied: autocast casts at every pass
            return question


@dataclass(frozen=True)
class Game:
    """Features as players: shown, they are the input's; hidden, the replacement's.

    `players[row]` : the features whose replacement differs from the input at all. The others change nothing and need no pass.
    `full`, `empty` : (N,) the scores with everything shown and everything hidden, float64.
    """

    stream: Stream
    features: FeatureMap
    substitute: torch.Tensor
    chosen: str
    players: tuple[torch.Tensor, ...]

    @cached_property
    def _index(self) -> torch.Tensor:
        """Which player each element belongs to; the elements of no player share the number after the last."""
        index = torch.empty_like(self.features.index)
        for row, players in enumerate(self.players):
            number = torch.full((self.features.counts[row],), len(players))
            number[players] = torch.arange(len(players))
            index[row] = number[self.features.index[row]]
        return index.to(self.substitute.device)

    @cached_property
    def ends(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The scores of each row as it is, and with every feature hidden: two of (N,), float64."""
        masks = [torch.tensor([[True], [False]]).expand(2, len(players)) for players in self.players]
        full, empty = torch.stack(self.scores(masks), 1)
        return full, empty

    def scores(self, presence: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Score coalitions: `presence[row]` (S, players) says who is shown; gives (S,) for each row, float64."""
        return list(self.of(dict(enumerate(presence))).values())

    def of(self, presence: dict[int, torch.Tensor]) -> dict[int, torch.Tensor]:
        """Score coalitions (S, players) of some rows, in one stream: (S,) for each, float64."""
        inputs, device = self.stream.question.inputs, self.substitute.device
        shown = {row: torch.nn.functional.pad(masks.to(device), (0, 1), value=True) for row, masks in presence.items()}

        def write(out: torch.Tensor, row: int, ids: torch.Tensor) -> None:
            index = self._index[row]
            visible = shown[row][ids.to(device)].gather(1, index.flatten().expand(len(ids), -1))  # index_select is slow with bool
            torch.where(visible.view(len(ids), *index.shape), inputs[row], self.substitute[row], out=out)

        found = self.stream.scores([len(presence[row]) if row in presence else 0 for row in range(len(inputs))], write)
        return {row: found[row] for row in presence}


def game(question: Question, features: Features, hidden: Replacement, precision: Precision = "float32") -> Game:
    """Set up the features of a question, and what replaces them.

    Raises
    ------
    ShapeError : features or replacement do not fit the inputs.
    """
    cut = feature_map(features, question.model, question.inputs, question.operation)
    substitute, chosen = replacement(hidden, question.model, question.inputs, cut, question.operation)
    differs = (question.inputs != substitute).cpu()
    players = []
    for row, count in enumerate(cut.counts):
        touched = cut.index[row].expand(differs[row].shape)[differs[row]]
        players.append(torch.bincount(touched, minlength=count).nonzero().flatten())
    return Game(Stream(question, precision), cut, substitute, chosen, tuple(players))


def _chunks(items: list[tuple[int, torch.Tensor]], total: int, rows: int) -> list[list[tuple[int, torch.Tensor]]]:
    """Cut the items into chunks of about equal size, at most `rows` copies each."""
    size = -(-total // -(-total // rows))
    chunks: list[list[tuple[int, torch.Tensor]]] = [[]]
    room = size
    for row, ids in items:
        while len(ids):
            if room == 0:
                chunks.append([])
                room = size
            chunks[-1].append((row, ids[:room]))
            taken = min(room, len(ids))
            ids, room = ids[taken:], room - taken
    return chunks


def shares(cut: FeatureMap, values: Sequence[torch.Tensor], shape: torch.Size) -> torch.Tensor:
    """Give each element of inputs of this shape, (N, ...), its equal share of its feature's value, so that sums are kept."""
    spread = torch.empty(shape, dtype=torch.float64)
    for row, part in enumerate(values):
        spread[row] = (part / cut.sizes(row, shape[1:]))[cut.index[row]]
    return spread.float()


def table(cut: FeatureMap, values: Sequence[torch.Tensor]) -> torch.Tensor:
    """Values by feature, (N, most features of a row), NaN where a row has fewer."""
    width = max(cut.counts)
    return torch.stack([torch.nn.functional.pad(part.double(), (0, width - len(part)), value=torch.nan) for part in values])
