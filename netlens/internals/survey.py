"""What every unit of every layer answers to a whole data set, read while it streams through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from netlens.capture import Hook, hooked
from netlens.errors import UsageError
from netlens.internals.stream import Samples, batches, chosen, run
from netlens.internals.trace import first_tensor
from netlens.internals.units import Axis, by_sample, places
from netlens.models.model import Model, evaluation
from netlens.models.still import eager

OPERATION = "survey"
TOGETHER = 128
ROWS = 16  # a batch whose activations stay in the processor's cache is read for next to nothing


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
    """What the units of some layers answered to `n` samples, in the order of the forward pass. `skipped` : layers that gave no tensor of numbers with a row for each sample, or were never called."""

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
    Of a layer that gives several tensors, such as an LSTM, the first is read. Cost: one forward pass over the data, and one reading of
    each output. Memory: one batch, and for each unit `2 * top + 5` numbers,
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
    found = [tally.units(key, n) for key, tally in seen.tallies.items() if tally.count + tally.used == n]
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
            output = first_tensor(output)
            if output is None or not output.is_floating_point():
                return
            output = by_sample(module, output)
            axis = self.axis.of(module, output)
            if output.ndim < 2 or len(output) != len(self.ids):
                return
            self.calls[path] += 1
            key = path if self.calls[path] == 1 else f"{path}#{self.calls[path]}"
            others = places(output, axis)
            if key not in self.tallies:
                self.tallies[key] = _Tally(type(module).__name__, tuple(output.shape[1:]), self.top, output, axis)
            self.tallies[key].add(output.detach(), others, self.ids)

        return take


class _Tally:
    """The running numbers of one layer. Batches wait until there are some: many small sums cost more than a large one."""

    def __init__(self, kind: str, shape: tuple[int, ...], top: int, output: torch.Tensor, axis: int) -> None:
        self.kind, self.shape, self.top, self.count = kind, shape, top, 0
        room = max(TOGETHER, len(output))
        self.waiting = torch.empty(2, room, output.shape[axis], dtype=output.dtype, device=output.device)
        self.ids_waiting: list[torch.Tensor] = []
        self.used = 0

    def add(self, output: torch.Tensor, others: tuple[int, ...], ids: torch.Tensor) -> None:
        if self.used + len(ids) > self.waiting.shape[1]:
            self.flush()
        peaks, means = self.waiting[:, self.used : self.used + len(ids)]
        if others:
            torch.amax(output, others, out=peaks)
            torch.mean(output, others, out=means)
        else:
            peaks.copy_(output)
            means.copy_(output)
        self.ids_waiting.append(ids)
        self.used += len(ids)

    def flush(self) -> None:
        if not self.used:
            return
        peaks, means = self.waiting[:, : self.used].cpu()
        ids = torch.cat(self.ids_waiting)
        self.ids_waiting, self.used = [], 0
        peaks, means = peaks.float(), means.double()
        if self.count == 0:
            self.shift = means.mean(0)  # so that the variance of a unit far from zero is not lost in rounding
            self.sums = [torch.zeros_like(self.shift), torch.zeros_like(self.shift)]
            self.highest, self.lowest = peaks.amax(0), peaks.amin(0)
            self.best, self.ids = peaks[:0], ids[:0].unsqueeze(1).expand(-1, peaks.shape[1])
        means = means - self.shift
        self.sums = [self.sums[0] + means.sum(0), self.sums[1] + means.square().sum(0)]
        self.highest, self.lowest = torch.maximum(self.highest, peaks.amax(0)), torch.minimum(self.lowest, peaks.amin(0))
        self.count += len(ids)
        if self.top:
            peaks = torch.cat([self.best, peaks])
            everyone = torch.cat([self.ids, ids.unsqueeze(1).expand(-1, peaks.shape[1])])
            best, order = peaks.T.contiguous().topk(min(self.top, len(peaks)))
            self.best, self.ids = best.T, everyone.gather(0, order.T)

    def units(self, path: str, n: int) -> Units:
        self.flush()
        mean = self.sums[0] / n
        spread = (self.sums[1] / n - mean.square()).clamp(min=0).sqrt()
        arrays = (self.highest, self.lowest, mean + self.shift, spread, self.ids, self.best)
        return Units(path, self.kind, self.shape, *(array.numpy() for array in arrays))
