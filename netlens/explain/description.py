"""What an explanation says, in a few plain sentences whose numbers are computed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Question, asking
from netlens.explain.features import Columns
from netlens.explain.replacement import REPLACEMENTS, Replacement, replacement
from netlens.explain.series import AXIS, enlarge, time_axis
from netlens.explain.wording import joined, percent, with_article
from netlens.models.model import Model
from netlens.seeding import generator

SHARE = 0.5  # of the positive evidence, which the part that is hidden holds
ELSEWHERE = 16
CERTAIN = 1.96  # standard errors
STRETCHES = 3  # of a series that a sentence can name
NOTHING = 1e-6  # beside the largest value, this is rounding


def describe(
    model: Model,
    inputs: torch.Tensor,
    attribution: Attribution,
    *,
    replacement: Replacement = None,
    names: Sequence[str] = (),
) -> list[str]:
    """Say for each input what the network reads, where the evidence is, and what becomes of it when that is hidden.

    The part that is hidden is the smallest that holds half of the positive evidence. The same part, moved to places drawn at random,
    is the comparison.

    Parameters
    ----------
    attribution : of these inputs; a map of a layer is enlarged to their size. Where a network convolves along a series, places are
        steps of time, and what is hidden of them is named as stretches.
    replacement : what is put in the place of what is hidden; see `netlens.explain.replacement`. Without one, what the attribution used
        where it has a name, else `black` for images and `zero` for anything else.
    names : of the columns or steps; their numbers without.

    Raises
    ------
    ShapeError : the attribution is not of these inputs.

    Notes
    -----
    Cost: 18 forward passes per input. Same inputs, same sentences: the random places have a seed of their own.
    """
    with asking(model, inputs, attribution.target, "describe") as question:
        axis = _steps(question, attribution)
        evidence = _evidence(attribution, question.inputs, axis)
        hidden = _hidden(question, attribution, replacement)
        chance = _probabilities(question, question.inputs, question.target)
        with torch.no_grad():
            read = question.chunked(lambda part: question.logits(part).argmax(1), question.inputs)
        texts = []
        for row, values in enumerate(evidence):
            noun = _noun(question.inputs, axis)
            opening = _opening(model, int(question.target[row]), int(read[row]), float(chance[row]), noun)
            chosen = strongest(values)
            if chosen is None:
                sentences = [opening, _nothing(values, noun)]
            else:
                after, elsewhere = _hide(question, row, chosen, hidden[row], axis)
                part = _Part(chosen, noun, tuple(names))
                sentences = [opening, part.sentence(float(chance[row]), after, elsewhere), *doubts(attribution, row)]
            texts.append(" ".join([*sentences, *in_rules(attribution, row, names)]))
        return texts


@dataclass(frozen=True)
class _Part:
    """What was hidden of one input: where, of what, and the names of its places."""

    chosen: torch.Tensor
    noun: str
    names: tuple[str, ...]

    def sentence(self, before: float, after: float, elsewhere: float) -> str:
        change = f"drops this to {percent(after)}" if percent(after) != percent(before) else "changes nothing"
        if after > before and percent(after) != percent(before):
            change = f"raises this to {percent(after)}"
        return f"Hiding {self._said()} {change}; hiding as much elsewhere leaves {percent(elsewhere)} on average."

    def _said(self) -> str:
        places = self.chosen.flatten().nonzero().flatten().tolist()
        if self.noun == "series" and len(parts := stretches(places)) <= STRETCHES:
            named = ["step" if first == last else "steps" for first, last in parts]
            ends = [self._ends(first, last) for first, last in parts]
            said = joined([f"{kind} {end}" for kind, end in zip(named, ends, strict=True)])
            share = percent(len(places) / self.chosen.numel())
            return f"{said}, the {share} of the series that {'speaks' if len(parts) == 1 else 'speak'} most for it,"
        if self.noun == "image" or len(places) > 4:
            return f"the {percent(len(places) / self.chosen.numel())} of the {self.noun} that speaks most for it"
        kind = {"row": "column", "sequence": "step", "series": "step"}[self.noun] + ("s" if len(places) > 1 else "")
        said = joined([f"'{self.names[place]}'" if self.names else str(place + 1) for place in places])
        return f"{said}, which {'speaks' if len(places) == 1 else 'speak'} most for it," if self.names else f"{kind} {said}"

    def _ends(self, first: int, last: int) -> str:
        one, other = (f"'{self.names[place]}'" if self.names else str(place + 1) for place in (first, last))
        return one if first == last else f"{one} to {other}"


def stretches(places: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending places as stretches without a gap, each its first and its last.

    >>> stretches([3, 4, 5, 9])
    [(3, 5), (9, 9)]
    """
    parts: list[tuple[int, int]] = []
    for place in places:
        if parts and parts[-1][1] == place - 1:
            parts[-1] = parts[-1][0], place
        else:
            parts.append((place, place))
    return parts


def _opening(model: Model, target: int, read: int, chance: float, noun: str) -> str:
    """What the network says: it reads an 8 in an image, and answers “benign” to anything else."""

    def called(name: str) -> str:
        return with_article(name) if noun == "image" else f"“{name}”"

    verb = "reads" if noun == "image" else "answers"
    if target == read:
        return f"The network {verb} {called(model.classes[target])} with {percent(chance)}."
    return f"The network {verb} {called(model.classes[read])}; to {called(model.classes[target])} it gives {percent(chance)}."


