"""The floor of a method: the passes that its definition needs, at the chunk size and in the memory layout that are fastest here."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that wait do not take the cores from those that work

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from netlens.explain.chunks import laid_out

Run = Callable[[], object]
LAYOUTS = (torch.contiguous_format, torch.channels_last)


@dataclass(frozen=True)
class Ratios:
    """What a comparison found: the median and the best time over the floor, and the median of the library's time over ours."""

    milliseconds: float
    over_floor: float
    best_over_floor: float
    library_over_ours: float


def seconds(run: Run) -> float:
    """How long one call takes: by the wall clock, or in time of the processor where torch has one thread.

    On a machine that others use too, the second tells more: time that they take is not counted.
    """
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    run()
    return clock() - start


def most_held() -> int:
    """Megabytes that this process held at its most. `ru_maxrss` would not do: it starts from what the parent process held."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def forward_backward(net: nn.Module, inputs: torch.Tensor) -> None:
    """One forward and one backward pass down to the inputs; the weights collect nothing."""
    points = inputs.detach().requires_grad_()
    torch.autograd.grad(net(points).flatten(1)[:, 0].sum(), points)


def forward(net: nn.Module, inputs: torch.Tensor) -> None:
    """One forward pass without a graph."""
    with torch.inference_mode():
        net(inputs)


def passes(
    step: Callable[[nn.Module, torch.Tensor], None], net: nn.Module, rows: int, like: torch.Tensor, sizes: Sequence[int]
) -> Run:
    """`rows` rows through `net` by `step`, in the fastest of the chunk sizes and layouts, on inputs that are there already."""
    found: dict[tuple[int, torch.memory_format], float] = {}
    tried = sorted({min(size, rows) for size in sizes})
    for _ in range(5):
        for size in tried:
            for layout in LAYOUTS if like.ndim == 4 else LAYOUTS[:1]:
                inputs = laid_out(like[:1].repeat(size, *[1] * (like.ndim - 1)), layout)
                taken = seconds(lambda inputs=inputs: step(net, inputs)) / size
                found[size, layout] = min(taken, found.get((size, layout), taken))
    chunk, layout = min(found, key=lambda key: found[key])
    whole = laid_out(like[:1].repeat(chunk, *[1] * (like.ndim - 1)), layout)
    parts = [whole[: min(chunk, rows - start)] for start in range(0, rows, chunk)]
    return lambda: [step(net, part) for part in parts]


def compare(floor: Run, ours: Run, theirs: Run | None, turns: int) -> Ratios:
    """Time floor, ours and the library's in turns, so that a busy machine hits all of them alike."""
    runs = [floor, ours, *([theirs] if theirs else [])]
    for run in runs:
        run()
    times = [[seconds(run) for run in runs] for _ in range(turns)]
    columns = list(zip(*times, strict=True))
    library = statistics.median(turn[2] / turn[1] for turn in times) if theirs else float("nan")
    over = statistics.median(turn[1] / turn[0] for turn in times)
    return Ratios(1e3 * statistics.median(columns[1]), over, min(columns[1]) / min(columns[0]), library)
