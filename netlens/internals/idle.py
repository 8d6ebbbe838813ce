"""Units that do nothing: dead, saturated or stuck over a whole data set, by the slope of their activation function."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch.overrides import TorchFunctionMode

from netlens.errors import ModelError
from netlens.internals.flat import NAMES, flat_ends, without_inplace
from netlens.internals.stream import Samples, batches, run
from netlens.internals.units import Axis, places
from netlens.models.model import Model, evaluation
from netlens.models.still import eager

OPERATION = "idle"
CONFIDENCE = 0.95
MOSTLY = 0.95


@dataclass(frozen=True)
class Function:
    """One use of an activation function, over a data set.

    `low`, `high` : the function is flat below `low` and above `high`; infinite where it never is. `off`, `saturated` : (units,) the share of
    places, over all samples, on the flat part below and above. `awake` : (units,) the samples in which the unit passes a gradient
    somewhere.
    """

    path: str
    kind: str
    low: float
    high: float
    off: NDArray[np.float64]
    saturated: NDArray[np.float64]
    awake: NDArray[np.int64]

    @property
    def dead(self) -> list[int]:
        """Units that passed no gradient at any place of any sample, and are off somewhere."""
        return [int(unit) for unit in np.flatnonzero((self.awake == 0) & (self.off > 0))]

    @property
    def stuck(self) -> list[int]:
        """Units that passed no gradient at any place of any sample because they were saturated everywhere."""
        return [int(unit) for unit in np.flatnonzero((self.awake == 0) & (self.off == 0))]

    @property
    def mostly_flat(self) -> list[int]:
        """Units of a function that saturates on both sides, such as a sigmoid, that are flat at 95 % of their places or more."""
        both = self.low < 0 and math.isfinite(self.low) and math.isfinite(self.high)
        return [int(unit) for unit in np.flatnonzero(both & (self.off + self.saturated >= MOSTLY))]


@dataclass(frozen=True)
class Idle:
    """Which units passed no gradient in `n` samples, for each use of an activation function in the forward pass."""

    model: str
    n: int
    functions: tuple[Function, ...]

    @property
    def dead(self) -> dict[str, list[int]]:
        """The dead and the stuck units of each function that has some."""
        found = {function.path: sorted([*function.dead, *function.stuck]) for function in self.functions}
        return {path: units for path, units in found.items() if units}

    @property
    def bound(self) -> float:
        """For a unit never awake in `n` samples: it wakes up in at most this share of such samples, with 95 % confidence."""
        return float(1 - (1 - CONFIDENCE) ** (1 / self.n))

    def frame(self) -> pd.DataFrame:
        """One row for each use of an activation function."""
        rows = [
            {
                "layer": function.path,
                "function": function.kind,
                "flat below": function.low if math.isfinite(function.low) else None,
                "flat above": function.high if math.isfinite(function.high) else None,
                "units": len(function.awake),
                "dead": len(function.dead),
                "stuck": len(function.stuck),
                "mostly flat": len(function.mostly_flat),
                "off, share of places": float(function.off.mean()),
                "saturated, share of places": float(function.saturated.mean()),
            }
            for function in self.functions
        ]
        return pd.DataFrame(rows)


def idle(model: Model, samples: Samples, *, rows: int = 64) -> Idle:
    """Find the units that pass no gradient, on any of the samples.

    A function is *flat* where its slope is below 1 % of its largest slope: a ReLU below 0, a sigmoid beyond about 6 on either side, a GELU
    below about -3, a leaky ReLU nowhere. A unit is *dead* when it is on a flat part at every place of every sample.

    Parameters
    ----------
    samples : a data set, or inputs (N, ...).

    Raises
    ------
    ModelError : the network is TorchScript.
    ShapeError : there is no sample, or the network does not take them.

    Notes
    -----
    A network without activation functions gives an empty result. They are seen whether they are modules or calls in `forward`; each use is judged by itself, the second one of a module under the
    name `path#2`. Gates inside recurrent modules are not seen. Cost: one forward pass. Memory: three numbers a unit, and one batch.
    """
    model = eager(model)
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.net.modules()):
        problem = f"{model.name} is TorchScript, which does not show its activation functions"
        raise ModelError(OPERATION, problem, remedy="Use the network that it was made from.")
    watch = _Watch()
    n = 0
    with evaluation(model.net), torch.no_grad(), _where(model, watch), watch:
        for inputs, _ in batches(samples, rows, OPERATION):
            watch.begin(len(inputs))
            run(model, inputs, OPERATION)
            n += len(inputs)
    found = []
    for path, (kind, ends, off, saturated, awake, count) in watch.tallies.items():
        shares = (part.cpu().double().numpy() / count for part in (off, saturated))
        found.append(Function(path, kind, ends[0], ends[1], next(shares), next(shares), awake.cpu().numpy()))
    return Idle(model.name, n, tuple(found))


class _Watch(TorchFunctionMode):
    """Sees every call of an activation function, and counts for each unit where its input lies on a flat part."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[str] = [""]
        self.tallies: dict[str, list[Any]] = {}
        self.axis = Axis()

    def begin(self, count: int) -> None:
        self.count, self.calls, self.axis = count, Counter[str](), Axis()

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        settings = kwargs or {}
        if func in NAMES:
            inputs, *rest = args or [settings["input"]]
            self._take(func, inputs, rest, {key: value for key, value in settings.items() if key not in ("input", "inplace")})
        return func(*args, **settings)

    def _take(self, func: Any, inputs: torch.Tensor, rest: list[Any], settings: dict[str, Any]) -> None:
        if inputs.ndim < 2 or len(inputs) != self.count:
            return
        where = self.running[-1] or "(the network itself)"
        self.calls[where] += 1
        path = where if self.calls[where] == 1 else f"{where}#{self.calls[where]}"
        axis = self.axis.of(torch.nn.Identity(), inputs)
        if path not in self.tallies:
            ends = flat_ends(lambda grid: func(grid, *without_inplace(rest), **settings))
            counts = [torch.zeros(inputs.shape[axis], dtype=torch.int64, device=inputs.device) for _ in range(3)]
            self.tallies[path] = [NAMES[func], ends, *counts, 0]
        tally, others = self.tallies[path], places(inputs, axis)
        low, high = tally[1]
        off, saturated = inputs <= low, inputs >= high
        awake = ~(off | saturated)
        tally[2] += off.sum((0, *others))
        tally[3] += saturated.sum((0, *others))
        tally[4] += (awake.flatten(others[0], others[-1]).any(others[0]) if others else awake).sum(0)
        tally[5] += inputs.numel() // inputs.shape[axis]


@contextmanager
def _where(model: Model, watch: _Watch) -> Iterator[None]:
    """Keep the path of the innermost running module, and the axis of units of what it gave."""
    with ExitStack() as stack:
        for path, module in model.net.named_modules():

            def begin(_module: torch.nn.Module, _inputs: tuple[Any, ...], path: str = path) -> None:
                watch.running.append(path)

            def end(module: torch.nn.Module, _inputs: tuple[Any, ...], output: Any, path: str = path) -> None:
                while watch.running.pop() != path:
                    pass
                if isinstance(output, torch.Tensor):
                    watch.axis.of(module, output)

            stack.callback(module.register_forward_pre_hook(begin).remove)
            stack.callback(module.register_forward_hook(end).remove)
        yield
