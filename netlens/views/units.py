"""Units: their maps for an image, the images that excite them, how often they are awake."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from netlens.data import Batch, Dataset
from netlens.errors import ShapeError, UsageError
from netlens.internals.idle import Idle
from netlens.internals.survey import Survey
from netlens.views.base import ACCENT, INK, MUTED, PALETTE, SIGNED, UNSIGNED, WARM, WIDTH, View, new_figure, percent, plural
from netlens.views.prose import Prose, say
from netlens.views.samples import picture

CHANNELS = 8
LAYERS = 9  # in one picture of maps


def maps(kept: dict[str, torch.Tensor], batch: Batch, place: int = 0, channels: Sequence[int] | None = None) -> View | Prose:
    """Show the maps (N, C, h, w) of several layers for one image: some channels in columns, each with a scale of its own.

    Parameters
    ----------
    kept : layer -> what it gave, as `netlens.capture.activations` keeps it; layers without maps are left out.
    channels : which; by default the ones of each layer with the highest values.
    """
    shown: dict[str, tuple[list[int], torch.Tensor]] = {}
    for path, values in kept.items():
        if values.ndim == 4 and min(values.shape[2:]) > 1:
            one = values[place].detach().float().cpu()
            order = list(channels) if channels is not None else one.amax((1, 2)).sort(descending=True).indices[:CHANNELS].tolist()
            shown[path] = ([unit for unit in order if unit < len(one)], one)
    if not shown:
        return say("**No layer of this network has maps.** They give vectors or tokens, which have no height and no width.")
    found, shown = len(shown), _spread(shown, LAYERS)
    rows = [
        {
            "layer": path,
            "channel": unit,
            "smallest": float(one[unit].min()),
            "largest": float(one[unit].max()),
            "share above zero": float((one[unit] > 0).float().mean()),
        }
        for path, (units, one) in shown.items()
        for unit in units
    ]
    columns = max(len(units) for units, _ in shown.values())

    def draw() -> Figure:
        side = (WIDTH - 0.9) / (columns + 1)
        figure = new_figure(WIDTH, len(shown) * (side + 0.16))
        grid = figure.subplots(len(shown), columns + 1, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        picture(grid[0, 0], batch.raw[place], "the image")
        grid[0, 0].set_axis_on()
        for row, (path, (units, one)) in enumerate(shown.items()):
            text = f"{path}\n{one.shape[1]} × {one.shape[2]}"
            if row:
                grid[row, 0].text(0.98, 0.5, text, transform=grid[row, 0].transAxes, ha="right", va="center", fontsize=8)
            else:
                grid[0, 0].set_ylabel(text, fontsize=8, color=INK)
            for column, unit in enumerate(units, start=1):
                high, end = float(one[unit].max()), float(one[unit].abs().max()) or 1.0
                signed = bool((one < 0).any())
                colours = {"cmap": SIGNED, "vmin": -end, "vmax": end} if signed else {"cmap": UNSIGNED, "vmin": 0.0, "vmax": end}
                grid[row, column].imshow(one[unit].numpy(), **colours)
                grid[row, column].set_title(f"{unit}: {high:.2g}", fontsize=6.8, fontweight="normal", loc="center", pad=2)
        return figure

    table = pd.DataFrame(rows)
    sparse = table.groupby("layer", sort=False)["share above zero"].mean()
    said = ", ".join(f"{path} {percent(float(share), 0)}" for path, share in sparse.items())
    alt = f"Maps of sample {int(batch.ids[place])} in {plural(len(shown), 'layer')}: {', '.join(shown)}. Above zero: {said}."
    chosen = "Chosen channels" if channels is not None else "The channels with the highest values"
    which = "each layer" if found == len(shown) else f"{len(shown)} of the {found} layers with maps"
    caption = f"{chosen} of {which}; over each map its number and its largest value. Every map has its own scale. Where a layer gives negative values red is above zero and blue below; elsewhere dark is zero. Share of places above zero: {said}."
    return View(draw, table, alt, caption)


def _spread(shown: dict[str, Any], most: int) -> dict[str, Any]:
    """At most so many entries, from the first to the last, evenly."""
    places = np.unique(np.linspace(0, len(shown) - 1, min(most, len(shown))).round().astype(int))
    return {path: shown[path] for path in np.asarray(list(shown), dtype=object)[places]}


def exciting(found: Survey, samples: Dataset, layer: str, units: Sequence[int], most: int = 8) -> View | Prose:
    """Show the images of a data set that excite units most, one row a unit; the value above each.

    Raises
    ------
    UsageError : the survey kept no samples, or the layer has no such unit.
    """
    if samples.modality != "image":
        return say(
            "**There are no images to show here.** The survey names the samples that excite a unit most: `survey(...)[layer].top`."
        )
    kept = found[layer]
    if not len(kept.top):
        raise UsageError("views.exciting", "the survey kept no samples", remedy="Call survey(..., top=9).")
    outside = [unit for unit in units if not 0 <= unit < len(kept)]
    if outside or not units:
        raise UsageError(
            "views.exciting",
            f"{layer} has no unit {outside[0] if outside else '(none was named)'}",
            expected=f"0 to {len(kept) - 1}",
        )
    count = min(most, len(kept.top))
    ids = kept.top[:count, list(units)]
    peaks = kept.top_peaks[:count, list(units)]
    batch = samples.take(ids.flatten().tolist())
    labels = np.asarray(batch.labels).reshape(ids.shape)
    table = pd.DataFrame(
        {
            "unit": np.tile(np.asarray(units), count),
            "rank": np.repeat(np.arange(1, count + 1), len(units)),
            "sample": ids.flatten(),
            "label": [samples.classes[label] for label in labels.flatten()],
            "peak": peaks.flatten(),
        }
    )

    def draw() -> Figure:
        side = (WIDTH - 0.75) / count
        figure = new_figure(WIDTH, len(units) * (side + 0.18))
        grid = figure.subplots(len(units), count, squeeze=False)
        for row, unit in enumerate(units):
            for column in range(count):
                axes = grid[row, column]
                picture(axes, batch.raw[column * len(units) + row], f"{peaks[column, row]:.2f}")
                axes.title.set_fontsize(7)
            grid[row, 0].set_ylabel(f"unit {unit}", fontsize=8, color=INK)
        return figure

    same = [max(np.bincount(labels[:, row])) / count for row in range(len(units))]
    mode = [samples.classes[int(np.bincount(labels[:, row]).argmax())] for row in range(len(units))]
    said = "; ".join(f"unit {unit}: {percent(share, 0)} “{name}”" for unit, share, name in zip(units, same, mode, strict=True))
    alt = f"The {count} of {found.n:,} images that excite each of {plural(len(units), 'unit')} of {layer} most. The commonest label: {said}."
    caption = f"The {count} of {found.n:,} images that excite each unit of `{layer}` most, with the largest value at any place. The commonest label: {said}. The top of a ranking shows a unit at its extreme, not what it does for the rest."
    return View(draw, table, alt, caption)


def idle(found: Idle) -> View | Prose:
    """Show for each activation function how awake its units are, and which are dead."""
    if not found.functions:
        return say(
            f"**No activation function of `{found.model}` can be seen.** The gates inside recurrent layers are not looked at here."
        )
    table = found.frame()
    shown = list(found.functions)[:16]

    def draw() -> Figure:
        figure = new_figure(WIDTH, 0.36 * len(shown) + 0.75)
        axes = figure.subplots()
        for row, function in enumerate(shown):
            shares = function.awake / found.n
            spread = np.linspace(-0.28, 0.28, len(shares)) if len(shares) > 1 else np.zeros(1)
            order = np.argsort(np.argsort((np.arange(len(shares)) * 0.6180339887) % 1))
            dead = function.awake == 0
            axes.scatter(shares[~dead], row + spread[order][~dead], s=5, color=ACCENT, alpha=0.6, linewidths=0)
            axes.scatter(shares[dead], row + spread[order][dead], s=7, color=WARM, linewidths=0)
            axes.text(
                1.02,
                row,
                f"{int(dead.sum())} dead of {len(shares)}",
                va="center",
                fontsize=8,
                color=WARM if dead.any() else MUTED,
            )
        axes.set_yticks(range(len(shown)), [f"{function.path}\n{function.kind}" for function in shown], fontsize=7.5)
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.set_xlim(-0.02, 1.01)
        axes.xaxis.set_major_formatter(lambda value, _: percent(value, 0))
        axes.set_xlabel("samples for which the unit passes a gradient")
        axes.grid(axis="x")
        return figure

    dead = sum(len(units) for units in found.dead.values())
    total = sum(len(function.awake) for function in found.functions)
    where = ", ".join(f"{path} {len(units)}" for path, units in found.dead.items())
    counted = f"{dead:,} of {total:,} units never pass a gradient in {found.n:,} samples" + (f": {where}" if dead else "")
    drawn = f" The first {len(shown)} of {len(found.functions)} functions are drawn." if len(shown) < len(found.functions) else ""
    bound = f"Of a unit that was never awake one may say, with 95 % confidence, that it wakes for at most {percent(found.bound, 2)} of such samples."
    alt = f"One dot a unit: the share of samples for which it passes a gradient. {counted}. {bound}{drawn}"
    caption = f"One dot a unit, red where it is never awake. {counted}. {bound if dead else 'A unit is awake where the slope of its function is at least 1 % of the largest.'}{drawn}"
    return View(draw, table, alt, caption)


def response(values: Sequence[float], labels: Sequence[int], classes: Sequence[str], name: str) -> View:
    """Show what one unit answers to the samples of each class: a dot a sample, the median as a line.

    Raises
    ------
    ShapeError : there is not one value for each label.
    """
    answers, truth = np.asarray(values, dtype=float), np.asarray(labels)
    if answers.shape != truth.shape or not len(answers):
        raise ShapeError(
            "views.response", f"there are {answers.shape} values and {truth.shape} labels", expected="as many, and at least one"
        )
    present = [label for label in range(len(classes)) if (truth == label).any()]
    medians = {label: float(np.median(answers[truth == label])) for label in present}
    table = pd.DataFrame(
        {
            "class": [classes[label] for label in present],
            "samples": [int((truth == label).sum()) for label in present],
            "median": list(medians.values()),
            "share above zero": [float((answers[truth == label] > 0).mean()) for label in present],
        }
    )

    def draw() -> Figure:
        figure = new_figure(height=2.5)
        axes = figure.subplots()
        for place, label in enumerate(present):
            own = answers[truth == label]
            shift = ((np.arange(len(own)) * 0.6180339887) % 1 - 0.5) * 0.6
            axes.scatter(place + shift, own, s=6, color=PALETTE[0], alpha=0.45, linewidths=0)
            axes.plot([place - 0.35, place + 0.35], 2 * [medians[label]], color=WARM, linewidth=1.8)
        axes.set_xticks(range(len(present)), [classes[label] for label in present])
        axes.set_xlabel("class of the sample")
        axes.set_title(f"What {name} answers")
        axes.grid(axis="y")
        return figure

    best, worst = max(medians, key=lambda label: medians[label]), min(medians, key=lambda label: medians[label])
    overlap = (
        float((answers[truth != best] > medians[best]).mean()) if math.isfinite(medians[best]) and (truth != best).any() else 0.0
    )
    said = f"The median is highest for “{classes[best]}”, {medians[best]:.2g}, and lowest for “{classes[worst]}”, {medians[worst]:.2g}; {percent(overlap, 1)} of the samples of other classes lie above the highest median."
    return View(
        draw,
        table,
        f"What {name} answers to {len(answers):,} samples, by class. {said}",
        f"One dot a sample, the median in red. {said}",
    )
