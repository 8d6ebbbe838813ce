"""What an explanation of a text says, in a few plain sentences whose numbers are computed."""

from __future__ import annotations

import torch

from netlens.explain.base import Attribution
from netlens.explain.description import ELSEWHERE, doubts, in_rules, strongest
from netlens.explain.tokens_absent import blanked, reader_of
from netlens.explain.tokens_words import Texts
from netlens.explain.wording import joined, percent
from netlens.models.model import Model
from netlens.seeding import generator

NAMED = 4  # words; more are counted


def describe_texts(model: Model, texts: Texts, attribution: Attribution) -> list[str]:
    """Say for each text what the network reads, which words speak most for it, and what becomes of it without them.

    The words are the fewest that hold half of the positive evidence. As many words, drawn at random, are the comparison.

    Parameters
    ----------
    attribution : of these texts, by `explain.text`.

    Notes
    -----
    Cost: 18 forward passes a text. Same texts, same sentences: the random words have a seed of their own.
    """
    ids = reader_of(model, "describe").encode([texts] if isinstance(texts, str) else texts).ids
    chances = model.logits(ids).double().softmax(1)
    empty = blanked(None, model, ids, "describe")[0]
    said = []
    for row, words in enumerate(attribution.params["words"]):
        target, read = int(attribution.target[row]), int(chances[row].argmax())
        before = float(chances[row, target])
        opening = f"The network reads “{model.classes[read]}” with {percent(float(chances[row, read]))}."
        if target != read:
            opening = f"The network reads “{model.classes[read]}”; to “{model.classes[target]}” it gives {percent(before)}."
        values = attribution.params["feature_values"][row, : len(words)]
        chosen = strongest(values)
        if chosen is None:
            against = "; what was found speaks against it" if bool((values < 0).any()) else ", and none against it"
            said.append(f"{opening} No positive evidence was found: no word speaks for it{against}.")
            continue
        after, elsewhere = _without(model, ids[row], empty[row], attribution.params["feature_map"][row], chosen, target)
        verb = "weigh" if attribution.params.get("over") in ("length", "attention") else "speak"
        sentence = _sentence(words, chosen, verb, (before, after, elsewhere))
        uncertain = doubts(attribution, row) if verb == "speak" else []
        said.append(" ".join([opening, sentence, *uncertain, *in_rules(attribution, row)]))
    return said


def _without(
    model: Model, ids: torch.Tensor, empty: torch.Tensor, word_of: torch.Tensor, chosen: torch.Tensor, target: int
) -> tuple[float, float]:
    """The probability of a class without the chosen words, and the mean one without as many others."""
    draw = generator(0)
    masks = [chosen, *(chosen[torch.randperm(len(chosen), generator=draw)] for _ in range(ELSEWHERE))]
    hidden = torch.nn.functional.pad(torch.stack(masks), (0, 1))[:, word_of]  # the last one: tokens of no word
    chances = model.logits(torch.where(hidden, empty, ids)).double().softmax(1)[:, target]
    return float(chances[0]), float(chances[1:].mean())


def _sentence(words: tuple[str, ...], chosen: torch.Tensor, verb: str, chances: tuple[float, float, float]) -> str:
    """What becomes of the probability without the chosen words; `chances` as it is, without them, and without others."""
    before, after, elsewhere = chances
    what = "most for it" if verb == "speak" else "most"
    places = chosen.nonzero().flatten().tolist()
    named = joined([f"“{words[place]}”" for place in places])
    who = f"{named}, which {verb}{'s' if len(places) == 1 else ''} {what}," if len(places) <= NAMED else ""
    who = who or f"the {len(places)} of {len(words)} words that {verb} {what}"
    change = f"drops to {percent(after)}" if after < before else f"rises to {percent(after)}"
    if percent(after) == percent(before):
        change = f"stays at {percent(after)}"
    others = "another word" if len(places) == 1 else "as many words at random"
    return f"Without {who} this {change}; without {others} it is {percent(elsewhere)} on average."
