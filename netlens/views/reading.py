"""What happens at each step of a sequence, beside the image whose rows are the steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.data import Batch
from netlens.internals.recurrent import States
from netlens.internals.tracking import Tracking
from netlens.views.base import ACCENT, COOL, INK, MUTED, RULE, WARM, WIDTH, View, new_figure, percent, plural
from netlens.views.samples import picture

SEEN = 0.25  # a class whose probability never exceeds this is not drawn


def page(batch: Batch, panels: int, steps: int, *, wide: int = 1) -> tuple[Figure, NDArray[Any]]:
    """Make a figure with each sample beside `panels` panels, whose steps run downward as the rows of the image do.

    Gives axes (samples, 1 + panels); the first shows the image, or is empty for what is no image of so many rows.
    """
    count = len(batch)
    rows = -(-count // wide)
    size = WIDTH / wide / (1 + panels)
    figure = new_figure(WIDTH, rows * min(2.2, size + 0.25))
    grid = figure.subplots(rows, wide * (1 + panels), squeeze=False).reshape(rows * wide, 1 + panels)
    for place, line in enumerate(grid):
        if place >= count:
            for axes in line:
                axes.set_axis_off()
            continue
        if of_rows(batch, steps):
            picture(line[0], batch.raw[place])
            line[0].set_anchor("E")
        else:
            line[0].set_axis_off()
        for axes in line[1:]:
            downward(axes, steps)
    return figure, grid[:count]


def of_rows(batch: Batch, steps: int) -> bool:
    """Whether the steps are the rows of images."""
    return batch.raw.ndim >= 3 and batch.raw.shape[1] == steps


def downward(axes: Axes, steps: int) -> None:
    """Let the steps of a sequence run down a panel, the first at the top."""
    axes.set_ylim(steps - 0.5, -0.5)
    axes.set_box_aspect(1)
    axes.set_yticks([0, steps // 2, steps - 1], ["1", str(steps // 2 + 1), str(steps)])
    axes.tick_params(labelsize=7, length=2)


def answer_while_reading(logits: torch.Tensor, batch: Batch, classes: Sequence[str]) -> View:
    """Show how the answer forms: the probability of each class after each step, logits (N, T, classes)."""
    chances = torch.softmax(logits.double(), 2).numpy()
    final = chances[:, -1].argmax(1)
    settled = [_settled(part.argmax(1)) for part in chances]
    step_name = "row" if of_rows(batch, chances.shape[1]) else "step"
    table = pd.DataFrame(
        {"sample": int(sample), "step": step + 1, "class": name, "probability": float(chances[place, step, number])}
        for place, sample in enumerate(batch.ids)
        for step in range(chances.shape[1])
        for number, name in enumerate(classes)
    )

    def draw() -> Figure:
        figure, grid = page(batch, 1, chances.shape[1], wide=2)
        for place, (_, axes) in enumerate(grid):
            shown = [number for number in range(len(classes)) if chances[place, :, number].max() > SEEN]
            for number in shown:
                line, own = chances[place, :, number], number == final[place]
                colour = ACCENT if own else MUTED
                axes.plot(line, range(len(line)), color=colour, linewidth=2.2 if own else 1, alpha=1 if own else 0.7)
                top = len(line) - 1 if own else int(line.argmax())
                axes.annotate(
                    classes[number], (line[top], top), (4, 0), textcoords="offset points", color=ACCENT if own else INK, fontsize=8,
                    va="center", fontweight="bold" if own else "normal", annotation_clip=False,
                )  # fmt: skip
            axes.axhline(settled[place], color=RULE, linewidth=1, zorder=0)
            axes.set_xlim(0, 1)
            axes.set_xticks([0, 0.5, 1], ["0", "½", "1"])
            axes.set_title(f"“{classes[final[place]]}” from {step_name} {settled[place] + 1} on", fontsize=8)
        return figure

    told = "; ".join(
        f"“{classes[final[place]]}” from step {settled[place] + 1} on ({percent(float(chances[place, -1, final[place]]), 0)} sure at the end)"
        for place in range(len(batch))
    )
    alt = f"{plural(len(batch), 'sample')}, each beside the probability of every class after each of {chances.shape[1]} steps. {told}."
    caption = (
        f"Read downward: at each {step_name}, what the network would answer if the sequence ended there. The thick line is the final answer, the "
        f"grey line marks where it stays ahead for good: {told}. Classes that never reach {percent(SEEN, 0)} are left out."
    )
    return View(draw, table, alt, caption)


def _settled(answers: NDArray[np.int64]) -> int:
    """The step from which on the answer is always the final one."""
    other = np.flatnonzero(answers != answers[-1])
    return int(other[-1]) + 1 if len(other) else 0


def steps_compared(saliency: torch.Tensor, effect: torch.Tensor, batch: Batch, correlations: Sequence[float]) -> View:
    """Show the gradient's size at each step (N, T) beside how far the logit falls when the step is hidden (N, T)."""
    sizes, falls = saliency.double().numpy(), effect.double().numpy()
    table = pd.DataFrame(
        {"sample": int(sample), "step": step + 1, "gradient": sizes[place, step], "fall of the logit": falls[place, step]}
        for place, sample in enumerate(batch.ids)
        for step in range(sizes.shape[1])
    )

    def draw() -> Figure:
        figure, grid = page(batch, 2, sizes.shape[1])
        places = np.arange(sizes.shape[1])
        for place, (image, left, right) in enumerate(grid):
            image.set_ylabel(
                f"rank\ncorrelation\n{correlations[place]:+.2f}", fontsize=8, rotation=0, ha="right", va="center", color=INK
            )
            left.barh(places, sizes[place], color=MUTED, height=0.85)
            right.barh(places, falls[place], color=np.where(falls[place] > 0, WARM, COOL), height=0.85)
            right.axvline(0, color=INK, linewidth=0.6)
            limit = float(np.abs(falls[place]).max()) or 1.0
            right.set_xlim(-limit * 1.05, limit * 1.05)
            left.set_xlim(0, float(sizes[place].max()) * 1.05 or 1.0)
        grid[0, 1].set_title("size of the gradient", fontsize=8.5)
        grid[0, 2].set_title("fall of the logit when hidden", fontsize=8.5)
        return figure

    named = ", ".join(f"sample {sample} {value:+.2f}" for sample, value in zip(batch.ids, correlations, strict=True))
    peaks = ", ".join(f"step {int(part.argmax()) + 1}" for part in falls)
    alt = f"{plural(len(batch), 'sample')}, each beside two bar charts over {sizes.shape[1]} steps. Largest fall when hidden: {peaks}. Rank correlation: {named}."
    caption = (
        "Grey: how strongly the logit reacts to a tiny change of the step. Red: how far it falls when the step is hidden; blue: it rises. Each chart "
        f"has a scale of its own. The two need not agree. Rank correlation: {named}."
    )
    return View(draw, table, alt, caption)


