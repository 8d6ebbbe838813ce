"""How a network uses its modules: which give maps or tokens, at which of their calls, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from netlens.capture import hooked
from netlens.explain.question import Question
from netlens.explain.series import Tracker
from netlens.explain.tokens import FromEmbeddings


@dataclass(frozen=True)
class Use:
    """Of the calls of a module, counted from 0: the last one, and the last one that gave maps or tokens; a leaf has no modules of its own.

    `tokens` : how many tokens that call gave; 0 where it gave maps. `series` : how many steps its maps of a series have, (N, K, t).
    """

    last: int
    last_map: int | None
    leaf: bool
    tokens: int = 0
    series: int = 0


Observed = tuple[dict[str, Use], dict[str, int]]


def uses_of(question: Question) -> dict[str, Use]:
    """How the network uses its modules, in the order in which they last gave maps or tokens."""
    return _observed(question)[0]


def tokens_of(question: Question) -> dict[str, int]:
    """The number of tokens of each module that gives any, in the order in which they first did."""
    return _observed(question)[1]


def _observed(question: Question) -> Observed:
    """What one pass shows; taken once for a network and a shape."""
    known, key = question.known, ("uses", question.inputs.shape[1:], question.inputs.dtype)
    if key not in known:
        known[key] = _observe(question)
    found: Observed = known[key]
    return found


def _observe(question: Question) -> Observed:
    found: dict[str, Use] = {}
    tokens: dict[str, int] = {}
    images, texts = question.inputs.ndim == 4, isinstance(question.model.net, FromEmbeddings)
    tracker = Tracker()

    def make(path: str) -> Callable[..., None]:
        def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            before = found.get(path, Use(-1, None, not any(module.children())))
            count = _count(output) if images else 0
            series = 0 if images or texts else tracker.steps(module, inputs, output)
            if count:
                tokens.setdefault(path, count)
            if (
                count
                or series
                or (isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[2] * output.shape[3] > 1)
            ):
                found.pop(path, None)  # a layer used again moves to the end
                found[path] = replace(before, last=before.last + 1, last_map=before.last + 1, tokens=count, series=series)
            else:
                found[path] = replace(before, last=before.last + 1)

        return note

    rows = question.plan.prepare(question.inputs[:1])  # the plan first: what it measures is no call of ours
    paths = [path for path, _ in question.model.net.named_modules() if path]
    with hooked(question.model, paths, make, question.operation), torch.no_grad():
        question.logits(rows)
    return found, tokens


def _count(output: Any) -> int:
    """How many tokens (1, T, D) there are in what a layer gave for one input; 0 for what is none."""
    return int(output.shape[1]) if isinstance(output, torch.Tensor) and output.ndim == 3 and min(output.shape[1:]) > 1 else 0
