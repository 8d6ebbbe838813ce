"""Layers that give tokens, (N, T, D), read as maps (N, D, h, w); and maps whose channels come last."""

from __future__ import annotations

import torch
from torch import nn

from netlens.capture import activations
from netlens.errors import ModelError
from netlens.explain.places import Places, places
from netlens.explain.question import Question
from netlens.models.model import module_at

NEAR = 0.05  # two proportions that differ by less are the same


def as_maps(question: Question, layer: str, output: torch.Tensor, first: str) -> torch.Tensor | None:
    """What a layer gave as maps (B, K, h, w); None when it is neither maps nor tokens of an image.

    Parameters
    ----------
    first : an early layer with as many tokens, at which their places can be told.
    """
    if output.ndim == 4:
        return output.movedim(-1, 1) if _channels_last(question, layer, output) else output
    found = token_places(question, output.shape[1], first) if output.ndim == 3 and first else None
    return None if found is None else found.cut(output).mT.reshape(len(output), -1, *found.grid)


def token_places(question: Question, tokens: int, layer: str) -> Places | None:
    """Where so many tokens lie in an image, by the output of an early layer; None where the inputs are no images."""
    if question.inputs.ndim != 4:
        return None

    def read(inputs: torch.Tensor) -> torch.Tensor:
        with activations(question.model, [layer], question.operation, calls={layer: 0}, stop=True) as kept:
            question.once(inputs)
        return kept[layer]

    found = places(question, tokens, read)
    return found if found is not None and len(found.grid) == 2 else None


def last_read(question: Question, layers: list[str], firsts: dict[str, str]) -> str:
    """Of layers with tokens, in the order of execution, the last one whose patches still bear on the logits; a norm if one does.

    After the last attention a network with a class token reads nothing else: maps of the patches there would be empty.

    Raises
    ------
    ModelError : the logits depend on the patches of none.
    """
    points = question.inputs[:1].detach().requires_grad_()
    with torch.enable_grad(), activations(question.model, layers, question.operation) as kept:
        score = question.once(points).gather(1, question.target[:1].unsqueeze(1)).sum()
    if not score.requires_grad:  # a quantised network: nothing can be asked, and the last layer is taken as with maps
        return layers[-1]
    gradients = torch.autograd.grad(score, [kept[layer] for layer in layers], allow_unused=True)
    read = []
    for layer, gradient in zip(layers, gradients, strict=True):
        maps = None if gradient is None else as_maps(question, layer, gradient, firsts[layer])
        if maps is not None and bool((maps != 0).any()):
            read.append(layer)
    if not read:
        problem = f"the logits of {question.model.name} depend on the patches of none of its layers"
        raise ModelError(question.operation, problem, remedy="Use saliency or integrated_gradients instead.")
    norms = [layer for layer in read if "norm" in type(question.model.layer(layer)).__name__.lower()]
    return (norms or read)[-1]


def _channels_last(question: Question, layer: str, output: torch.Tensor) -> bool:
    """Whether an output (N, a, b, c) has a height a and a width b, as in a Swin transformer: by the layer, or by the image's proportions."""
    if isinstance(module_at(question.model.net, layer), nn.Linear | nn.LayerNorm):
        return True
    if question.inputs.ndim != 4:
        return False
    height, width = question.inputs.shape[2:]

    def alike(rows: int, columns: int) -> bool:
        return abs(rows * width - columns * height) <= NEAR * (rows * width + columns * height)

    first, second, last = output.shape[1:]
    return alike(first, second) and not alike(second, last)
