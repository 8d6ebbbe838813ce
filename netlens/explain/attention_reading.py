"""One pass of a question with an ear at the attention: the weights, the token that the answer is read from, the places."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch

from netlens.capture import AttentionCall, Heard, attention
from netlens.errors import ModelError
from netlens.explain.places import Places, places
from netlens.explain.question import Question, asking
from netlens.models.model import Model

MOST_TOLD = 3
INSTEAD = "Use saliency, integrated_gradients or occlusion, which ask for no attention."


@dataclass(frozen=True)
class Reading:
    """What one pass showed: the calls of attention in order, the chosen logits (B,), and where the tokens lie."""

    question: Question
    calls: tuple[AttentionCall, ...]
    scores: torch.Tensor
    places: Places

    @property
    def tokens(self) -> int:
        """How many tokens there are at the start."""
        return self.calls[0].weights.shape[3]

    @cached_property
    def reader(self) -> torch.Tensor:
        """(B, Q) the share that each token of the last attention has in the answer's reader: all that the logit depends on, alike.

        The class token of a vision transformer, the last token of a generating one, all tokens where their mean is taken.
        """
        last = self.calls[-1]
        gradient = None
        if self.scores.requires_grad:
            gradient = torch.autograd.grad(self.scores.sum(), last.weights, retain_graph=True, allow_unused=True)[0]
        if gradient is None:
            problem = f"the logits of {self.question.model.name} do not depend on '{last.name}', or no gradient reaches it"
            raise ModelError(self.question.operation, problem, remedy=INSTEAD)
        read = (gradient != 0).any(3).any(1).to(gradient)
        read = torch.where(read.any(1, keepdim=True), read, 1.0)
        return read / read.sum(1, keepdim=True)

    @property
    def told(self) -> str:
        """In words, which token the answer is read from."""
        read = self.reader > 0
        if bool(read.all()):
            return "all tokens" if read.shape[1] > 1 else "one query to all tokens"
        tokens = read[0].nonzero().flatten().tolist()
        if not bool((read == read[0]).all()) or len(tokens) > MOST_TOLD:
            return "a token of its own for each input" if int(read.sum(1).max()) == 1 else "several tokens"
        return f"token{'s' if len(tokens) > 1 else ''} {' and '.join(map(str, tokens))}"

    def at_reader(self, matrix: torch.Tensor) -> torch.Tensor:
        """The rows of a matrix (B, Q, T) that belong to the reader, averaged: (B, T)."""
        return (self.reader.unsqueeze(1) @ matrix).squeeze(1)

    def gradients(self) -> tuple[torch.Tensor, ...]:
        """The gradient of each row's logit with respect to each call's weights."""
        weights = [call.weights for call in self.calls]
        found = torch.autograd.grad(self.scores.sum(), weights, retain_graph=True, allow_unused=True)
        gradients = tuple(torch.zeros_like(weight) if one is None else one for weight, one in zip(weights, found, strict=True))
        if not all(bool(one.isfinite().all()) for one in gradients):
            problem = f"the gradient of {self.question.model.name} is not a finite number everywhere"
            raise ModelError(self.question.operation, problem, remedy=INSTEAD)
        return gradients


def reading(question: Question, inputs: torch.Tensor, target: torch.Tensor, *, whole: bool) -> Reading:
    """Ask a question of some rows and listen.

    Parameters
    ----------
    whole : whether attention must be known in all layers, between the same tokens.

    Raises
    ------
    ModelError : there is no attention, it cannot be followed, or its tokens cannot be laid on the input.
    """
    with attention(question.model, question.operation, graph=True) as heard:
        scores = question.once(inputs).gather(1, target.unsqueeze(1)).squeeze(1)
    require_attention(question, heard)
    calls = tuple(heard.calls)
    _require_one_stream(question, calls, len(inputs), heard.missed if whole else [])
    if whole:
        _require_a_chain(question, calls)
    return Reading(question, calls, scores, _places(question, calls[0].weights.shape[3]))


def require_attention(question: Question, heard: Heard) -> None:
    """Refuse a network in which no attention was heard."""
    if heard.calls:
        return
    name, operation = question.model.name, question.operation
    if heard.missed:
        problem = f"the attention of {name} is computed in a way that cannot be intercepted: {'; '.join(heard.missed[:5])}"
        expected = "scaled_dot_product_attention, multi_head_attention_forward, or a softmax that multiplies values"
        raise ModelError(operation, problem, expected=expected, remedy=INSTEAD)
    raise ModelError(operation, f"{name} has no attention", remedy=INSTEAD)


def _require_one_stream(question: Question, calls: tuple[AttentionCall, ...], rows: int, missed: list[str]) -> None:
    """Refuse what cannot be followed from layer to layer."""
    name, first = question.model.name, calls[0].weights.shape[3]
    problem = ""
    if missed:
        problem = f"not all attention of {name} can be intercepted: {'; '.join(missed[:5])}"
    tokens = first
    for call in calls:
        count, _, queries, keys = call.weights.shape
        if count != rows:
            problem = problem or f"'{call.name}' of {name} attends within windows: {count} of them for {rows} inputs"
        elif keys != tokens:
            problem = (
                problem or f"'{call.name}' of {name} looks from {queries} tokens at {keys}, and the layer before it had {tokens}"
            )
        tokens = queries
    if problem:
        remedy = "Look at the layers one by one with explain.attention_maps, or use saliency or occlusion."
        raise ModelError(question.operation, problem, expected="attention between the same tokens in all layers", remedy=remedy)


def _require_a_chain(question: Question, calls: tuple[AttentionCall, ...]) -> None:
    """Refuse layers of which one does not go on from the one before it: an encoder beside a decoder, attentions side by side."""
    for before, call in itertools.pairwise(calls):
        if not _made_from(call.output, before.weights):
            problem = f"'{call.name}' of {question.model.name} does not go on from '{before.name}': it has several streams"
            remedy = "Look at the layers one by one with explain.attention_maps, or use saliency or occlusion."
            raise ModelError(question.operation, problem, expected="layers of attention one after another", remedy=remedy)


def _made_from(later: torch.Tensor, earlier: torch.Tensor) -> bool:
    """Whether a tensor was computed from another one: whether that stands in its graph."""
    waiting: list[Any] = [later.grad_fn]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        if node == earlier.grad_fn or getattr(node, "variable", None) is earlier:
            return True
        seen.add(node)
        waiting += [before for before, _ in node.next_functions]
    return False


def _places(question: Question, tokens: int) -> Places:
    def read(inputs: torch.Tensor) -> torch.Tensor:
        with attention(question.model, question.operation) as heard:
            question.once(inputs)
        return heard.calls[0].values.transpose(1, 2)  # (B, T, heads, D)

    found = places(question, tokens, read)
    if found is None:
        shape = tuple(question.inputs.shape[1:])
        problem = f"the {tokens} tokens of {question.model.name} are not places of its inputs {shape}, one for one"
        raise ModelError(question.operation, problem, remedy="Look at the weights themselves with explain.attention_maps.")
    return found


@dataclass(frozen=True)
class AttentionMaps:
    """The attention of every layer and head for some inputs, on the CPU.

    `calls` : the records, weights (N, heads, Q, K), in the order of execution. `places` : where the tokens lie; None where that cannot be
    told, as with windows. `reader` : (N, Q) as in `Reading`; None where the answer is not read from the last attention. `missed` : in
    words, what ran unheard.
    """

    calls: tuple[AttentionCall, ...]
    places: Places | None
    reader: torch.Tensor | None
    missed: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.calls)


def attention_maps(model: Model, inputs: torch.Tensor, target: int | torch.Tensor | None = None) -> AttentionMaps:
    """Read the attention of every layer and head.

    A network without attention gives an empty result. So does one whose attention cannot be intercepted; then `missed` names it.

    Raises
    ------
    ModelError : the network shows no operations: TorchScript, or an exported program.

    Notes
    -----
    Cost: 1 forward, 1 backward down to the last attention. Memory: 4 N heads Q K bytes a layer.
    """
    with asking(model, inputs, target, "attention_maps", tokens=True) as question:
        with attention(question.model, question.operation, graph=True) as heard:
            scores = question.once(question.inputs).gather(1, question.target.unsqueeze(1)).squeeze(1)
        if not heard.calls:
            return AttentionMaps((), None, None, tuple(heard.missed))
        calls, found, reader = tuple(heard.calls), None, None
        try:
            _require_one_stream(question, calls, len(inputs), [])
            found = _places(question, calls[0].weights.shape[3])
            reader = Reading(question, calls, scores, found).reader.cpu()
        except ModelError:  # windows, several streams: the maps remain, and only their places are not known
            found = reader = None
        return AttentionMaps(tuple(_on_cpu(call) for call in calls), found, reader, tuple(heard.missed))


def _on_cpu(call: AttentionCall) -> AttentionCall:
    parts = {part: getattr(call, part).detach().cpu() for part in ("weights", "values", "output")}
    return replace(call, **parts)
