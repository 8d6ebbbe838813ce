"""Would the explanation notice if the network were broken? Parameter randomisation, on the foreground, against controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import pandas as pd
import torch
from torch import nn

from netlens.errors import ModelError, ShapeError
from netlens.explain.base import Attribution, Explainer, Target, asking
from netlens.explain.series import steps_axis
from netlens.internals.architecture import architecture
from netlens.models.model import Model
from netlens.models.still import eager
from netlens.models.twin import copied
from netlens.quality.agreement import foreground, similarity
from netlens.quality.base import crossed, interval, pixelwise

OPERATION = "parameter randomisation"
ITSELF = ""  # the path of the network itself, which may hold weights beside those of its layers


@dataclass(frozen=True)
class Sanity:
    """What became of a method's maps while the network was broken.

    `layers` : the stages; in a cascade each stage also holds those before it. `by_draw` (stages, draws, N) : the similarity of the map
    with that of the intact network, for each random network. `controls` : name to (N,), the similarity that a map gets which knows
    nothing of the network. `maps` : the intact map, then one for each stage, of the first draw. `decisive` : the stage that the verdict
    rests on.
    """

    method: str
    order: Literal["cascade", "independent", "labels"]
    layers: tuple[str, ...]
    by_draw: torch.Tensor
    controls: dict[str, torch.Tensor]
    maps: tuple[Attribution, ...]
    decisive: int
    where: str

    @property
    def kept(self) -> torch.Tensor:
        """(stages, N) what is kept, mean over the random networks."""
        return self.by_draw.mean(1)

    @property
    def draws(self) -> int:
        """How many random networks there were."""
        return self.by_draw.shape[1]

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
        """Mean excess, and its 95 % interval over samples and random networks."""
        return crossed(self.by_draw[self.decisive] - self.controls[self.control])

    def frame(self) -> pd.DataFrame:
        """One row a stage, and one a control; no correlation lies outside of −1 to 1, and no interval of one."""
        stages = [("stage", name, crossed(values)) for name, values in zip(self.layers, self.by_draw, strict=True)]
        controls = [("control", name, interval(values)) for name, values in self.controls.items()]
        rows = [
            {"method": self.method, "kind": kind, "name": name, "mean": mean, "low": max(low, -1.0), "high": min(high, 1.0)}
            for kind, name, (mean, low, high) in stages + controls
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
    stages : at most this many; the layers of a deeper network go together in groups. The first layer is a group of its own.
    draws : random networks, over which similarities are averaged.
    everywhere, sizes : compare all places, and sizes without signs, as the naive test does. By default signed values are compared,
        on the foreground.
    decisive_only : run only the stage that the verdict rests on: everything random but the first layer.

    Returns
    -------
    Sanity. The user's model is untouched: copies are broken, and the random state of torch comes back.

    Notes
    -----
    A layer is a module with weights of its own; the layers stand in the order in which a forward pass reaches them. Cost: one
    explanation, and one more for each stage and draw. Deviation from the paper: rank correlation on the foreground only,
    compared with controls: noise of the map's resolution, that noise times the input, and the edges of the input. A black background
    makes all-place similarities high for every method that multiplies with the input.

    References
    ----------
    Adebayo, Gilmer, Muelly, Goodfellow, Hardt and Kim 2018, arXiv:1810.03292.
    """
    if stages < 1 or draws < 1:
        raise ShapeError(OPERATION, f"stages is {stages} and draws {draws}", expected="at least 1 of each")
    intact = explainer(model, inputs, target)
    axis = steps_axis(model, inputs, OPERATION)
    where = None if everywhere else foreground(inputs, axis)
    groups = _groups(model, inputs, stages)
    decisive = max(len(groups) - 2, 0) if order == "cascade" else 0
    wanted = [decisive] if decisive_only else list(range(len(groups)))
    kept = torch.zeros(len(wanted), draws, len(inputs), dtype=torch.float64)
    maps: list[Attribution] = [intact]
    reached = [[path for group in groups[: stage + 1] for path in group] for stage in range(len(groups))]
    for draw in range(draws):
        for place, stage in enumerate(wanted):
            chosen = reached[stage] if order == "cascade" else groups[stage]
            broken = explainer(broken_copy(model, chosen, seed + draw), inputs, intact.target)
            kept[place, draw] = compare(intact, broken, inputs, where, axis, sizes=sizes)
            if draw == 0:
                maps.append(broken)
    names = tuple(
        _told(part)
        for part in ([reached[decisive]] if decisive_only and order == "cascade" else [groups[stage] for stage in wanted])
    )
    controls = controls_of(intact, inputs, where, seed, axis, sizes=sizes)
    shown = "everywhere" if everywhere else "on the foreground"
    return Sanity(explainer.name, order, names, kept, controls, tuple(maps), 0 if decisive_only else decisive, shown)


