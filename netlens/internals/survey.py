"""What every unit of every layer answers to a whole data set, read while it streams through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from netlens.capture import Hook, hooked
from netlens.errors import UsageError
from netlens.internals.stream import Samples, batches, chosen, run
from netlens.internals.units import Axis, places
from netlens.models.model import Model, evaluation
from netlens.models.still import eager

OPERATION = "survey"
ROWS = 8  # a batch whose activations stay in the processor's cache is read for next to nothing


@dataclass(frozen=True)
class Units:
    """One layer over a data set. A layer that the network calls several times has an entry for each call, `path` ends in `#2`.

    A sample's *peak* is the largest value of a unit over its places, its *mean* the mean over them. `shape` : of one sample's output.
    `highest`, `lowest_peak` : (units,) the largest and the smallest peak. `mean`, `spread` : (units,) mean and standard deviation of
    the means over the samples. `top`, `top_peaks` : (k, units) the samples with the highest peaks and these peaks, the highest first.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    highest: NDArray[np.float32]
    lowest_peak: NDArray[np.float32]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    top: NDArray[np.int64]
    top_peaks: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.highest)


@dataclass(frozen=True)
class Survey:
    """What the units of some layers answered to `n` samples. `skipped` : layers that gave no tensor of numbers, or were never called."""

    model: str
    n: int
    layers: tuple[Units, ...]
    skipped: tuple[str, ...]

    def __getitem__(self, path: str) -> Units:
        found = {units.path: units for units in self.layers}
        if path not in found:
            from netlens.errors import unknown

            raise unknown(OPERATION, "layer in the survey", path, found)
        return found[path]

    def frame(self) -> pd.DataFrame:
        """One row a layer."""
        rows = [
            {
                "layer": units.path,
                "kind": units.kind,
                "output": "×".join(map(str, units.shape)),
                "units": len(units),
                "mean": float(units.mean.mean()),
                "spread of a unit": float(units.spread.mean()),
                "highest": float(units.highest.max()),
            }
            for units in self.layers
        ]
        return pd.DataFrame(rows)


def survey(model: Model, samples: Samples, layers: Sequence[str] = (), *, top: int = 9, rows: int = ROWS) -> Survey:
    """Read the units of layers over a data set.

    Parameters
    ----------
    samples : a data set, or inputs (N, ...).
    layers : paths; by default every layer that holds no other.
    top : how many samples to keep for each unit, of those that excite it most.
    rows : samples in a batch.

    Raises
    ------
    ModelError : a layer does not exist, or the network does not show its layers.
    ShapeError : there is no sample, or the network does not take them.

    Notes
    -----
    Cost: one forward pass over the data, and one reading of each output. Memory: one batch, and for each unit `2 * top + 5` numbers,
    however many samples there are; no map is kept.
    """
    if top < 0:
        raise UsageError(OPERATION, f"top is {top}", expected="0 or more")
    model = eager(model)
    paths, seen = chosen(model, layers, OPERATION), _Seen(top)
    n = 0
    with evaluation(model.net), torch.inference_mode(), hooked(model, paths, seen.hook, OPERATION):
        for inputs, ids in batches(samples, rows, OPERATION):
            seen.begin(torch.from_numpy(ids))
            run(model, inputs, OPERATION)
            n += len(ids)
    found = [seen.tallies[key].units(key, n) for key in seen.tallies]
    order = {path: place for place, path in enumerate(model.layers)}
    found.sort(key=lambda units: order.get(units.path.partition("#")[0], -1))
    heard = {units.path.partition("#")[0] for units in found}
    return Survey(model.name, n, tuple(found), tuple(path for path in paths if path not in heard))


class _Seen:
    """Takes in what the layers give, batch after batch."""

    def __init__(self, top: int) -> None:
        self.top = top
        self.tallies: dict[str, _Tally] = {}

    def begin(self, ids: torch.Tensor) -> None:
        self.ids, self.calls, self.axis = ids, Counter[str](), Axis()

    def hook(self, path: str) -> Hook:
        def take(module: torch.nn.Module, _inputs: tuple[Any, ...], output: Any) -> None:
            if not isinstance(output, torch.Tensor) or not output.is_floating_point():
                return
            axis = self.axis.of(module, output)
            if output.ndim < 2 or len(output) != len(self.ids):
                return
            self.calls[path] += 1
            key = path if self.calls[path] == 1 else f"{path}#{self.calls[path]}"
            others = places(output, axis)
            peaks, means = (output.amax(others), output.mean(others)) if others else (output, output)
            self.tallies.setdefault(key, _Tally(type(module).__name__, tuple(output.shape[1:]), self.top)).add(
                peaks, means, self.ids
            )

        return take


@dataclass
class _Tally:
    """The running numbers of one layer."""

    kind: str
    shape: tuple[int, ...]
    top: int
    count: int = 0
    sums: list[torch.Tensor] = field(default_factory=list)
    ends: list[torch.Tensor] = field(default_factory=list)
    best: torch.Tensor | None = None
    ids: torch.Tensor | None = None

    def add(self, peaks: torch.Tensor, means: torch.Tensor, ids: torch.Tensor) -> None:
        peaks, means = peaks.detach().float(), means.detach().double().cpu()
        if self.count == 0:
            self.shift = means.mean(0)  # so that the variance of a unit far from zero is not lost in rounding
        parts = [(means - self.shift).sum(0), (means - self.shift).square().sum(0)]
        ends = [peaks.amax(0), peaks.amin(0)]
        self.sums = [old + new for old, new in zip(self.sums, parts, strict=True)] if self.sums else parts
        self.ends = [torch.maximum(self.ends[0], ends[0]), torch.minimum(self.ends[1], ends[1])] if self.ends else ends
        self.count += len(ids)
        if self.top:
            self._rank(peaks, ids.to(peaks.device))

    def _rank(self, peaks: torch.Tensor, ids: torch.Tensor) -> None:
        everyone = ids.unsqueeze(1).expand_as(peaks)
        if self.best is not None and self.ids is not None:
            if len(self.best) == self.top and not bool((peaks > self.best[-1]).any()):
                return
            peaks, everyone = torch.cat([self.best, peaks]), torch.cat([self.ids, everyone])
        order = peaks.sort(dim=0, descending=True, stable=True).indices[: self.top]
        self.best, self.ids = peaks.gather(0, order), everyone.gather(0, order)

    def units(self, path: str, n: int) -> Units:
        assert self.count == n, f"{path} was called {self.count} times for {n} samples"
        mean = self.sums[0] / n
        spread = (self.sums[1] / n - mean.square()).clamp(min=0).sqrt()
        none = torch.empty(0, len(mean))
        best, ids = (none if self.best is None else self.best), (none.long() if self.ids is None else self.ids)
        highest, lowest = (end.cpu().numpy() for end in self.ends)
        return Units(
            path, self.kind, self.shape, highest, lowest, (mean + self.shift).numpy(), spread.numpy(), ids.cpu().numpy(), best.cpu().numpy()
        )  # fmt: skip
