"""A network as a drawing that reads from left to right, and as a table."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Arc, FancyArrowPatch, FancyBboxPatch

from netlens.internals.architecture import Architecture
from netlens.internals.blocks import Block, blocks
from netlens.views.base import INK, MUTED, PALETTE, WIDTH, View, new_figure, percent, plural
from netlens.views.table import Table

ROW = 7  # blocks
KINDS = (
    ("convolution", ("conv", "residual", "bottleneck", "basicblock", "convnext"), PALETTE[0]),
    ("attention", ("attention", "encoder", "swin", "transformer", "block"), PALETTE[3]),
    ("recurrent", ("lstm", "gru", "rnn"), PALETTE[6]),
    ("linear", ("linear", "mlp", "classifier", "sequential"), PALETTE[1]),
    ("pooling", ("pool", "merging"), PALETTE[2]),
)


def architecture(found: Architecture) -> View:
    """Draw the blocks of a network from left to right, and under each its share of the parameters and of the multiply-adds."""
    shown = blocks(found)
    table = pd.DataFrame(
        {
            "block": [block.label or block.kind for block in shown],
            "layers": [_inside(block) for block in shown],
            "output": [_shape(block.shape) for block in shown],
            "parameters": [block.parameters for block in shown],
            "multiply-adds": [block.multiply_adds for block in shown],
        }
    )
    width = math.ceil(len(shown) / math.ceil(len(shown) / ROW))
    lines = [shown[start : start + width] for start in range(0, len(shown), width)]

    def draw() -> Figure:
        figure = new_figure(WIDTH, 2.55 * len(lines))
        grid = figure.subplots(2 * len(lines), 1, squeeze=False, height_ratios=[3, 1.25] * len(lines))[:, 0]
        for place, line in enumerate(lines):
            _boxes(grid[2 * place], line, width, found, first=place == 0)
            _shares(grid[2 * place + 1], line, width, found, legend=place == 0)
        return figure

    most, dearest = (max(shown, key=lambda block: getattr(block, key)) for key in ("parameters", "multiply_adds"))
    held = f"{most.label or most.kind} holds {percent(_share(most.parameters, found.parameters), 0)} of the parameters"
    costs = f"{dearest.label or dearest.kind} does {percent(_share(dearest.multiply_adds, found.multiply_adds), 0)} of the multiply-adds"
    size = f"{plural(found.parameters, 'parameter')} and {plural(found.multiply_adds, 'multiply-add')}"
    steps = " → ".join(f"{block.label or block.kind} {_shape(block.shape)}" for block in shown)
    alt = f"Drawing of {found.name}, from left to right: {steps}. {size}; {held}, {costs}."
    caption = (
        f"`{found.name}`: {size} for an input of {_shape(found.inputs)}. The taller a block, the larger its maps; under it the shape of its output "
        f"and its share of parameters and cost. Here {held}, and {costs}."
    )
    return View(draw, table, alt, caption)


def layers(found: Architecture) -> Table:
    """List the layers of a network: kind, calls, output, parameters and multiply-adds."""
    said = f"{plural(found.parameters, 'parameter')} and {plural(found.multiply_adds, 'multiply-add')} for an input of {_shape(found.inputs)}."
    frame = found.frame()
    for column in ("parameters", "multiply-adds"):
        frame[column] = [f"{value:,}" for value in frame[column]]
    return Table(frame, f"{said} Sums, activations and normalisation are not counted as multiply-adds.")


def _boxes(axes: Axes, line: Sequence[Block], width: int, found: Architecture, *, first: bool) -> None:
    largest = max(_area(block.shape) for block in blocks(found))
    for place, block in enumerate(line):
        height = 0.34 + 0.66 * math.log1p(_area(block.shape)) / math.log1p(largest)
        name, colour = _kind(block)
        box = FancyBboxPatch(
            (place - 0.36, -height / 2), 0.72, height, boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=colour if name else "white", edgecolor=colour, linewidth=1, alpha=0.9 if name else 1,
        )  # fmt: skip
        axes.add_patch(box)
        words = _words(block)
        axes.text(place, 0, words, ha="center", va="center", fontsize=6.2, color="white" if name else INK, linespacing=1.25)
        axes.text(place, 0.56, _short(block.label or block.kind), ha="center", va="bottom", fontsize=7, fontweight="bold")
        axes.text(place, -0.55, _shape(block.shape), ha="center", va="top", fontsize=6.8, color=INK)
        if block.skip:
            axes.add_patch(Arc((place, height / 2 - 0.02), 0.5, 0.16, theta1=0, theta2=180, color=INK, linewidth=1))
        if place or not first:
            arrow = FancyArrowPatch(
                (place - 0.64, 0), (place - 0.37, 0), arrowstyle="-|>", mutation_scale=7, color=MUTED, linewidth=1
            )
            axes.add_patch(arrow)
    axes.set_xlim(-0.66, width - 0.4)
    axes.set_ylim(-0.72, 0.86)
    axes.set_axis_off()


def _shares(axes: Axes, line: Sequence[Block], width: int, found: Architecture, *, legend: bool) -> None:
    for shift, key, colour, name in (
        (-0.15, "parameters", INK, "parameters"),
        (0.15, "multiply_adds", PALETTE[6], "multiply-adds"),
    ):
        total = getattr(found, key)
        shares = [_share(getattr(block, key), total) for block in line]
        axes.bar(np.arange(len(line)) + shift, shares, 0.28, color=colour, label=f"share of the {name}")
        for place, share in enumerate(shares):
            if share >= 0.005:
                axes.text(place + shift, share + 0.03, f"{100 * share:.0f} %", ha="center", va="bottom", fontsize=6)
    axes.set_xlim(-0.66, width - 0.4)
    axes.set_ylim(0, 1.2)
    axes.set_yticks([])
    axes.set_xticks([])
    axes.spines["left"].set_visible(False)
    if legend:
        axes.legend(fontsize=6.8, loc="upper left", handlelength=1, bbox_to_anchor=(0.0, 1.15))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _area(shape: Sequence[int]) -> int:
    """How many places an output has: of maps the height times the width, of tokens their number, of a vector one."""
    inner = shape[1:]
    return math.prod(inner[1:]) if len(inner) >= 3 else inner[0] if len(inner) == 2 else 1


def _kind(block: Block) -> tuple[str, str]:
    text = block.kind.lower()
    return next(((name, colour) for name, words, colour in KINDS if any(word in text for word in words)), ("", MUTED))


def _shape(shape: Sequence[int]) -> str:
    """The shape of one sample."""
    return "×".join(map(str, shape[1:])) or "1"


def _short(label: str) -> str:
    return label if len(label) <= 17 else f"…{label[-15:]}"


def _words(block: Block) -> str:
    """What stands in a box: the kind and, on lines of their own, the small layers after it."""
    kinds = [f"{block.count} × {block.kind}" if block.count > 1 else block.kind, *block.then]
    lines = [line for kind in kinds if kind for line in textwrap.wrap(_split(kind), 12)]
    return "\n".join(lines[:5])


def _split(kind: str) -> str:
    """Let a long name of a class break: `AdaptiveAvgPool2d` at its capitals."""
    return (
        "".join(f" {letter}" if letter.isupper() and place > 7 else letter for place, letter in enumerate(kind))
        if len(kind) > 13
        else kind
    )


def _inside(block: Block) -> str:
    kinds = [f"{block.count} × {block.kind}" if block.count > 1 else block.kind, *block.then]
    return ", ".join(kind for kind in kinds if kind) or "–"
