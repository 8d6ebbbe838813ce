"""What happened while a network learned."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.training import Record
from netlens.views.base import ACCENT, MUTED, PALETTE, View, new_figure, percent, plural


def smooth(values: NDArray[np.float32], window: int) -> NDArray[np.float64]:
    """Average each value with those of the `window` steps before it."""
    sums = np.cumsum(np.insert(values.astype(float), 0, 0.0))
    starts = np.maximum(np.arange(len(values)) + 1 - window, 0)
    ends = np.arange(len(values)) + 1
    means: NDArray[np.float64] = (sums[ends] - sums[starts]) / (ends - starts)
    return means


def curves(record: Record) -> View:
    """Show loss and accuracy: on the batch of each step, and on the test split after each epoch."""
    steps, epochs = len(record.loss), len(record.test_loss)
    per_epoch = steps // epochs
    ends = np.arange(1, epochs + 1) * per_epoch
    table = pd.DataFrame(
        {"epoch": np.arange(1, epochs + 1), "test loss": record.test_loss, "test accuracy": record.test_accuracy}
    )
    by_epoch = record.accuracy[: epochs * per_epoch].reshape(epochs, per_epoch).mean(1)
    table.insert(2, "training accuracy", by_epoch)

    def draw() -> Figure:
        figure = new_figure(height=2.6)
        left, right = figure.subplots(1, 2)
        for axes, values, tests, title in (
            (left, record.loss, record.test_loss, "Loss (cross-entropy, nats)"),
            (right, record.accuracy, record.test_accuracy, "Accuracy"),
        ):
            axes.plot(np.arange(1, steps + 1), values, color=MUTED, alpha=0.25, linewidth=0.7)
            axes.plot(
                np.arange(1, steps + 1),
                smooth(values, max(1, per_epoch // 2)),
                color=ACCENT,
                label="training, mean of half an epoch",
            )
            axes.plot(ends, tests, "o-", color=PALETTE[1], markersize=4, label="test, after each epoch")
            axes.set_title(title)
            axes.set_xlabel("step")
            axes.grid(axis="y")
        left.set_yscale("log")
        right.set_ylim(max(0.0, float(record.test_accuracy.min()) - 0.1), 1.005)
        right.legend(loc="lower right", fontsize=8)
        return figure

    last = percent(float(record.test_accuracy[-1]))
    loss = _change(record.test_loss, "{:.3f}".format, " after the first epoch")
    alt = (
        f"Two line charts over {plural(steps, 'step')} in {plural(epochs, 'epoch')}. The loss on the test split {loss}; "
        f"its accuracy {_change(record.test_accuracy, percent)}."
    )
    caption = (
        f"Left, the loss (logarithmic axis); right, the accuracy. Thin grey: each step. The test accuracy ends at {last}. "
        "Training samples are shifted at random and test samples are not, so the test curve may lie above."
    )
    return View(draw, table, alt, caption)


def gradient_flow(record: Record) -> View:
    """Show the norm of the gradient of each layer through training, and of its weights."""
    steps = np.arange(1, len(record.loss) + 1)
    window = max(1, len(steps) // 40)
    table = pd.DataFrame(
        {
            "layer": record.layers,
            "gradient norm, first 10 steps": record.gradient_norm[:10].mean(0),
            "gradient norm, last 10 steps": record.gradient_norm[-10:].mean(0),
            "weight norm, start": record.weight_norm[0],
            "weight norm, end": record.weight_norm[-1],
        }
    )

    def draw() -> Figure:
        figure = new_figure(height=2.7)
        left, right = figure.subplots(1, 2)
        for place, name in enumerate(record.layers):
            colour = PALETTE[place % len(PALETTE)]
            left.plot(steps, smooth(record.gradient_norm[:, place], window), color=colour, label=name)
            right.plot(steps, record.weight_norm[:, place] / record.weight_norm[0, place], color=colour, label=name)
        left.set_yscale("log")
        left.set_title("Gradient norm of each layer")
        right.set_title("Weight norm, relative to the start")
        for axes in (left, right):
            axes.set_xlabel("step")
            axes.grid(axis="y")
        left.legend(fontsize=8, ncols=2)
        return figure

    medians = np.median(record.gradient_norm, axis=0)
    ratio = float(medians.max() / medians.min()) if medians.all() else math.inf
    largest, smallest = record.layers[int(medians.argmax())], record.layers[int(medians.argmin())]
    apart = f"In the middle of the steps {largest} has the largest norm and {smallest} the smallest, {ratio:.1f} times less."
    if ratio < 100:
        found = (
            f"Their medians differ by a factor of {ratio:.1f}, from `{smallest}` to `{largest}`: no layer starves, none explodes."
        )
    elif math.isfinite(ratio):
        found = f"Their medians differ by a factor of {ratio:.0f}: `{smallest}` learns next to nothing beside `{largest}`."
    else:
        still = [name for name, median in zip(record.layers, medians, strict=True) if median == 0]
        apart = f"No gradient reaches {', '.join(still)}."
        found = f"No gradient reaches {', '.join(f'`{name}`' for name in still)}, which cannot learn."
    alt = f"Gradient norms of the layers {', '.join(record.layers)} over {plural(len(steps), 'step')}. {apart}"
    caption = f"Left: gradient norms on a logarithmic axis, averaged over {plural(window, 'step')}. {found} Right: how far the weights have moved."
    return View(draw, table, alt, caption)


def _change(values: NDArray[np.float32], write: Callable[[float], str], when: str = "") -> str:
    """Say where a series goes: 'falls from 0.300 to 0.100'."""
    first, last = (write(float(value)) for value in (values[0], values[-1]))
    if first == last:
        return f"stays at {last}"
    return f"{'rises' if values[-1] > values[0] else 'falls'} from {first}{when} to {last}"
