"""Gradient flow: which layers learn, which starve and which blow up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from netlens.internals.flow import BINS, Flow
from netlens.views.base import MUTED, PALETTE, UNSIGNED, WIDTH, View, new_figure, plural
from netlens.views.training import smooth


def flows(found: Mapping[str, Flow]) -> View:
    """Compare networks: the gradient of each layer at the first step, and the loss that follows."""
    table = pd.DataFrame(
        {
            "network": list(found),
            "gradients": [flow.verdict for flow in found.values()],
            "first layer over last": [flow.across for flow in found.values()],
            "step over weight, first layer": [float(flow.ratio[0, 0]) for flow in found.values()],
            "loss at the start": [float(flow.loss[0]) for flow in found.values()],
            "loss at the end": [float(flow.loss[-10:].mean()) for flow in found.values()],
        }
    )

    top = 1.6 * min(float(flow.loss[0]) for flow in found.values())

    def draw() -> Figure:
        figure = new_figure(height=3.0)
        left, right = figure.subplots(1, 2)
        for place, (name, flow) in enumerate(found.items()):
            colour = PALETTE[place % len(PALETTE)]
            sizes = np.where(flow.gradient[0] > 0, flow.gradient[0], np.nan)
            left.plot(
                np.arange(1, len(flow.layers) + 1), sizes, "o-", markersize=3, color=colour, label=f"{name} ({flow.verdict})"
            )
            finite = flow.loss[np.isfinite(flow.loss)]
            right.plot(np.arange(1, len(finite) + 1), smooth(finite.astype(np.float32), 10), color=colour)
            if len(finite) < len(flow.loss) or len(finite) < 5:
                right.plot(len(finite), min(float(finite[-1]), 0.95 * top), "X", color=colour, markersize=8)
        left.set_yscale("log")
        left.set_title("Gradient at the first step")
        left.set_xlabel("layer, from the input to the output")
        right.set_ylim(0, top)
        right.set_title("Loss, mean of 10 steps")
        right.set_xlabel("step")
        for axes in (left, right):
            axes.grid(axis="y")
        figure.legend(loc="outside lower center", ncols=3, fontsize=7.8)
        return figure

    said = "; ".join(
        f"{name}: {flow.verdict}, {_first_step(flow)}, the loss goes from {flow.loss[0]:.2g} to {_end(flow)}"
        for name, flow in found.items()
    )
    alt = f"Gradient sizes by layer and losses of {plural(len(found), 'network')}. {said}."
    caption = f"Left: the root mean square of each layer's gradients. Right: what comes of it; a cross marks where the loss left the picture and stopped being finite. {said}."
    return View(draw, table, alt, caption)


def _first_step(flow: Flow) -> str:
    """What the verdict rests on: how far the first step goes, or how much of the gradient reaches the first layer."""
    if flow.ratio[0, 0] > 1:
        return f"the first step is {flow.ratio[0, 0]:,.0f} times as large as the first layer's weights"
    return f"the first layer's gradient is {flow.across:.1g} of the last one's"


def gradient_histograms(flow: Flow, name: str = "the network") -> View:
    """Show how the sizes of the gradients of each layer are spread: at the first step, in the middle and at the last step."""
    steps = sorted({0, len(flow.loss) // 2, len(flow.loss) - 1})

    def draw() -> Figure:
        figure = new_figure(WIDTH, 0.22 * len(flow.layers) + 1.1)
        grid = figure.subplots(1, len(steps), sharey=True, squeeze=False)[0]
        low, high = _window(flow)
        for axes, step in zip(grid, steps, strict=True):
            shares = flow.counts[step] / np.maximum(flow.counts[step].sum(1, keepdims=True), 1)
            image = axes.pcolormesh(
                BINS,
                np.arange(len(flow.layers) + 1) - 0.5,
                np.ma.masked_equal(shares, 0),
                cmap=UNSIGNED,
                norm=LogNorm(1e-4, 0.3),
                rasterized=True,
            )
            with np.errstate(divide="ignore"):
                axes.plot(
                    np.log10(flow.gradient[step]),
                    np.arange(len(flow.layers)),
                    "o",
                    markersize=3,
                    markerfacecolor="white",
                    markeredgecolor=MUTED,
                )
            axes.set_title(f"step {step + 1}")
            axes.set_xlim(low, high)
            axes.set_xlabel("size of a gradient, power of ten", fontsize=8)
        grid[0].set_yticks(range(len(flow.layers)), flow.layers, fontsize=7)
        grid[0].invert_yaxis()
        figure.colorbar(image, ax=grid, label="share of the layer", aspect=18, pad=0.01)
        return figure

    table = flow.frame()
    ratio = flow.ratio
    said = f"At the first step the typical gradient is {flow.gradient[0, 0]:.1g} in `{flow.layers[0]}` and {flow.gradient[0, -1]:.1g} in `{flow.layers[-1]}`: {flow.verdict}. A step moves them by {ratio[0, 0]:.1g} and {ratio[0, -1]:.1g} of their weights."
    alt = f"Sizes of the gradients of {plural(len(flow.layers), 'layer')} of {name} at steps {', '.join(str(step + 1) for step in steps)}. {said}".replace(
        "`", ""
    )
    caption = f"`{name}`: each row is a layer, from the input (top) to the output; bright where many gradients have that size, a circle at the root mean square. {said}"
    return View(draw, table, alt, caption)


def steps_over_weights(flow: Flow, name: str = "the network") -> View:
    """Show how far each step moves the weights of a layer, as a share of their size, with the usual 0.001 marked."""
    ratio = flow.ratio
    typical = np.nanmedian(ratio, axis=0)
    many = len(flow.layers) > len(PALETTE)
    table = pd.DataFrame({"layer": flow.layers, "median of step over weight": typical})

    def draw() -> Figure:
        figure = new_figure(height=2.7)
        axes = figure.subplots()
        for place, layer in enumerate(flow.layers):
            colour = colormaps[UNSIGNED](0.95 * place / len(flow.layers)) if many else PALETTE[place]
            axes.plot(np.arange(1, len(ratio) + 1), smooth(ratio[:, place].astype(np.float32), 5), color=colour, label=layer)
        axes.axhline(1e-3, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.annotate("one thousandth", (1, 1e-3), (0, 2), textcoords="offset points", fontsize=7.5, color=MUTED)
        axes.set_yscale("log")
        axes.set_title("Step over weight, mean of 5 steps")
        axes.set_xlabel("step")
        axes.grid(axis="y")
        if not many:
            axes.legend(fontsize=7.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return figure

    most, least = flow.layers[int(np.nanargmax(typical))], flow.layers[int(np.nanargmin(typical))]
    said = f"The median goes from {np.nanmin(typical):.1g} (`{least}`) to {np.nanmax(typical):.1g} (`{most}`)."
    shades = " Dark lines are the first layers, bright ones the last." if many else ""
    alt = f"How far each step moves the weights of {name}, layer by layer, over {plural(len(ratio), 'step')}. {said}".replace(
        "`", ""
    )
    caption = f"The root mean square of a step over that of the weights. About a thousandth is a common rule of thumb: far below, a layer stands still; far above, it jumps. {said}{shades}"
    return View(draw, table, alt, caption)


def _end(flow: Flow) -> str:
    return f"{flow.loss[-10:].mean():.2g}" if np.isfinite(flow.loss).all() else "infinity"


def _window(flow: Flow) -> tuple[float, float]:
    """The powers of ten that hold gradients."""
    used = np.flatnonzero(flow.counts.sum((0, 1)))
    return (float(BINS[used[0]]), float(BINS[used[-1] + 1])) if len(used) else (float(BINS[0]), float(BINS[-1]))
