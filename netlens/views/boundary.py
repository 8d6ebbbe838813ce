"""Decision boundaries on a plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from numpy.typing import NDArray

from netlens.data import Batch
from netlens.internals.boundary import Boundary
from netlens.views.base import INK, PALETTE, RULE, WIDTH, View, new_figure, percent, plural

COLOURS = (*PALETTE, "#7f4f24", "#d16ba5")


def boundaries(
    found: Boundary | Mapping[str, Boundary],
    labels: Sequence[int],
    classes: Sequence[str],
    *,
    pieces: bool = False,
    axes: Sequence[str] = (),
) -> View:
    """Show where networks change their mind, side by side, with the samples.

    Parameters
    ----------
    labels : (N,) the true classes of the samples. pieces : whether to draw the pieces on which the network is linear, where they are known.
    axes : what the two axes are called.
    """
    many = {"": found} if isinstance(found, Boundary) else dict(found)
    truth = np.asarray(labels)
    rows = [
        {
            "network": name, "segments": len(one.segments), "linear pieces": len(one.regions) if one.regions else None,
            "tolerance": one.tolerance, "samples answered rightly": float((one.answers.numpy() == truth).mean()),
            "samples answered alike on the plane": one.agreement,
        }
        for name, one in many.items()
    ]  # fmt: skip
    table = pd.DataFrame(rows)

    def draw() -> Figure:
        width = min(WIDTH, 3.7 * len(many) + 0.9)
        left, right, bottom, top = next(iter(many.values())).window
        figure = new_figure(width, min(4.2, 0.75 + (width - 1) / len(many) * (top - bottom) / (right - left)))
        grid = figure.subplots(1, len(many), squeeze=False)[0]
        shown = sorted(
            {int(label) for one in many.values() for label in torch.unique(one.classes)} | {int(label) for label in truth}
        )
        for panel, (name, one) in zip(grid, many.items(), strict=True):
            _field(panel, one)
            if pieces and one.regions:
                panel.add_collection(
                    PolyCollection(
                        [part.corners.numpy() for part in one.regions], facecolors="none", edgecolors="white", linewidths=0.4
                    )
                )
            panel.add_collection(LineCollection(list(one.segments.numpy()), colors=INK, linewidths=1.4))
            for label in shown:
                here = one.points[truth == label].numpy()
                panel.scatter(*here.T, s=13, color=COLOURS[label % len(COLOURS)], edgecolors="white", linewidths=0.5)
            panel.set_title(name)
            _frame(panel, one, axes)
        for label in shown:
            grid[-1].scatter([], [], s=18, color=COLOURS[label % len(COLOURS)], label=classes[label])
        grid[-1].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, handletextpad=0.2)
        return figure

    told = "; ".join(_told(name, one, truth) for name, one in many.items())
    alt = f"{plural(len(many), 'map')} of a plane, coloured by the network's answer, with {plural(len(truth), 'sample')} and the line where the answer changes. {told}."
    caption = f"Colour: the answer, paler where the two best logits are close. Line: where it changes. Dots: samples, coloured by their true class. {told}.{_caveat(many)}"
    return View(draw, table, alt, caption)


def slice_of_images(found: Boundary, batch: Batch, classes: Sequence[str]) -> View:
    """Show the answers on the plane through three images, with the images where they lie."""
    inside = {int(label): float((found.classes == label).double().mean()) for label in torch.unique(found.classes)}
    shares = ", ".join(
        f"“{classes[label]}” {percent(share, 0)}" for label, share in sorted(inside.items(), key=lambda item: -item[1])
    )
    table = pd.DataFrame({"answer": [classes[label] for label in inside], "share of the plane": list(inside.values())})

    def draw() -> Figure:
        figure = new_figure(6.2, 4.0)
        axes = figure.subplots()
        _field(axes, found)
        axes.add_collection(LineCollection(list(found.segments.numpy()), colors=INK, linewidths=1.2))
        for place, point in enumerate(found.points.numpy()):
            box = AnnotationBbox(OffsetImage(batch.raw[place], cmap="gray", zoom=1.5), tuple(point), frameon=True, pad=0.1)
            box.patch.set_edgecolor(COLOURS[int(found.answers[place]) % len(COLOURS)])
            box.patch.set_linewidth(2)
            axes.add_artist(box)
        for label in inside:
            axes.scatter([], [], s=30, marker="s", color=COLOURS[label % len(COLOURS)], label=classes[label])
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, title="answer", title_fontsize=8)
        _frame(axes, found, ("distance in the space of inputs", ""))
        return figure

    way = "exact" if found.tolerance == 0 else f"found by bisection, to {found.tolerance:.1g}"
    alt = f"Map of the plane through three images, coloured by the network's answer: {shares}. {len(found.segments)} pieces of boundary."
    caption = (
        f"Each point is an image mixed of the three; colour is the network's answer to it, paler where the two best logits are close. The line is {way}. "
        f"Share of the picture: {shares}. Nearly all of these images look like no digit: the network must answer all the same."
    )
    return View(draw, table, alt, caption)


def _field(axes: Axes, found: Boundary) -> None:
    """Colour the window by the answer, paler where it is close."""
    sure = found.margin.numpy()
    strength = 0.16 + 0.34 * np.clip(sure / (np.percentile(sure, 90) or 1.0), 0, 1)
    colours = np.array([to_rgb(COLOURS[label % len(COLOURS)]) for label in range(int(found.classes.max()) + 1)])
    image: NDArray[np.float64] = 1 - strength[..., None] * (1 - colours[found.classes.numpy()])
    axes.imshow(image, extent=found.window, origin="lower", aspect="equal", interpolation="nearest", zorder=-1)


def _frame(axes: Axes, found: Boundary, names: Sequence[str]) -> None:
    axes.set_xlim(found.window[0], found.window[1])
    axes.set_ylim(found.window[2], found.window[3])
    axes.tick_params(labelsize=7, length=2)
    axes.spines[:].set_color(RULE)
    usual = ("first component", "second component") if found.plane.kind == "principal components" else ("", "")
    across, up = names or usual
    axes.set_xlabel(across, fontsize=8)
    axes.set_ylabel(up, fontsize=8)


def _told(name: str, one: Boundary, truth: NDArray[np.int64]) -> str:
    way = "exact" if one.tolerance == 0 else f"found to within {one.tolerance:.1g}"
    known = f", {plural(len(one.regions), 'linear piece')}" if one.regions else ""
    right = percent(float((one.answers.numpy() == truth).mean()))
    return f"{f'{name}: ' if name else ''}{right} of the samples are answered rightly, the boundary is {way}{known}"


def _caveat(many: Mapping[str, Boundary]) -> str:
    """What a slice leaves out, in numbers; nothing for a plane that is all there is."""
    one = next(iter(many.values()))
    if one.plane.kind == "inputs":
        return ""
    alike = percent(min(part.agreement for part in many.values()))
    return (
        f" **This is a slice.** It holds {percent(one.plane.explained, 0)} of the samples' variance, and the samples are drawn at their shadows on it: "
        f"{alike} of them get the same answer there as where they really are. A sample may be close to a boundary that this plane does not meet."
    )
