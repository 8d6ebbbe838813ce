"""Hiding: features of each input hidden by their places in rankings, through the network in one stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Question
from netlens.explain.features import FeatureMap, Features, feature_map, is_image
from netlens.explain.numbers import are_tokens
from netlens.explain.perturbation import Stream
from netlens.explain.precision import Precision
from netlens.explain.replacement import Replacement, replacement
from netlens.explain.tokens_absent import wordless

Substitute = Replacement | Literal["flip"]
Substitutes = Substitute | tuple[Substitute, ...]
Cut = Features | Literal["own"]
Fill = Callable[[torch.Tensor, int, torch.Tensor], None]
"""`fill(out, row, hidden)` writes copies of a row (K, ...) in which the elements `hidden`, which broadcasts to them, are replaced."""


@dataclass(frozen=True)
class Job:
    """One copy of an input: by fill number `fill`, hide the features whose place in ranking `ranking` is in `low` ... `high` - 1."""

    fill: int
    ranking: int
    low: int
    high: int


def hidden_scores(
    question: Question,
    cut: FeatureMap,
    rankings: Callable[[int], torch.Tensor],
    jobs: Sequence[Sequence[Job]],
    fills: Sequence[Fill],
    precision: Precision = "float32",
) -> list[torch.Tensor]:
    """Score the copies that `jobs[row]` asks for: for each row (jobs,), float64.

    Parameters
    ----------
    rankings : gives for a row the place of each feature in each ranking, (rankings, features).
    """
    tables = [torch.tensor([(job.fill, job.ranking, job.low, job.high) for job in row]) for row in jobs]
    kept: dict[int, torch.Tensor] = {}

    def places(row: int) -> torch.Tensor:
        if row not in kept:
            kept.clear()  # one row at a time: at 224 x 224 pixels each ranking takes 200 kB
            kept[row] = rankings(row)[:, cut.index[row]].to(question.inputs.device)
        return kept[row]

    def write(out: torch.Tensor, row: int, ids: torch.Tensor) -> None:
        where, asked = places(row), tables[row][ids]
        for fill in sorted(set(asked[:, 0].tolist())):
            chosen = (asked[:, 0] == fill).nonzero().flatten()
            low, high = (asked[chosen, column].to(where).view(-1, *[1] * (where.ndim - 1)) for column in (2, 3))
            place = where[asked[chosen, 1]]
            first, last = int(chosen[0]), int(chosen[-1]) + 1  # jobs are sorted by fill
            fills[fill](out[first:last], row, (place >= low) & (place < high))

    return Stream(question, precision).scores([len(row) for row in jobs], write)


def cut_of(choice: Cut, attribution: Attribution, question: Question) -> FeatureMap:
    """Cut the inputs into the features that are hidden: `own`, those of the attribution; None, pixels, steps or columns.

    What belongs to no word of a text, such as padding, is counted to its first word: hiding it changes nothing, and as a feature of its
    own it would let a map that puts it last beat the random rankings.

    Raises
    ------
    ShapeError : the attribution has no features of its own, or the features do not fit.
    """
    model, inputs, operation = question.model, question.inputs, question.operation
    if isinstance(choice, str) and choice == "own":
        choice = attribution.params.get("feature_map")
        if choice is None:
            problem = f"the features of the attribution were asked for, and {attribution.method} has none"
            raise ShapeError(operation, problem, remedy="Use features=None for pixels, or features='grid'.")
    if are_tokens(inputs):
        cut = feature_map(choice, model, inputs, operation)
        apart = wordless(model, inputs, operation).cpu()
        first = cut.index.gather(1, (~apart).int().argmax(1, keepdim=True))
        return replace(feature_map(torch.where(apart, first, cut.index), model, inputs, operation), chosen=cut.chosen)
    if choice is None:
        choice = {2: "columns", 3: "steps"}.get(inputs.ndim, "pixels")  # type: ignore[assignment]
    return feature_map(choice, model, inputs, operation)


def feature_values(cut: FeatureMap, values: torch.Tensor, question: Question) -> list[torch.Tensor]:
    """Add up the values of elements (N, ...) by feature, without what belongs to no word of a text: for each row (features,), float64."""
    if are_tokens(question.inputs):
        values = torch.where(wordless(question.model, question.inputs, question.operation).cpu(), 0.0, values)
    return [
        torch.bincount(cut.index[row].expand(part.shape).flatten(), part.flatten().double(), cut.counts[row])
        for row, part in enumerate(values)
    ]


def substitutes(choice: Substitutes, question: Question, cut: FeatureMap | None) -> dict[str, torch.Tensor]:
    """Make what replaces hidden features, by name, each shaped like the inputs.

    Parameters
    ----------
    choice : one or several of `netlens.explain.replacement`, or `flip`, each value mirrored in the range of its channel. None for
        several that fit: `black` and `blur` for images, `zero` and `mean` for sequences, `zero` for tables; for ids of tokens the one
        that the network knows best.
    """
    model, inputs, operation = question.model, question.inputs, question.operation
    if are_tokens(inputs):
        choice = (None,) if choice is None else choice
    elif choice is None:
        usual = {3: ("zero", "mean"), 4: ("black", "blur") if is_image(model, inputs) else ("zero", "blur")}
        choice = usual.get(inputs.ndim, ("zero",))  # type: ignore[assignment]
    several = choice if isinstance(choice, tuple) else (choice,)
    if not several:
        raise ShapeError(operation, "no replacement was given", expected="at least one")
    found: dict[str, torch.Tensor] = {}
    for one in several:
        if isinstance(one, str) and one == "flip" and not are_tokens(inputs):
            made, name = flipped(inputs), "flip"
        else:
            made, name = replacement(cast("Replacement", one), model, inputs, cut, operation)
        found[name if name not in found else f"{name} {len(found) + 1}"] = made
    return found


def flipped(inputs: torch.Tensor) -> torch.Tensor:
    """Each value mirrored in the range of its channel: what was darkest becomes brightest."""
    axes = tuple(range(2, inputs.ndim)) or (1,)
    return inputs.amin(axes, keepdim=True) + inputs.amax(axes, keepdim=True) - inputs


def filler(question: Question, substitute: torch.Tensor) -> Fill:
    """Fill what is hidden with a substitute (N, ...)."""

    def fill(out: torch.Tensor, row: int, hidden: torch.Tensor) -> None:
        torch.where(hidden, substitute[row], question.inputs[row], out=out)

    return fill
