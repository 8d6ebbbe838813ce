"""Networks that convolve along a series: which axis of their inputs is time, which outputs are maps (N, K, t), how a map is laid on a series."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from netlens.capture import hooked
from netlens.errors import ModelError
from netlens.explain.question import Question, asking
from netlens.models.model import Model
from netlens.seeding import generator

ALONG = (
    *(nn.Conv1d, nn.ConvTranspose1d, nn.BatchNorm1d, nn.InstanceNorm1d, nn.Dropout1d, nn.LPPool1d),
    *(nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveMaxPool1d, nn.AdaptiveAvgPool1d),
)  # what they give is (N, K, t), by their definition
ACROSS = (nn.Linear, nn.Bilinear, nn.Embedding)  # they mix or make the last axis: what they give is (N, t, D), or has no order
STRIDES, DRAWS, NEAR = 4, 4, 0.1
ELSEWHERE = 0.2  # of the movement where the changed step lies, which half of all places may not exceed
AXIS = "time_axis"  # of the inputs, in the `params` of an attribution that is a map of a series


class Tracker:
    """Follows a network that runs once, and tells which modules give maps (1, K, t) of a series.

    Convolutions, poolings and batch norms along one axis do. Of any other module the output is a map where it is one of those tensors,
    or made of one and shaped like it; or where a map had its shape (K, t) and none had (t, K).
    """

    def __init__(self) -> None:
        self.maps: list[torch.Tensor] = []

    def steps(self, module: nn.Module, inputs: tuple[Any, ...], output: Any) -> int:
        """How many steps the maps have that a module gave; 0 where it gave none, or maps of one step."""
        if not isinstance(output, torch.Tensor) or output.ndim != 3 or isinstance(module, ACROSS):
            return 0
        given = next((part for part in inputs if isinstance(part, torch.Tensor)), None)
        shapes = {tuple(one.shape[1:]) for one in self.maps}
        if isinstance(module, ALONG):
            told = given is None or not _turned(given, shapes) or self._known(given)
        else:
            made = given is not None and given.shape == output.shape and self._known(given)
            told = made or self._known(output) or (tuple(output.shape[1:]) in shapes and tuple(output.shape[:0:-1]) not in shapes)
        if told:
            self.maps.append(output)
        return int(output.shape[2]) if told and output.shape[2] > 1 else 0

    def _known(self, tensor: torch.Tensor) -> bool:
        return any(tensor is one for one in self.maps)


def _turned(given: torch.Tensor, shapes: set[tuple[int, ...]]) -> bool:
    """Whether a tensor has the shape of an earlier map with its axes exchanged: then its last axis is no time."""
    return tuple(given.shape[:0:-1]) in shapes and tuple(given.shape[1:]) not in shapes


def time_axis(question: Question) -> int | None:
    """The axis of the inputs, (N, T), (N, C, T) or (N, T, C), along which the network's first Conv1d runs; None where none can be told.

    Notes
    -----
    Asked once for a network and a shape: steps of one input are changed, and the place that moves in what the convolution is given
    must lie as far along. Cost: 24 forward passes of one input for each axis, no further than to the convolution.
    """
    known, key = question.known, ("time axis", question.inputs.shape[1:], question.inputs.dtype)
    if key not in known:
        first = _first_convolution(question) if question.inputs.ndim in (2, 3) and question.inputs.is_floating_point() else ""
        axes = range(question.inputs.ndim - 1, 0, -1) if first else ()
        known[key] = next((axis for axis in axes if _runs_along(question, axis, first)), None)
    found: int | None = known[key]
    return found


def steps_axis(model: Model, inputs: torch.Tensor, operation: str) -> int:
    """The axis of the steps of sequences: the one along which the network convolves, else 1, as in (N, T, C)."""
    if inputs.ndim != 3 or not any(isinstance(module, nn.Conv1d) for module in model.net.modules()):
        return 1
    with asking(model, inputs[:1], 0, operation) as question:
        return time_axis(question) or 1


def enlarge(maps: torch.Tensor, shape: torch.Size, axis: int = 0, mode: str = "linear") -> torch.Tensor:
    """Enlarge maps to the places of inputs of this shape, so that they broadcast to these.

    Parameters
    ----------
    maps : (B, 1, h, w) for images, else (B, 1, t) or (B, 1, 1, t). `axis` : of time in the inputs; only for series.
    mode : `linear` in as many directions as there are, or `nearest`.
    """
    if len(shape) == 4:
        if maps.shape[2:] == shape[2:]:
            return maps
        smooth = {"mode": "bilinear", "align_corners": False} if mode == "linear" else {"mode": mode}
        return functional.interpolate(maps, tuple(shape[2:]), **smooth)
    steps = maps.reshape(len(maps), 1, -1)
    if steps.shape[2] != shape[axis]:
        steps = functional.interpolate(steps, shape[axis], mode=mode, align_corners=False if mode == "linear" else None)
    return steps.squeeze(1) if len(shape) == 2 else steps if axis == 2 else steps.mT


def _first_convolution(question: Question) -> str:
    """The path of the Conv1d that runs first; "" where there is none."""
    paths = [path for path, module in question.model.net.named_modules() if isinstance(module, nn.Conv1d) and path]
    order: list[str] = []

    def make(path: str) -> Any:
        return lambda *_: order.append(path)

    if not paths:
        return ""
    _ = question.plan  # first: what it measures is no call of ours
    with hooked(question.model, paths, make, question.operation), torch.no_grad():
        question.once(question.inputs[:1])
    return order[0] if order else ""


def _runs_along(question: Question, axis: int, layer: str) -> bool:
    """Whether changing a step of the inputs moves the step as far along of what a layer is given, and none more."""
    length = question.inputs.shape[axis]
    tried = sorted({place * (length - 1) // STRIDES for place in range(STRIDES + 1)})
    moved: torch.Tensor | float = 0.0
    for draw in range(DRAWS):
        row = question.inputs[:1]
        size = float(row.std()) if row.numel() > 1 else 0.0
        noise = torch.randn(2, *row.shape, generator=generator(draw)).to(row) * (size or 1.0)
        start, other = row + noise[0], row + noise[1]
        rows = start.repeat(len(tried) + 1, *[1] * (row.ndim - 1))
        for number, place in enumerate(tried, 1):
            rows[number].select(axis - 1, place).copy_(other[0].select(axis - 1, place))
        try:
            given = _given(question, layer, rows)
        except ModelError:  # a network that refuses an input with one step changed
            return False
        if given is None or given.ndim != 3 or len(given) != len(rows):
            return False
        moved = moved + (given[1:] - given[:1]).double().norm(dim=1).cpu()
    assert isinstance(moved, torch.Tensor)
    if length < 2 or moved.shape[1] < 2 or not bool((moved.amax(1) > 0).all()):
        return False
    if bool((moved.median(1).values > ELSEWHERE * moved.amax(1)).any()):  # a channel moves every place
        return False
    found = moved.argmax(1) / (moved.shape[1] - 1)
    return bool(((found - torch.tensor(tried) / (length - 1)).abs() <= NEAR).all())


def _given(question: Question, layer: str, rows: torch.Tensor) -> torch.Tensor | None:
    """What a layer is given in its first call for these rows."""
    kept: list[torch.Tensor] = []

    def make(_path: str) -> Any:
        def keep(_module: nn.Module, inputs: tuple[Any, ...], _output: Any) -> None:
            kept.extend(part.detach().clone() for part in inputs[:1] if isinstance(part, torch.Tensor))

        return keep

    with hooked(question.model, [layer], make, question.operation), torch.no_grad():
        question.once(rows)
    return kept[0] if kept else None
