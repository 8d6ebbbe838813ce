"""Explanations of series: what speaks for the class as colour behind the line, along the same time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from netlens.data import Batch
from netlens.errors import ShapeError
from netlens.explain import Attribution
from netlens.quality.base import axis_of, pixelwise
from netlens.quality.stamp import Stamp
from netlens.views.base import INK, MUTED, SIGNED, WIDTH, View, new_figure, plural
from netlens.views.marks import colour_bar, limits, no_evidence, stamp, without_evidence
from netlens.views.titles import title_of

NAMED = 8  # peaks that a text lists
Lines = NDArray[np.float64]


def series_by_samples(
    attributions: Sequence[Attribution],
    batch: Batch,
    classes: Sequence[str],
    names: Sequence[str] = (),
    stamps: Mapping[str, Stamp] | None = None,
    *,
    titles: Sequence[str] = (),
) -> View:
    """Show methods (rows) on series (columns): each series as lines, and the values of its steps as colour behind them.

    Parameters
    ----------
    attributions : of the inputs of the batch; the map of a layer is enlarged along time. Channels are added up.
    batch : inputs (N, T), (N, C, T) or (N, T, C). Raw samples of the same shape are drawn in their own units, else the inputs.
    names : what the methods are called; without them, their names. `titles` : what the series are called. `stamps` : by method.

    Raises
    ------
    ShapeError : the inputs are no series, or the attributions are not of them.
    """
    shape = tuple(batch.inputs.shape)
    if len(shape) not in (2, 3):
        problem = f"the inputs are shaped {shape}"
        raise ShapeError("series_by_samples", problem, expected="series (N, T), (N, C, T) or (N, T, C)")
    axis = axis_of(*attributions)
    lines = _lines(batch, axis)
    values = [pixelwise(one, batch.inputs, "series_by_samples", axis).numpy() for one in attributions]
    unsure = [_unsure(one, batch, axis, found) for one, found in zip(attributions, values, strict=True)]
    ends = [limits(found) for found in values]
    names = list(names) or [title_of(one) for one in attributions]
    flat = [name.replace("\n", " ") for name in names]
    called = list(titles) or [f"sample {int(at)}" for at in batch.ids]
    table = pd.DataFrame(
        [
            {
                "method": name,
                "sample": called[place],
                "class explained": classes[int(one.target[place])],
                "sum": float(found[place].sum()),
                "largest": float(found[place].max()),
                "at step": int(found[place].argmax()) + 1,
            }
            for one, found, name in zip(attributions, values, flat, strict=True)
            for place in range(len(batch))
        ]
    )

    def draw() -> Figure:
        across = min(2, len(batch))
        blocks, height = -(-len(batch) // across), 0.85 + 0.35 * (lines.shape[1] - 1)
        figure = new_figure(WIDTH, blocks * (len(values) * height + 0.3) + 0.2)
        grid = figure.subplots(blocks * len(values), across, squeeze=False)
        for place in range(blocks * across):
            top, column = len(values) * (place // across), place % across
            for number, (one, found, limit) in enumerate(zip(attributions, values, ends, strict=True)):
                axes = grid[top + number, column]
                if place >= len(batch):
                    axes.set_axis_off()
                    continue
                image = _panel(axes, lines[place], found[place], limit, unsure[number][place], _edges(lines))
                if number == 0:
                    axes.set_title(f"{called[place]}: why “{classes[int(one.target[place])]}”?", fontsize=8.5)
                if place + across < len(batch) or number < len(values) - 1:
                    axes.tick_params(labelbottom=False)
                else:
                    axes.set_xlabel("step", fontsize=8)
                if column == 0:
                    axes.set_ylabel(names[number], fontsize=8.5, color=INK)
                if one.complete is not None and not one.complete[place]:
                    stamp(axes, "does not add up")
                elif no_evidence(stamps, one, place):
                    stamp(axes, "not evidence")
                if column == across - 1 or place == len(batch) - 1:
                    colour_bar(figure, image, grid[top + number, :], limit, signed=bool((found < 0).any()))
        return figure

    alt, caption = _told(attributions, flat, table, lines, batch, stamps, any(part.any() for part in unsure))
    return View(draw, table, alt, caption)


def _lines(batch: Batch, axis: int) -> Lines:
    """What is drawn of each series: (N, channels, T)."""
    raw = np.asarray(batch.raw)
    shown = raw if raw.dtype.kind in "iuf" and raw.shape == tuple(batch.inputs.shape) else batch.inputs.detach().cpu().numpy()
    found: Lines = np.asarray(shown, dtype=np.float64)
    return found[:, None] if found.ndim == 2 else found if axis == 2 else found.swapaxes(1, 2)


def _unsure(one: Attribution, batch: Batch, axis: int, values: Lines) -> NDArray[np.bool_]:
    """(N, T) where even the sign is not certain: the value is not zero, but less than two standard errors from it."""
    if one.spread is None or one.spread.shape != batch.inputs.shape:
        return np.zeros(values.shape, dtype=np.bool_)
    spread = one.spread.double()
    error = (spread if spread.ndim == 2 else spread.square().sum(3 - axis).sqrt()).numpy()
    unsure: NDArray[np.bool_] = (values != 0) & (np.abs(values) < 2 * error)
    return unsure


def _edges(lines: Lines) -> Lines:
    """The least and the largest value of each channel over all samples, (channels, 2), never the same."""
    low, high = lines.min((0, 2)), lines.max((0, 2))
    return np.stack([low, np.where(high > low, high, low + 1)], 1)


def _panel(axes: Axes, lines: Lines, values: Lines, limit: float, unsure: NDArray[np.bool_], edges: Lines) -> AxesImage:
    """Draw one series (channels, T), one channel above the other, over the colours of its values (T,)."""
    channels, length = lines.shape
    low, high = (edges[0, 0], edges[0, 1]) if channels == 1 else (0.0, float(channels))
    margin = 0.08 * (high - low)
    extent = (-0.5, length - 0.5, low - margin, high + margin)
    image = axes.imshow(values[None], cmap=SIGNED, vmin=-limit, vmax=limit, extent=extent, aspect="auto", alpha=0.75)
    if unsure.any() and not unsure.all():
        with rc_context({"hatch.linewidth": 0.4, "hatch.color": MUTED}):
            twice = np.repeat(unsure[None].astype(float), 2, 0)
            axes.contourf(twice, levels=[0.5, 1.5], hatches=["//////"], colors="none", extent=extent)
    for lane in range(channels):
        heights = lines[lane]
        if channels > 1:  # the first on top
            heights = channels - 1 - lane + 0.05 + 0.9 * (heights - edges[lane, 0]) / (edges[lane, 1] - edges[lane, 0])
        axes.plot(np.arange(length), heights, color=INK, linewidth=1.1)
    if channels > 1:
        axes.set_yticks(np.arange(channels) + 0.5, [str(channels - lane) for lane in range(channels)])
    else:
        axes.locator_params(axis="y", nbins=3)
    axes.set_xlim(-0.5, length - 0.5)
    axes.set_ylim(low - margin, high + margin)
    ticks = np.unique([0, *range(-1, length, max(1, round(length / 4 / 5) * 5))[1:]]) if length > 5 else np.arange(length)
    axes.set_xticks(ticks, [str(int(at) + 1) for at in ticks])
    axes.tick_params(labelsize=7, length=2)
    without_evidence(axes, values)
    return image


def _told(
    attributions: Sequence[Attribution],
    names: Sequence[str],
    table: pd.DataFrame,
    lines: Lines,
    batch: Batch,
    stamps: Mapping[str, Stamp] | None,
    hatched: bool,
) -> tuple[str, str]:
    """The alt text and the caption."""
    _, channels, length = lines.shape
    shown: list[dict[str, Any]] = table[table["largest"] > 0].to_dict("records")[:NAMED]  # type: ignore[assignment]
    peaks = "; ".join(
        f"{row['sample']} ({row['class explained']}){' by ' + row['method'] if len(names) > 1 else ''} at step {row['at step']}"
        for row in shown
    )
    more = int((table["largest"] > 0).sum()) - len(shown)
    peaks += f"; and {more} more" if more > 0 else ""
    most = f" The largest value: {peaks}." if peaks else " No step speaks for the class."
    several = [(name, one) for name, one in zip(names, attributions, strict=True)]
    broken = [name for name, one in several if one.complete is not None and not one.complete.all()]
    none = [name for name, one in several if any(no_evidence(stamps, one, place) for place in range(len(batch)))]
    stamped = f" Stamped: the values of {', '.join(broken)} do not add up to the answer." if broken else ""
    stamped += f" Stamped “not evidence”, by measurement: {', '.join(none)}." if none else ""
    lanes = f" of {plural(channels, 'channel')}, one above the other," if channels > 1 else ""
    alt = f"{len(batch)} series of {plural(length, 'step')}{lanes} with {', '.join(names)} as colour behind the lines.{most}{stamped}"
    enlarged = sorted({f"{name} ({one.values.shape[-1]} steps)" for name, one in several if one.layer and "series" in one.params})
    coarse = f" Enlarged to {length} steps: {', '.join(enlarged)}." if enlarged else ""
    added = (
        " The values of the channels of a step are added up; the number at the left is the channel's, and each has its own height."
        if channels > 1
        else ""
    )
    doubt = " Hatched: the sign is not certain, the value is less than two standard errors from zero." if hatched else ""
    caption = (
        "Behind each line: red speaks for the class, blue against it, white is zero. Each method has one scale, so shades may be compared "
        f"between its panels; the largest 1 in 200 values have its end colours.{most}{coarse}{added}{doubt}{stamped}"
    )
    return alt, caption
