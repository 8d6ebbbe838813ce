"""What happened while a network learned."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.training import Record
from netlens.views.base import ACCENT, MUTED, PALETTE, View, new_figure, percent


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
                np.arange(1, steps + 1), smooth(values, per_epoch // 2), color=ACCENT, label="training, mean of half an epoch"
            )
            axes.plot(ends, tests, "o-", color=PALETTE[1], markersize=4, label="test, after each epoch")
            axes.set_title(title)
            axes.set_xlabel("step")
            axes.grid(axis="y")
        left.set_yscale("log")
        right.set_ylim(max(0.0, float(record.test_accuracy.min()) - 0.1), 1.005)
        right.legend(loc="lower right", fontsize=8)
        return figure

    first, last = percent(float(record.test_accuracy[0])), percent(float(record.test_accuracy[-1]))
    alt = (
        f"Two line charts over {steps} steps in {epochs} epochs. The loss on the test split falls from {record.test_loss[0]:.3f} "
        f"after the first epoch to {record.test_loss[-1]:.3f}; its accuracy rises from {first} to {last}."
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
    ratio = float(medians.max() / medians.min())
    largest, smallest = record.layers[int(medians.argmax())], record.layers[int(medians.argmin())]
    alt = (
        f"Gradient norms of the layers {', '.join(record.layers)} over {len(steps)} steps. In the middle of the steps {largest} has the "
        f"largest norm and {smallest} the smallest, {ratio:.1f} times less."
    )
    caption = (
        f"Left: gradient norms on a logarithmic axis, averaged over {window} steps. Their medians differ by a factor of {ratio:.1f}, from "
        f"`{smallest}` to `{largest}`: no layer starves, none explodes. Right: how far the weights have moved."
        if ratio < 100
        else f"Left: gradient norms on a logarithmic axis, averaged over {window} steps. Their medians differ by a factor of {ratio:.0f}: "
        f"`{smallest}` learns next to nothing beside `{largest}`. Right: how far the weights have moved."
    )
    return View(draw, table, alt, caption)
