"""Class activation maps without gradients: by what each map alone lets through, and by what the maps have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn import functional

from netlens.explain.base import Attribution, Question, Target, asking, on_cpu, params_of
from netlens.explain.chunks import spans
from netlens.explain.maps import as_read, last_map, read_maps, require_places, told_places
from netlens.explain.numbers import exact
from netlens.explain.series import enlarge
from netlens.models.model import Model
from netlens.seeding import generator

POWER_STEPS = 24
SQUARINGS, SMALL = 5, 128  # the 32nd power of matrices up to this size, in which squaring is cheaper than many steps
CONVERGED = 1e-5


@dataclass(frozen=True)
class ScoreCAM:
    """The maps of a layer, each weighted by the logit that is left when the input shows only where that map is active.

    Parameters
    ----------
    layer : path of a layer with maps (N, K, h, w), or (N, K, t) along a series, or with the tokens (N, T, D) of an image; empty for the last.

    Notes
    -----
    A map that is the same everywhere shows nothing; the input is then 0 everywhere, and such maps share one pass. The weights are the
    softmax of the logits over the maps.

    References
    ----------
    Wang, Wang, Du, Yang, Zhang, Ding, Mardziel and Hu 2020, arXiv:1910.01279.
    """

    name: ClassVar[str] = "score_cam"
    family: ClassVar[str] = "activation map"
    needs: ClassVar[str] = "a layer with maps of an image or a series"
    cost: ClassVar[str] = "1 forward, and 1 for each map of the layer that is not constant"
    gives: ClassVar[str] = "one map of the layer's size, not negative"
    reference: ClassVar[str] = "arXiv:1910.01279"

    layer: str = ""

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values (N, 1, h, w), or (N, 1, t) along a series, not negative; `layer` says where."""
        with asking(model, inputs, target, "ScoreCAM") as question, torch.no_grad():
            layer = self.layer or last_map(question)
            axis = require_places(question, layer, "grad_cam or occlusion")
            maps = exact(question.chunked(lambda part: read_maps(question, layer, part), question.inputs))
            weights = _scores(question, maps, axis).softmax(1)
            values = as_read(question, layer, torch.einsum("bkhw,bk->bhw", maps, weights).unsqueeze(1).relu())
            params = params_of(self) | told_places(question, layer)
            return Attribution(on_cpu(values), question.target.cpu(), self.name, params, layer)


@dataclass(frozen=True)
class EigenCAM:
    """The maps of a layer projected on their first principal component: what the layer sees most, for no class in particular.

    Parameters
    ----------
    layer : path of a layer with maps (N, K, h, w), or (N, K, t) along a series, or with the tokens (N, T, D) of an image; empty for the last.

    Notes
    -----
    The target plays no part: it is only passed on. As in the paper the maps are not centred. The sign of a component is arbitrary: it
    is chosen so that the map's sum is positive.

    References
    ----------
    Muhammad and Yeasin 2020, arXiv:2008.00299.
    """

    name: ClassVar[str] = "eigen_cam"
    family: ClassVar[str] = "activation map"
    needs: ClassVar[str] = "a layer with maps"
    cost: ClassVar[str] = "1 forward up to the layer"
    gives: ClassVar[str] = "one map of the layer's size, the same for every class"
    reference: ClassVar[str] = "arXiv:2008.00299"

    layer: str = ""

    def __call__(self, model: Model, inputs: torch.Tensor, target: Target = None) -> Attribution:
        """Return values (N, 1, h, w), or (N, 1, t) along a series, in units of activation; `layer` says where."""
        with asking(model, inputs, target, "EigenCAM") as question, torch.no_grad():
            layer = self.layer or last_map(question)

            def one(part: torch.Tensor) -> torch.Tensor:
                maps = exact(read_maps(question, layer, part))
                return as_read(question, layer, projected(maps.flatten(2)).view(len(maps), 1, *maps.shape[2:]))

            values = question.chunked(one, question.inputs)
            params = params_of(self) | told_places(question, layer)
            return Attribution(on_cpu(values), question.target.cpu(), self.name, params, layer)


def _scores(question: Question, maps: torch.Tensor, axis: int) -> torch.Tensor:
    """The logit of each row behind each of its maps (N, K, h, w), laid along an axis of it if it is a series: (N, K)."""
    inputs, target, count, flat = question.inputs, question.target, maps.shape[1], maps.flatten(0, 1)
    low, high = (edge.view(-1, 1, 1) for edge in flat.flatten(1).aminmax(dim=1))
    shows = (high > low).flatten()
    scores, ids = torch.empty_like(flat[:, 0, 0]), shows.nonzero().flatten()
    for part in spans(len(ids), question.rows):
        some, rows = ids[part], ids[part] // count
        masks = ((flat[some] - low[some]) / (high[some] - low[some])).unsqueeze(1)
        sized = enlarge(masks, inputs.shape, axis)
        scores[some] = question.scores(inputs[rows] * sized.to(inputs), target[rows]).to(scores)
    if len(ids) < len(flat):
        empty = question.logits(torch.zeros_like(inputs[:1]))[0].to(scores)
        scores[~shows] = empty[target].repeat_interleave(count)[~shows]
    return scores.view(-1, count)


def projected(maps: torch.Tensor) -> torch.Tensor:
    """Project maps (B, K, places) on the first right-singular vector of the places x K matrix: (B, places)."""
    gram = maps @ maps.mT  # (B, K, K): its first eigenvector is that vector
    if maps.shape[1] > maps.shape[2]:
        gram = maps.mT @ maps  # (B, places, places): its first eigenvector is the projection, up to its length
    vector = _first_eigenvector(gram)
    if maps.shape[1] > maps.shape[2]:
        length = (vector.unsqueeze(1) @ gram @ vector.unsqueeze(2)).clamp(min=0).sqrt().squeeze(2)
        found = vector * length
    else:
        found = (maps.mT @ vector.unsqueeze(2)).squeeze(2)
    return torch.where(found.sum(1, keepdim=True) < 0, -found, found)


def _first_eigenvector(gram: torch.Tensor) -> torch.Tensor:
    """The eigenvector of the greatest eigenvalue of each symmetric matrix (B, n, n): (B, n). By powers where these converge."""
    start = torch.randn(gram.shape[1], generator=generator(0)).to(gram)  # at no right angle to any component
    powers, steps = gram, POWER_STEPS
    if gram.shape[1] <= SMALL:
        for _ in range(SQUARINGS):
            powers = powers / powers.diagonal(dim1=1, dim2=2).sum(1).clamp_min(1e-30).view(-1, 1, 1)
            powers, steps = powers @ powers, 1
    vector = start.expand(gram.shape[:2])
    for _ in range(steps):
        vector = functional.normalize((powers @ vector.unsqueeze(2)).squeeze(2), dim=1)
    image = (gram @ vector.unsqueeze(2)).squeeze(2)
    value = (image * vector).sum(1, keepdim=True)
    slow = ((image - value * vector).norm(dim=1) > CONVERGED * value.flatten()).nonzero().flatten()
    if len(slow):
        vector[slow] = torch.linalg.eigh(gram[slow].double()).eigenvectors[..., -1].to(vector)
    return vector
