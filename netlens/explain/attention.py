"""Explanations out of attention: one layer's own, followed through all layers, and weighted by gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from netlens.capture import AttentionCall
from netlens.errors import ModelError, ShapeError, unknown
from netlens.explain.attention_reading import Reading, reading
from netlens.explain.base import Attribution, Question, Target, asking, on_cpu, params_of
from netlens.explain.numbers import exact
from netlens.models.model import Model

Relevance = Callable[[Reading], torch.Tensor]


@dataclass(frozen=True)
class RawAttention:
    """How much the token that the answer is read from looks at each place, in one layer: the mean of the heads, or one of them.

    Parameters
    ----------
    layer : path of an attention; empty for the last one.
    head : one head, from 0; None for the mean of all.

    Notes
    -----
    The target plays no part: attention is the same for every class. Where the answer is read from several tokens, their mean is shown.

    References
    ----------
    Vaswani et al. 2017, arXiv:1706.03762.
    """

    name: ClassVar[str] = "attention"
    family: ClassVar[str] = "attention"
    needs: ClassVar[str] = "attention between tokens"
    cost: ClassVar[str] = "1 forward, 1 backward down to the last attention"
    gives: ClassVar[str] = "one map of the tokens, shares of a whole, the same for every class"
    reference: ClassVar[str] = "arXiv:1706.03762"

    layer: str = ""
    head: int | None = None

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values (N, 1, h, w) for images, else (N, steps); not negative."""

        def relevance(found: Reading) -> torch.Tensor:
            call = self._call(found.calls, model)
            if call.weights.shape[2:] != found.calls[-1].weights.shape[2:]:
                problem = f"'{call.name}' has other tokens than the last attention"
                raise ModelError("RawAttention", problem, remedy="Look at its weights with explain.attention_maps.")
            weights = call.weights.mean(1) if self.head is None else call.weights[:, self._head(call)]
            return found.at_reader(weights.detach())

        return _explain(self, model, inputs, target, relevance, self.layer)

    def _call(self, calls: tuple[AttentionCall, ...], model: Model) -> AttentionCall:
        chosen = [call for call in calls if not self.layer or self.layer in (call.layer, call.name)]
        if not chosen:
            raise unknown(
                "RawAttention", f"attention in {model.name} called", self.layer, [call.name for call in calls], ModelError
            )
        return chosen[-1]

    def _head(self, call: AttentionCall) -> int:
        assert self.head is not None
        heads = call.weights.shape[1]
        if not 0 <= self.head < heads:
            raise ShapeError("RawAttention", f"head {self.head} is not in '{call.name}'", expected=f"0 to {heads - 1}")
        return self.head


@dataclass(frozen=True)
class AttentionRollout:
    """Attention followed through all layers: what reaches the token that the answer is read from, if tokens mix as attention says.

    Parameters
    ----------
    residual : the share of a token that passes each layer beside the attention; the paper takes half.

    Notes
    -----
    The target plays no part: the map is the same for every class. The heads are averaged. The values, the changes that other layers make,
    and what a head does with what it reads are left out.

    References
    ----------
    Abnar and Zuidema 2020, arXiv:2005.00928.
    """

    name: ClassVar[str] = "attention_rollout"
    family: ClassVar[str] = "attention"
    needs: ClassVar[str] = "attention between the same tokens in all layers"
    cost: ClassVar[str] = "1 forward, 1 backward down to the last attention"
    gives: ClassVar[str] = "one map of the tokens, shares of a whole, the same for every class"
    reference: ClassVar[str] = "arXiv:2005.00928"

    residual: float = 0.5

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values (N, 1, h, w) for images, else (N, steps); not negative."""
        if not 0 <= self.residual <= 1:
            raise ShapeError("AttentionRollout", f"residual is {self.residual}", expected="a share from 0 to 1")

        def relevance(found: Reading) -> torch.Tensor:
            start = torch.eye(found.tokens).to(found.calls[0].weights)
            return found.at_reader(rollout([call.weights.detach().mean(1) for call in found.calls], start, self.residual))

        return _explain(self, model, inputs, target, relevance)


@dataclass(frozen=True)
class GradientWeightedAttention:
    """Attention followed through all layers, each weight counted by how much it raises the logit: the map depends on the class.

    Notes
    -----
    The rule of the paper for self-attention: of weight times gradient the positive part, averaged over the heads, is added up layer by
    layer. Of the earlier paper of the same authors (arXiv:2012.09838) the relevance propagation is not used. Deviation: what a token
    says of itself at the start is subtracted at the end.

    References
    ----------
    Chefer, Gur and Wolf 2021, arXiv:2103.15679.
    """

    name: ClassVar[str] = "gradient_weighted_attention"
    family: ClassVar[str] = "attention"
    needs: ClassVar[str] = "gradients, and attention between the same tokens in all layers"
    cost: ClassVar[str] = "1 forward, 1 backward"
    gives: ClassVar[str] = "one map of the tokens, not negative"
    reference: ClassVar[str] = "arXiv:2103.15679"

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values (N, 1, h, w) for images, else (N, steps); not negative."""

        def relevance(found: Reading) -> torch.Tensor:
            weighted = [
                (call.weights.detach() * gradient).relu().mean(1)
                for call, gradient in zip(found.calls, found.gradients(), strict=True)
            ]
            return found.at_reader(gathered(weighted))

        return _explain(self, model, inputs, target, relevance)


def rollout(weights: list[torch.Tensor], start: torch.Tensor, residual: float = 0.5) -> torch.Tensor:
    """Multiply attention matrices (B, Q, K), the first layer first, each mixed with the identity: (B, Q, T)."""
    mixed = start
    for layer in weights:
        mixed = residual * mixed + (1 - residual) * (layer @ mixed) if layer.shape[1] == layer.shape[2] else layer @ mixed
    return mixed


def gathered(weights: list[torch.Tensor]) -> torch.Tensor:
    """Add up relevance layer by layer, R = R + A (R + 1), from R = 0: (B, Q, T)."""
    found = torch.zeros_like(weights[0])
    for layer in weights:
        passed = layer @ found + layer
        found = found + passed if layer.shape[1] == layer.shape[2] else passed
    return found


def _explain(
    method: Any, model: Model, inputs: torch.Tensor, target: Target, relevance: Relevance, layer: str = ""
) -> Attribution:
    """Read the attention of each chunk of rows, and lay what `relevance` makes of it (B, T) on the input."""
    operation = type(method).__name__
    whole = not isinstance(method, RawAttention)
    with asking(model, inputs, target, operation, tokens=True) as question:
        told: dict[str, Any] = {}

        def one(part: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
            found = reading(question, part, classes, whole=whole)
            told.update(tokens=found.places.told, read=found.told, last=found.calls[-1].name)
            return found.places.laid_out(exact(relevance(found)))

        values = question.chunked(one, question.inputs, question.target, passes=2)
        where = layer or told.pop("last")
        told.pop("last", None)
        return Attribution(on_cpu(values), question.target.cpu(), method.name, params_of(method) | told, where)


__all__ = ["AttentionRollout", "GradientWeightedAttention", "Question", "RawAttention", "gathered", "rollout"]