def _nothing(values: torch.Tensor, noun: str) -> str:
    against = bool((values < 0).any())
    rest = "; what was found speaks against it" if against else ", and none against it"
    return f"No positive evidence was found: no part of the {noun} speaks for it{rest}."


def doubts(attribution: Attribution, row: int) -> list[str]:
    """What stands against relying on the attribution."""
    said = []
    if attribution.complete is not None and attribution.error is not None and not attribution.complete[row]:
        missed = percent(float(attribution.error[row]))
        said.append(f"Do not rely on this: the values miss what they should add up to by {missed}.")
    values, spread = (attribution.params.get(f"feature_{part}") for part in ("values", "spread"))
    if isinstance(values, torch.Tensor) and isinstance(spread, torch.Tensor):
        size, error = values[row].nan_to_num().abs(), spread[row].nan_to_num()
        taking_part = torch.maximum(size, error) > NOTHING * size.max()
        open_sign = int((taking_part & (size < CERTAIN * error)).sum())
        if open_sign:
            said.append(f"The sign of {open_sign} of {int(taking_part.sum())} features is not certain.")
    return said


def in_rules(attribution: Attribution, row: int, names: Sequence[str] = ()) -> list[str]:
    """The rules of a method that finds any, after how far they may be believed; columns by their names where there are some."""
    rules, fidelity = (attribution.params.get(name) for name in ("rules", "fidelity"))
    if not rules or not rules[row] or not isinstance(fidelity, torch.Tensor):
        return []
    explained = f"explain {percent(float(fidelity[row]))}" if fidelity[row] > 0 else "explain nothing"
    return [
        f"As rules, which {explained} of how the logit varies over copies held out:",
        *(_naming(rule, attribution, names) for rule in rules[row]),
    ]


def _naming(rule: str, attribution: Attribution, names: Sequence[str]) -> str:
    if not names or attribution.params.get("features") != str(Columns()):
        return rule
    return re.sub(r"\bcolumn (\d+)", lambda match: f"'{names[int(match[1]) - 1]}'", rule)


def _steps(question: Question, attribution: Attribution) -> int:
    """The axis of time in the inputs, as the attribution names it or the network convolves along it; 0 where there is none."""
    if AXIS in attribution.params:
        return int(attribution.params[AXIS])
    return (time_axis(question) or 0) if question.inputs.ndim <= 3 else 0


def _evidence(attribution: Attribution, inputs: torch.Tensor, axis: int) -> torch.Tensor:
    """The value of each place, all channels together: (N, H, W), (N, steps) or (N, columns)."""
    values = attribution.values
    if values.ndim == 4 and inputs.ndim == 4 and len(values) == len(inputs):
        return enlarge(values.sum(1, keepdim=True), inputs.shape).squeeze(1)
    if values.shape == inputs.shape and values.ndim <= 3:
        return values.sum(3 - (axis or 1)) if values.ndim == 3 else values
    if values.ndim == 3 and values.shape[:2] == (len(inputs), 1) and axis and inputs.ndim <= 3:
        return enlarge(values, inputs.shape, axis).flatten(1)
    problem = f"the attribution is shaped {tuple(values.shape)} and the inputs {tuple(inputs.shape)}"
    raise ShapeError("describe", problem, expected="an attribution of these inputs")


def strongest(values: torch.Tensor) -> torch.Tensor | None:
    """The smallest part that holds half of the positive evidence; None when there is none. Equal values belong together."""
    flat = values.flatten().double()
    if flat.max() <= NOTHING * flat.abs().max():
        return None
    ranked = flat.clamp(min=0).sort(descending=True)
    enough = int((ranked.values.cumsum(0) < SHARE * ranked.values.sum()).sum())
    return (flat >= ranked.values[min(enough, len(flat) - 1)] * (1 - 1e-6)).view(values.shape)


def _hidden(question: Question, attribution: Attribution, choice: Replacement) -> torch.Tensor:
    used = attribution.params.get("replacement", attribution.params.get("baseline"))
    if choice is None and used in REPLACEMENTS and used != "inpaint":
        choice = used
    return replacement(choice, question.model, question.inputs, None, "describe")[0]


def _hide(question: Question, row: int, chosen: torch.Tensor, hidden: torch.Tensor, axis: int) -> tuple[float, float]:
    """The probability of a row's class with the chosen part hidden, and the mean one with as much hidden elsewhere."""
    draw = generator(0)
    masks = [chosen]
    for _ in range(ELSEWHERE):
        if question.inputs.ndim == 2 and not axis:
            masks.append(chosen[torch.randperm(len(chosen), generator=draw)])
        else:
            moves = tuple(int(torch.randint(side, (), generator=draw)) for side in chosen.shape)
            masks.append(torch.roll(chosen, moves, tuple(range(chosen.ndim))))
    covered = torch.stack(masks).to(hidden.device)
    if question.inputs.ndim > 2:
        covered = covered.unsqueeze(1 if question.inputs.ndim == 4 or axis == 2 else 2)
    points = torch.where(covered, hidden, question.inputs[row])
    chances = _probabilities(question, points, question.target[row].expand(len(points)))
    return float(chances[0]), float(chances[1:].mean())


def _probabilities(question: Question, points: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        logits = question.chunked(question.logits, points)
    return logits.double().softmax(1).gather(1, target.unsqueeze(1)).squeeze(1).cpu()


def _noun(inputs: torch.Tensor, axis: int) -> str:
    return "series" if axis else {4: "image", 3: "sequence"}.get(inputs.ndim, "row")
