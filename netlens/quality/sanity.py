"""Would the explanation notice if the network were broken? Parameter randomisation, on the foreground, against controls."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import pandas as pd
import torch
from torch import nn

from netlens.errors import ModelError, ShapeError
from netlens.explain.base import Attribution, Explainer, Target
from netlens.models.model import Model
from netlens.quality.agreement import foreground, similarity
from netlens.quality.base import interval, pixelwise

OPERATION = "parameter randomisation"


@dataclass(frozen=True)
class Sanity:
    """What became of a method's maps while the network was broken.

    `layers` : the stages; in a cascade each stage also holds those before it. `kept` (stages, N) : the similarity of the map with that
    of the intact network, mean over draws. `controls` : name to (N,), the similarity that a map gets which knows nothing of the
    network. `maps` : the intact map, then one for each stage, of the first draw. `decisive` : the stage that the verdict rests on.
    """

    method: str
    order: Literal["cascade", "independent", "labels"]
    layers: tuple[str, ...]
    kept: torch.Tensor
    controls: dict[str, torch.Tensor]
    maps: tuple[Attribution, ...]
    decisive: int
    where: str
    draws: int

    @property
    def control(self) -> str:
        """The control that comes nearest to the intact map."""
        return max(self.controls, key=lambda name: float(self.controls[name].mean()))

    @property
    def excess(self) -> torch.Tensor:
        """(N,) what is kept at the decisive stage, less what the nearest control gets; lower is better, about 0 is right."""
        return self.kept[self.decisive] - self.controls[self.control]

    @property
    def interval(self) -> tuple[float, float, float]:
        """Mean excess, and its 95 % interval over samples."""
        return interval(self.excess)

    def frame(self) -> pd.DataFrame:
        """One row a stage, and one a control."""
        stages = [("stage", name, values) for name, values in zip(self.layers, self.kept, strict=True)]
        controls = [("control", name, values) for name, values in self.controls.items()]
        rows = [
            {
                "method": self.method,
                "kind": kind,
                "name": name,
                **dict(zip(("mean", "low", "high"), interval(values), strict=True)),
            }
            for kind, name, values in stages + controls
        ]
        return pd.DataFrame(rows)


def randomise(
    explainer: Explainer,
    model: Model,
    inputs: torch.Tensor,
    target: Target = None,
    *,
    order: Literal["cascade", "independent"] = "cascade",
    stages: int = 8,
    draws: int = 3,
    seed: int = 0,
    everywhere: bool = False,
    sizes: bool = False,
    decisive_only: bool = False,
) -> Sanity:
    """Replace the weights of the network by fresh random ones, layer by layer from the top, and see what becomes of the maps.

    Parameters
    ----------
    order : `cascade` keeps what was randomised before; `independent` breaks one layer at a time.
    stages : at most this many; the layers of a deeper network go together in groups.
    draws : random networks, over which similarities are averaged.
    everywhere, sizes : compare all places, and sizes without signs, as the naive test does. By default signed values are compared,
        on the foreground.
    decisive_only : run only the stage that the verdict rests on: everything random but the first layer.

    Returns
    -------
    Sanity. The user's model is untouched: copies are broken, and the random state of torch comes back.

    Notes
    -----
    Cost: one explanation, and one more for each stage and draw. Deviation from the paper: rank correlation on the foreground only,
    compared with controls: noise of the map's resolution, that noise times the input, and the edges of the input. A black background
    makes all-place similarities high for every method that multiplies with the input.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, arXiv:1810.03292.
    """
    if stages < 1 or draws < 1:
        raise ShapeError(OPERATION, f"stages is {stages} and draws {draws}", expected="at least 1 of each")
    intact = explainer(model, inputs, target)
    where = None if everywhere else foreground(inputs)
    groups = _groups(model, stages)
    decisive = max(len(groups) - 2, 0) if order == "cascade" else 0
    wanted = [decisive] if decisive_only else list(range(len(groups)))
    kept = torch.zeros(len(wanted), len(inputs), dtype=torch.float64)
    maps: list[Attribution] = [intact]
    for draw in range(draws):
        for place, stage in enumerate(wanted):
            chosen = [path for group in groups[: stage + 1] for path in group] if order == "cascade" else groups[stage]
            broken = explainer(broken_copy(model, chosen, seed + draw), inputs, intact.target)
            kept[place] += compare(intact, broken, inputs, where, sizes=sizes) / draws
            if draw == 0:
                maps.append(broken)
    names = tuple(
        " + ".join(groups[stage]) if len(groups[stage]) < 3 else f"{groups[stage][0]} … {groups[stage][-1]}" for stage in wanted
    )
    controls = controls_of(intact, inputs, where, seed, sizes=sizes)
    told = "everywhere" if everywhere else "on the foreground"
    place = 0 if decisive_only else decisive
    return Sanity(explainer.name, order, names, kept, controls, tuple(maps), place, told, draws)


def broken_copy(model: Model, layers: Sequence[str], seed: int) -> Model:
    """A copy of the model with fresh random weights in these layers; a layer gets the same ones whatever else is broken.

    Raises
    ------
    ModelError : the network cannot be copied.
    """
    try:
        net = copy.deepcopy(model.net)
    except (RuntimeError, TypeError) as error:
        raise ModelError(OPERATION, f"{model.name} cannot be copied ({type(error).__name__}: {error})") from error
    order = [path for path, layer in model.layers.items() if list(layer.parameters())]
    modules = dict(net.named_modules())
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        for path in layers:
            torch.manual_seed(1000 * seed + order.index(path))
            _fresh(modules[path])
    return replace(model, net=net)


def compare(one: Attribution, two: Attribution, inputs: torch.Tensor, where: torch.Tensor | None, *, sizes: bool) -> torch.Tensor:
    """The rank correlation of two maps of each input, (N,)."""
    a, b = (pixelwise(part, inputs, OPERATION) for part in (one, two))
    return similarity(a.abs(), b.abs(), "rank", where) if sizes else similarity(a, b, "rank", where)


def _fresh(layer: nn.Module) -> None:
    """Draw new weights: the layer's own way to begin, or a normal with the mean and deviation that the weights had."""
    begin = getattr(layer, "reset_parameters", None)
    if callable(begin):
        begin()
        return
    with torch.no_grad():
        for parameter in layer.parameters():
            spread = parameter.std() if parameter.numel() > 1 else parameter.abs()
            parameter.copy_(parameter.mean() + spread * torch.randn(parameter.shape, device=parameter.device))


