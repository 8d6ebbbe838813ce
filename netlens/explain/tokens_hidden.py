"""Texts explained by hiding words: every method of perturbation, with words as its features."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import nn

from netlens.errors import ShapeError, UsageError
from netlens.explain.base import Attribution, Explainer, asking, params_of
from netlens.explain.occlusion import Occlusion
from netlens.explain.perturbation import game
from netlens.explain.regression import Fit
from netlens.explain.sampled import attribution
from netlens.explain.tokens_absent import blanked, reader_of
from netlens.models.model import Model
from netlens.seeding import generator

if TYPE_CHECKING:
    from netlens.explain.tokens_words import Group

DRAWS = 8  # texts of drawn words that values are averaged over


def by_hiding(method: Explainer, group: Group, pool: torch.Tensor | None, operation: str) -> Attribution:
    """Explain texts of one length by a method that hides parts of them: here words; values by token, and in `params` by word."""
    own = getattr(method, "replacement", None)
    if getattr(method, "features", None) is not None or (own is not None and group.absent):
        problem = f"{method.name} was given features of its own" if own is None else f"{method.name} has a replacement of its own"
        remedy = (
            "explain.text hides words and lets `absent` stand for them; call the method itself on token ids for anything else."
        )
        raise UsageError(operation, problem, remedy=remedy)
    count = group.word_of.amax(1) + 1
    if bool((count < 2).any()):
        row = int((count < 2).nonzero()[0])
        raise ShapeError(
            operation, f"text {row} has one word only", expected="two words or more: one alone has nothing to be compared with"
        )
    words = torch.where(group.word_of < 0, count.unsqueeze(1), group.word_of)
    model, several, chosen = _substitutes(group, own, pool, operation)
    found = [_ask(method, model, group, words, one) for one in several]
    return _told(_mean(found), count, chosen)


def _substitutes(group: Group, own: Any, pool: torch.Tensor | None, operation: str) -> tuple[Model, list[torch.Tensor], str]:
    """The model to ask, what stands where words are hidden, once or several times, and what that is called."""
    if group.absent == "delete":
        pad = reader_of(group.model, operation).pad
        return (
            replace(group.model, net=Closed(group.model.net, pad)),
            [blanked("pad", group.model, group.ids, operation)[0]],
            "delete",
        )
    if pool is not None:
        draw = generator(0)
        drawn = [pool[torch.randint(len(pool), group.ids.shape[1:], generator=draw)] for _ in range(DRAWS)]
        return group.model, [torch.where(group.word_of < 0, group.ids, one) for one in drawn], "drawn"
    if group.absent == "zero":
        remedy = "Use 'unk', 'mask', 'pad' or 'delete'."
        raise UsageError(operation, "absent is 'zero', and a method that hides words needs a token in their place", remedy=remedy)
    blank, chosen = blanked(own if own is not None else group.absent or None, group.model, group.ids, operation)
    return group.model, [blank], chosen


def _ask(method: Explainer, model: Model, group: Group, words: torch.Tensor, substitute: torch.Tensor) -> Attribution:
    if isinstance(method, Occlusion):
        return left_out(method, model, group.ids, group.target, words, substitute)
    changed = replace(cast("Any", method), features=words, replacement=substitute)
    return cast("Attribution", changed(model, group.ids, group.target))


def left_out(
    method: Occlusion, model: Model, ids: torch.Tensor, target: torch.Tensor, words: torch.Tensor, substitute: torch.Tensor
) -> Attribution:
    """Hide `patch` words side by side, one place after another: how far the logit falls, shared out equally among them."""
    width = method.patch or 1
    stride = method.stride or max(1, width // 2)
    with asking(model, ids, target, "Occlusion", tokens=True) as question:
        played = game(question, words, substitute, method.precision)
        full = played.ends[0]
        fits = []
        for row, players in enumerate(played.players):
            size = len(players)
            if not 1 <= stride <= width <= max(size, 1):
                problem = f"the patch is {width} and the stride {stride} for a text of {size} words"
                raise ShapeError("Occlusion", problem, expected="1 <= stride <= patch <= the words of the text")
            starts = torch.tensor(sorted({*range(0, size - width, stride), size - width})).unsqueeze(1)
            covered = (torch.arange(size) >= starts) & (torch.arange(size) < starts + width)
            falls = full[row] - played.of({row: ~covered})[row] if size else torch.zeros(0).double()
            values = (covered.double().T @ falls) / covered.sum(0).clamp(min=1) / width
            fits.append(Fit(values, torch.zeros(size).double(), 1.0))
        return attribution(method.name, params_of(method), played, fits, complete=False, sampled=False)


class Closed(nn.Module):
    """A network that gets texts without the gaps in them: what stands behind a gap moves up."""

    def __init__(self, net: nn.Module, pad: int) -> None:
        super().__init__()
        self.net, self.pad = net, pad

    def forward(self, ids: torch.Tensor) -> Any:
        """Map ids (N, T), with padding anywhere, to logits."""
        order = (ids == self.pad).to(torch.int8).argsort(dim=1, stable=True)
        return self.net(ids.gather(1, order))


def _mean(found: list[Attribution]) -> Attribution:
    """The mean of several explanations of the same texts; their error joins that of each, as if they were independent."""
    if len(found) == 1:
        return found[0]
    values = torch.stack([one.params["feature_values"] for one in found])
    between = values.var(0) / len(found)
    own = [one.params["feature_spread"].square() / len(found) for one in found if "feature_spread" in one.params]
    within = torch.stack(own).mean(0) if own else torch.zeros_like(between)
    params = {**found[0].params, "feature_values": values.mean(0), "feature_spread": (between + within).sqrt()}
    params["change"] = torch.stack([one.params["change"] for one in found]).mean(0)
    delta = None if found[0].delta is None else torch.stack([cast("torch.Tensor", one.delta) for one in found]).mean(0)
    return replace(found[0], values=torch.stack([one.values for one in found]).mean(0), params=params, delta=delta, spread=None)


def _told(found: Attribution, count: torch.Tensor, chosen: str) -> Attribution:
    """Without the feature of all tokens that belong to no word."""
    params = {**found.params, "replacement": chosen}
    for key in ("feature_values", "feature_spread"):
        if key in params:
            table = params[key][:, : int(count.max())]
            params[key] = torch.where(torch.arange(table.shape[1]) < count.unsqueeze(1), table, torch.nan)
    return replace(found, params=params)
