"""A planted marker, and which methods found it: maps with the marker outlined, beside the share that lies inside."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from netlens.errors import UsageError
from netlens.quality.known_answers import Answer, KnownAnswers
from netlens.views.attribution import overlay, reduce
from netlens.views.base import ACCENT, INK, MUTED, WARM, WIDTH, View, new_figure, percent, plural
from netlens.views.marks import limits
from netlens.views.quality import name_of
from netlens.views.samples import picture


def marker_found(result: KnownAnswers, shown: int = 3) -> View:
    """Show maps of images that carry a planted marker, the best method first, and how much of each lies inside the marker.

    Parameters
    ----------
    result : what methods say of one truth, from `planted_marker`.
    shown : how many of the images are drawn.

    Raises
    ------
    UsageError : the truths are several or no images, or no method gave an answer.
    """
    if len(result.truths) != 1 or result.truths[0].inputs.ndim != 4:
        raise UsageError("views.marker_found", f"{plural(len(result.truths), 'truth')} came", expected="one, of images")
    truth, table = result.truths[0], result.frame().sort_values("mass", ascending=False)
    answers = {answer.method: answer for answer in result.answers}
    kept = [answers[method] for method in table["method"][table["mass"].notna()]]
    if not kept:
        raise UsageError("views.marker_found", "no method gave an answer", remedy="The column `reason` of its table says why.")
    table["method"] = [name_of(name) for name in table["method"]]
    pictures = _grey(truth.inputs[:shown].double().numpy())
    squares = truth.mask[:shown].view(len(pictures), *truth.inputs.shape[2:]).numpy()

    def draw() -> Figure:
        side = min(0.95, (WIDTH - 3.6) / len(pictures))
        height = (side + 0.06) * (len(kept) + 1) + 0.5
        figure = new_figure(WIDTH, height)
        figure.set_layout_engine(
            "none"
        )  # the solver's last bits differ from one drawing to the next where columns differ in width
        grid = figure.subplots(
            len(kept) + 1,
            len(pictures) + 1,
            squeeze=False,
            width_ratios=[side] * len(pictures) + [WIDTH - 1.3 - side * len(pictures)],
            gridspec_kw={"left": 0.55 / WIDTH, "right": 1 - 0.15 / WIDTH, "bottom": 0.35 / height, "top": 1 - 0.05 / height}
            | {"wspace": 0.08, "hspace": 0.06},
        )
        for place, image in enumerate(pictures):
            picture(grid[0, place], image)
            _outline(grid[0, place], squares[place])
            for line, answer in zip(grid[1:], kept, strict=True):
                values = _maps(answer)[place]
                overlay(line[place], image, values, limits(values))
                _outline(line[place], squares[place])
        reach = max(0.05, 1.15 * float(table["high"].max()))
        for line, answer in zip(grid[1:], kept, strict=True):
            line[0].set_ylabel(name_of(answer.method, lines=True), fontsize=8, color=INK)
            _bar(line[-1], answer)
            line[-1].set_xlim(0, reach)
        grid[0, -1].set_axis_off()
        grid[0, -1].text(0, 0.1, "share of the map inside the marker", transform=grid[0, -1].transAxes, fontsize=8.5, color=INK)
        grid[-1, -1].tick_params(labelbottom=True)
        return figure

    listed = "; ".join(
        f"{name_of(one.method)} {percent(float(one.mass.mean()), 0)}, largest place inside in {percent(float(one.pointing.mean()), 0)}"
        for one in kept
    )
    left = [name_of(one.method) for one in answers.values() if one.reason]
    apart = f" {', '.join(left)}: not applicable." if left else ""
    chance = f"By chance it would be {percent(truth.chance)}"
    alt = f"{plural(len(pictures), 'image')} with a chequered square, and maps of {plural(len(kept), 'method')}. Share of the map inside the square: {listed}. {chance}.{apart}"
    caption = (
        f"Boxed: the marker, which alone decides. Each map has a scale of its own, cut at its 99.5th percentile. Right: the share of the map's size "
        f"that lies inside the marker, mean over {plural(len(kept[0].mass), 'image')} with its 95 % interval; dashed, what a map of equal values gets. "
        f"{chance}, and so would the largest place lie inside.{apart}"
    )
    return View(draw, table, alt, caption)


def _bar(axes: Axes, answer: Answer) -> None:
    """The share inside, with its interval, chance, and in words how often the largest place lies inside."""
    row = answer.row
    colour = ACCENT if row["low"] > answer.chance else WARM
    axes.barh([0], [row["mass"]], color=colour, alpha=0.35, height=0.5)
    axes.plot([row["low"], row["high"]], [0, 0], color=colour, linewidth=2)
    axes.axvline(answer.chance, color=MUTED, linestyle="--", linewidth=1)
    axes.set_ylim(-0.9, 0.9)
    axes.set_yticks([])
    axes.tick_params(labelbottom=False, labelsize=7.5)
    axes.xaxis.set_major_formatter(lambda value, _: percent(value, 0))
    told = f"{percent(row['mass'], 0)}; largest place inside in {percent(row['pointing'], 0)}"
    axes.text(0.99, 0.93, told, transform=axes.transAxes, ha="right", va="top", fontsize=7.5, color=INK)


def _outline(axes: Axes, inside: NDArray[np.bool_]) -> None:
    rows, columns = np.nonzero(inside)
    corner = float(columns.min()) - 0.5, float(rows.min()) - 0.5
    width, height = float(np.ptp(columns)) + 1, float(np.ptp(rows)) + 1
    axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=WARM, linewidth=1.1, clip_on=False))


def _maps(answer: Answer) -> NDArray[np.float64]:
    assert answer.attribution is not None
    return reduce(answer.attribution)


def _grey(images: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Images (N, C, H, W) as a network takes them, as people see them: grey, from the darkest to the brightest value of each."""
    flat = images.mean(1)
    low, high = flat.min((1, 2), keepdims=True), flat.max((1, 2), keepdims=True)
    grey: NDArray[np.uint8] = (255 * (flat - low) / np.maximum(high - low, 1e-12)).astype(np.uint8)
    return grey