def _groups(model: Model, stages: int) -> list[list[str]]:
    """The layers with weights from the top down, in at most `stages` groups."""
    layers = [path for path, layer in model.layers.items() if list(layer.parameters())][::-1]
    if not layers:
        problem = f"{model.name} has no layer with weights that can be randomised"
        raise ModelError(OPERATION, problem, remedy="Its explanations cannot be put to this test.")
    count = min(stages, len(layers))
    edges = [round(k * len(layers) / count) for k in range(count + 1)]
    return [layers[start:end] for start, end in pairwise(edges)]


def controls_of(
    intact: Attribution, inputs: torch.Tensor, where: torch.Tensor | None, seed: int, *, sizes: bool
) -> dict[str, torch.Tensor]:
    """The similarity with the intact map that maps get which know nothing of the network: name to (N,)."""
    return {
        name: torch.stack([compare(intact, one, inputs, where, sizes=sizes) for one in several]).mean(0)
        for name, several in _controls(intact, inputs, seed).items()
    }


def _controls(intact: Attribution, inputs: torch.Tensor, seed: int, draws: int = 4) -> dict[str, list[Attribution]]:
    """Maps that know nothing of the network: noise, noise times the input, and the edges of the input."""
    draw = torch.Generator().manual_seed(seed)
    values = intact.values
    noise = [replace(intact, values=torch.randn(values.shape, generator=draw).to(values)) for _ in range(draws)]
    found = {"noise": noise}
    if inputs.shape == values.shape and inputs.ndim == 4:
        start = inputs.flatten(2).mode(2).values.view(*inputs.shape[:2], 1, 1).to(values)
        found["noise x input"] = [replace(one, values=one.values * (inputs.to(values) - start)) for one in noise]
    if inputs.ndim == 4:
        found["edges"] = [replace(intact, values=edges(inputs).to(values))]
    return found


def edges(images: torch.Tensor) -> torch.Tensor:
    """The size of the Sobel gradient of images (N, C, H, W), (N, 1, H, W): an edge detector that knows no network."""
    grey = nn.functional.pad(images.detach().float().cpu().mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    across = torch.tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
    return nn.functional.conv2d(grey, torch.stack([across, across.T]).unsqueeze(1)).square().sum(1, keepdim=True).sqrt()