def tracked(states: States, found: Tracking, quantity: torch.Tensor, batch: Batch, name: str) -> View:
    """Show a unit beside what it follows, for the samples of the batch; `quantity` (N, T) and the states belong to them."""
    unit, follows = states.hidden[:, :, found.unit].double().numpy(), quantity.double().numpy()
    table = pd.DataFrame(
        {"sample": int(sample), "step": step + 1, f"unit {found.unit}": unit[place, step], name: follows[place, step]}
        for place, sample in enumerate(batch.ids)
        for step in range(unit.shape[1])
    )
    slope, start = np.polyfit(unit.ravel(), follows.ravel(), 1) if np.ptp(unit) else (0.0, float(follows.mean()))

    def draw() -> Figure:
        figure, grid = page(batch, 1, unit.shape[1], wide=2)
        for place, (_, axes) in enumerate(grid):
            steps = range(unit.shape[1])
            axes.plot(follows[place], steps, color=MUTED, linewidth=3, alpha=0.5)
            axes.plot(slope * unit[place] + start, steps, color=ACCENT)
            low, high = min(follows.min(), 0.0), float(follows.max())
            axes.set_xlim(low - 0.08 * (high - low), high + 0.08 * (high - low))
        grid[0, 1].set_title(f"{name} (grey), unit {found.unit}", fontsize=8)
        return figure

    told = f"the correlation on samples that did not choose it is {found.correlation:+.2f}; with the samples exchanged it is {found.chance:.2f}"
    alt = f"{plural(len(batch), 'sample')}, each beside two lines over {unit.shape[1]} steps: {name}, and unit {found.unit} of {states.name}; {told}."
    caption = f"Grey: {name}, step by step. Blue: unit {found.unit} of `{states.name}`, laid on it by one straight line for all samples; {told}."
    return View(draw, table, alt, caption)