def weighted(net: nn.Module) -> list[str]:
    """The paths of the modules that hold weights of their own, as they are registered; "" is the network itself."""
    return [path for path, module in net.named_modules() if any(True for _ in module.parameters(recurse=False))]


def broken_copy(model: Model, layers: Sequence[str], seed: int) -> Model:
    """A copy of the model with fresh random weights in these layers; a layer gets the same ones whatever else is broken.

    Raises
    ------
    ModelError : the network cannot be copied.
    """
    model = eager(model)
    net = copied(model.net, OPERATION)
    order = weighted(net)
    modules = dict(net.named_modules())
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        for path in layers:
            torch.manual_seed(1000 * seed + order.index(path))
            _fresh(modules[path])
    return replace(model, net=net)


def compare(
    one: Attribution, two: Attribution, inputs: torch.Tensor, where: torch.Tensor | None, axis: int, *, sizes: bool
) -> torch.Tensor:
    """The rank correlation of two maps of each input, (N,). `axis` : of the steps of sequences."""
    a, b = (pixelwise(part, inputs, OPERATION, axis) for part in (one, two))
    return similarity(a.abs(), b.abs(), "rank", where) if sizes else similarity(a, b, "rank", where)


def _fresh(layer: nn.Module) -> None:
    """Draw new weights of a layer's own: its own way to begin, or normals with the mean and deviation that the weights had."""
    own = list(layer.parameters(recurse=False))
    before = [parameter.detach().clone() for parameter in own]
    begin = getattr(layer, "reset_parameters", None)
    if callable(begin) and not any(layer.children()):  # else it might begin the layers inside as well
        begin()
    with torch.no_grad():
        for parameter, old in zip(own, before, strict=True):
            if torch.equal(parameter, old):  # nothing began it: weights of the network itself, or behind a parametrisation
                spread = parameter.std() if parameter.numel() > 1 else parameter.abs()
                parameter.copy_(parameter.mean() + spread * torch.randn(parameter.shape, device=parameter.device))


def _groups(model: Model, inputs: torch.Tensor, stages: int) -> list[list[str]]:
    """The layers with weights from the top down, in at most `stages` groups; the last one is the first layer alone."""
    owners = set(weighted(eager(model).net))
    with asking(model, inputs[:1], 0, OPERATION, tokens=True) as question:
        layers = [layer.path for layer in architecture(model, question.inputs).layers if layer.path in owners][::-1]
    if not layers:
        problem = f"{model.name} has no layer with weights that can be randomised"
        raise ModelError(OPERATION, problem, remedy="Its explanations cannot be put to this test.")
    first = [layers.pop()]
    if first == [ITSELF] and layers:  # such as the place of each token: what the first layer is given, or gives on
        first = [layers.pop(), ITSELF]
    if stages == 1 or not layers:
        return [layers + first]
    count = min(stages - 1, len(layers))
    edges = [round(k * len(layers) / count) for k in range(count + 1)]
    return [*(layers[start:end] for start, end in pairwise(edges)), first]


def _told(group: list[str]) -> str:
    """What a group of layers is called."""
    names = [path for path in group if path != ITSELF] or ["the network's own weights"]
    return " + ".join(names) if len(names) < 3 else f"{names[0]} … {names[-1]}"


def controls_of(
    intact: Attribution, inputs: torch.Tensor, where: torch.Tensor | None, seed: int, axis: int, *, sizes: bool
) -> dict[str, torch.Tensor]:
    """The similarity with the intact map that maps get which know nothing of the network: name to (N,)."""
    return {
        name: torch.stack([compare(intact, one, inputs, where, axis, sizes=sizes) for one in several]).mean(0)
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
