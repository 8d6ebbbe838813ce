"""A network of texts asked at its embeddings: there a gradient exists, and every method that needs one works unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from netlens.capture import Hook, hooked
from netlens.errors import ModelError, ShapeError
from netlens.explain.numbers import are_tokens
from netlens.explain.question import run
from netlens.explain.tokens_absent import blanked, reader_of
from netlens.models.model import Model
from netlens.models.still import eager, still

CLOSE = 1e-3  # of the size of the logits: the network must give the same from its embeddings as from its tokens


@dataclass(frozen=True)
class Embedded:
    """Texts of one length as a network sees them behind its embedding layer.

    `model` takes embeddings (N, T, D). `inputs` (N, T, D) are those of the texts; `blank` (N, T, D) those with every word missing.
    `layer` : the path of the embedding layer. `chosen` : what stands where a word is missing.
    """

    model: Model
    inputs: torch.Tensor
    blank: torch.Tensor
    layer: str
    chosen: str


@contextmanager
def embedded(
    model: Model, ids: torch.Tensor, *, absent: object = None, layer: str = "", operation: str = "tokens"
) -> Iterator[Embedded]:
    """Give a model of the same weights whose inputs are embeddings, for as long as the context lasts.

    Parameters
    ----------
    ids : (N, T) of texts of one length, without padding.
    absent : what stands where a word is missing: `unk`, `mask`, `pad`, or `zero`, an embedding that is 0 everywhere.
    layer : path of the embedding layer; empty for the one that takes the ids.

    Raises
    ------
    ShapeError : `ids` are none, or differ in length. ModelError : the network reads its tokens in another way as well.
    """
    if not are_tokens(ids) or ids.numel() == 0:
        found = f"{tuple(ids.shape)} {ids.dtype}" if isinstance(ids, torch.Tensor) else type(ids).__name__
        raise ShapeError(operation, f"the inputs are {found}", expected="ids of tokens (N, T), whole numbers")
    model = eager(model)
    reader = reader_of(model, operation)
    ids = ids.to(model.device, torch.int64)
    if bool((ids == reader.pad).any()):
        remedy = "Give texts of one length at a time, as explain.text does."
        raise ShapeError(operation, "the texts hold padding", expected="texts of one length, without padding", remedy=remedy)
    blank, chosen = blanked(None if absent == "zero" else absent, model, ids, operation)
    with still(model.net, operation), torch.no_grad():
        path = layer or _embedding_of(model, ids, operation)
        points, empty = (_embeddings(model, path, rows, operation) for rows in (ids, blank))
        if absent == "zero":
            empty, chosen = torch.zeros_like(points), "zero"
        spoken = replace(model, net=FromEmbeddings(model, path, int(ids[0, 0])))
        _compare(run(model, ids, operation), run(spoken, points, operation), model, path, operation)
    yield Embedded(spoken, points, empty, path, chosen)


class FromEmbeddings(nn.Module):
    """A network whose embedding layer gives what it is told, whatever the tokens."""

    def __init__(self, model: Model, layer: str, token: int) -> None:
        super().__init__()
        self.net, self.layer, self.token = model.net, layer, token
        self._model = model

    def forward(self, embeddings: torch.Tensor) -> Any:
        """Map embeddings (N, T, D) to logits."""
        ids = torch.full(embeddings.shape[:2], self.token, device=embeddings.device)

        def make(_path: str) -> Hook:
            return lambda _module, _inputs, _output: embeddings

        with hooked(replace(self._model, net=self.net), [self.layer], make, "tokens"):
            return self.net(ids)


def _embedding_of(model: Model, ids: torch.Tensor, operation: str) -> str:
    """The path of the one embedding layer that is given the ids."""
    found: list[str] = []
    tables = [path for path, layer in model.net.named_modules() if isinstance(layer, nn.Embedding)]

    def make(path: str) -> Hook:
        def note(_module: nn.Module, inputs: tuple[Any, ...], _output: Any) -> None:
            if inputs and isinstance(inputs[0], torch.Tensor) and torch.equal(inputs[0], ids):
                found.append(path)

        return note

    with hooked(model, tables, make, operation):
        run(model, ids, operation)
    if len(set(found)) != 1:
        problem = f"{model.name} has {len(set(found)) or 'no'} embedding layers that are given the tokens"
        known = (
            f"Name one with layer=: {', '.join(tables)}."
            if tables
            else "Use a method that needs no gradients, such as kernel_shap."
        )
        raise ModelError(operation, problem, expected="one torch.nn.Embedding", remedy=known)
    return found[0]


def _embeddings(model: Model, layer: str, ids: torch.Tensor, operation: str) -> torch.Tensor:
    """What an embedding layer gives for ids, (N, T, D)."""
    kept: list[Any] = []

    def make(_path: str) -> Hook:
        def keep(_module: nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
            kept.append(output)

        return keep

    with hooked(model, [layer], make, operation):
        run(model, ids, operation)
    if not kept or not isinstance(kept[0], torch.Tensor) or kept[0].shape[:2] != ids.shape or kept[0].ndim != 3:
        found = tuple(kept[0].shape) if kept and isinstance(kept[0], torch.Tensor) else "nothing"
        problem = f"the layer '{layer}' of {model.name} gives {found} for tokens {tuple(ids.shape)}"
        raise ModelError(operation, problem, expected="embeddings (N, T, D)")
    points: torch.Tensor = kept[0].detach().clone()
    return points


def _compare(from_tokens: torch.Tensor, from_embeddings: torch.Tensor, model: Model, layer: str, operation: str) -> None:
    missed = float((from_tokens - from_embeddings).abs().max())
    if missed > CLOSE * max(1.0, float(from_tokens.abs().max())):
        problem = (
            f"{model.name} gives other logits from the embeddings of '{layer}' than from its tokens; they differ by {missed:.2g}"
        )
        remedy = "Use a method that needs no gradients, such as kernel_shap."
        raise ModelError(operation, problem, expected="a network that reads its tokens in one place only", remedy=remedy)
