"""Explanations as pictures: one scale, a colour bar, and words where there is nothing to see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from netlens.data import Batch
from netlens.explain import Attribution
from netlens.explain.series import AXIS
from netlens.explain.wording import joined
from netlens.quality.stamp import Stamp
from netlens.views.base import INK, MUTED, SIGNED, WIDTH, View, new_figure, percent, plural
from netlens.views.marks import colour_bar, limits, no_evidence, stamp, without_evidence
from netlens.views.samples import picture
from netlens.views.series import series_by_samples
from netlens.views.titles import title_of

CLASSLESS = ("attention", "attention_rollout")  # the same map for every class


def reduce(attribution: Attribution) -> NDArray[np.float64]:
    """Sum the channels of values (N, C, h, w): (N, h, w), signed, in raw units."""
    return attribution.values.double().sum(1).numpy()


def overlay(
    axes: Axes, raw: NDArray[np.uint8], values: NDArray[np.float64], limit: float, unsure: NDArray[np.bool_] | None = None
) -> AxesImage:
    """Lay a signed map (h, w) over the outline of a grey image, or over a colour image made pale; `unsure` places are hatched.

    A small map is stretched to the image.
    """
    height, width = raw.shape[:2]
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    if raw.ndim == 2:
        image = axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, extent=extent)
        axes.contour(raw, levels=[127.5], colors=INK, linewidths=0.6, alpha=0.7)
    else:  # a photograph has no outline: small values let it through
        axes.imshow(0.5 + raw.mean(-1) / 510, cmap="gray", vmin=0, vmax=1, extent=extent)
        seen = np.sqrt(np.clip(np.abs(values) / limit, 0, 1))
        image = axes.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit, extent=extent, alpha=seen)
    if unsure is not None and unsure.any() and not unsure.all():
        with rc_context({"hatch.linewidth": 0.4, "hatch.color": MUTED}):
            axes.contourf(
                unsure.astype(float), levels=[0.5, 1.5], hatches=["//////"], colors="none", extent=extent, origin="upper"
            )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    without_evidence(axes, values)
    return image


def unsure_places(attribution: Attribution) -> NDArray[np.bool_] | None:
    """Where even the sign is not certain, (N, h, w): the value is not zero, but less than two standard errors from it."""
    if attribution.spread is None or attribution.values.ndim != 4:
        return None
    error = attribution.spread.double().square().sum(1).sqrt().numpy()
    values = reduce(attribution)
    unsure: NDArray[np.bool_] = (values != 0) & (np.abs(values) < 2 * error)
    return unsure


def methods_by_samples(
    attributions: Sequence[Attribution],
    batch: Batch,
    classes: Sequence[str],
    names: Sequence[str] = (),
    stamps: Mapping[str, Stamp] | None = None,
) -> View:
    """Show methods (rows) on samples (columns).

    Methods have different units, so each row has a colour bar of its own; along a row, shades may be compared.
    `names` : what the rows are called; without them, the names of the methods. `stamps` : by method; maps that are no evidence say so.
    Where a map is one of a series, all are drawn by `series_by_samples`.
    """
    if any(AXIS in one.params for one in attributions):
        return series_by_samples(attributions, batch, classes, names, stamps)
    maps = [reduce(attribution) for attribution in attributions]
    ends = [limits(values) for values in maps]
    names = list(names) or [title_of(attribution) for attribution in attributions]
    rows = []
    for attribution, name, values in zip(attributions, names, maps, strict=True):
        for place, sample in enumerate(batch.ids):
            total = np.abs(values[place]).sum()
            rows.append(
                {
                    "method": name.replace("\n", " "),
                    "sample": int(sample),
                    "label": classes[int(batch.labels[place])],
                    "class explained": classes[int(attribution.target[place])],
                    "sum": float(values[place].sum()),
                    "share for the class": float(np.maximum(values[place], 0).sum() / total) if total else 0.0,
                    "share on the ink": _share_on_ink(batch.raw[place], values[place]),
                }
            )
    table = pd.DataFrame(rows)

    def draw() -> Figure:
        size = min(1.5, (WIDTH - 1.1) / len(batch))
        figure = new_figure(size * len(batch) + 1.1, (size + 0.08) * (len(maps) + 1) + 0.15)
        axes = figure.subplots(len(maps) + 1, len(batch), squeeze=False)
        for place, raw in enumerate(batch.raw):
            picture(axes[0, place], raw, f"why “{classes[int(attributions[0].target[place])]}”?")
        for row, (values, limit, name) in enumerate(zip(maps, ends, names, strict=True), start=1):
            axes[row, 0].set_ylabel(name, fontsize=8.5, color=INK)
            doubt, kept = unsure_places(attributions[row - 1]), attributions[row - 1].complete
            for place, raw in enumerate(batch.raw):
                image = overlay(axes[row, place], raw, values[place], limit, None if doubt is None else doubt[place])
                if kept is not None and not kept[place]:
                    stamp(axes[row, place], "does not add up")
                elif no_evidence(stamps, attributions[row - 1], place):
                    stamp(axes[row, place], "not evidence")
            colour_bar(figure, image, axes[row, :], limit, signed=bool((values < 0).any()))
        return figure

    shares = table.groupby("method", sort=False)["share on the ink"].mean()
    listed = ", ".join(f"{name} {percent(share, 0)}" for name, share in shares.items())
    colour = batch.raw.ndim == 4  # a photograph has no ink
    zero = (
        "where the pale image shows, the value is about zero" if colour else "white is zero; the line is the outline of the image"
    )
    on_ink = "" if colour else f" Share of each map's size that lies on the ink: {listed}."
    doubts = [doubt for doubt in map(unsure_places, attributions) if doubt is not None and doubt.any()]
    hatched = " Hatched: the sign is not certain, the value is less than two standard errors from zero." if doubts else ""
    failed = [
        name.replace("\n", " ")
        for name, one in zip(names, attributions, strict=True)
        if one.complete is not None and not one.complete.all()
    ]
    refused = [
        name.replace("\n", " ")
        for name, one in zip(names, attributions, strict=True)
        if any(no_evidence(stamps, one, place) for place in range(len(batch)))
    ]
    broken = f" Stamped: the values of {', '.join(failed)} do not add up to the answer." if failed else ""
    broken += f" Stamped “not evidence”, by measurement: {', '.join(refused)}." if refused else ""
    alt = (
        f"{plural(len(batch), 'image')} in columns; under each, {_number(len(maps))} of the class: {', '.join(shares.index)}."
        f"{on_ink}{broken}"
    )
    blind = [name.replace("\n", " ") for name, one in zip(names, attributions, strict=True) if one.method in CLASSLESS]
    colours = "Red speaks for the class, blue against it" if len(blind) < len(names) else "Red is where much is taken from"
    apart = (
        f" {joined(blind)} know{'s' if len(blind) == 1 else ''} no class: there red says how much is taken from a place."
        if blind
        else ""
    )
    caption = (
        f"{colours}, {zero}. Each row has one scale, so shades may be compared along a row; "
        f"the largest 1 in 200 values have its end colours.{apart}{on_ink}{hatched}{broken}"
    )
    return View(draw, table, alt, caption)


def steps(counts: Sequence[int], errors: Sequence[float], tolerance: float) -> View:
    """Show how the completeness error of Integrated Gradients falls with the number of steps."""
    table = pd.DataFrame({"steps": counts, "relative error": errors})

    def draw() -> Figure:
        figure = new_figure(width=5.2, height=2.4)
        axes = figure.subplots()
        axes.plot(counts, errors, "o-")
        axes.axhline(tolerance, color="#b23a48", linestyle="--", linewidth=1, label=f"tolerance, {percent(tolerance)}")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.minorticks_off()
        axes.set_xlabel("steps on the path")
        axes.set_title("Mean completeness error")
        axes.yaxis.set_major_formatter(lambda value, _: percent(value, 2))
        axes.grid(axis="y")
        axes.legend()
        return figure

    missed = [place for place, error in enumerate(errors) if error > tolerance]  # it need not fall evenly
    first = missed[-1] + 1 if missed else 0
    reached = (
        f"It is below {percent(tolerance)} from {counts[first]} steps on."
        if first < len(counts)
        else f"It never stays below {percent(tolerance)}."
    )
    alt = f"Mean completeness error of Integrated Gradients: {percent(errors[0], 2)} with {counts[0]} steps, {percent(errors[-1], 2)} with {counts[-1]}. {reached}"
    caption = f"How far the values miss the change of the logit that they should add up to, as a share of it. {reached}"
    return View(draw, table, alt, caption)


def layer_by_layer(attributions: Sequence[Attribution], batch: Batch, classes: Sequence[str]) -> View:
    """Show the maps of several layers for the same samples; each map has a scale of its own, printed under it."""
    maps = [reduce(attribution) for attribution in attributions]
    rows = [
        {
            "layer": attribution.layer,
            "size": "x".join(map(str, values.shape[1:])),
            "sample": int(sample),
            "largest": float(values[place].max()),
            "share of places above zero": float((values[place] > 0).mean()),
        }
        for attribution, values in zip(attributions, maps, strict=True)
        for place, sample in enumerate(batch.ids)
    ]
    table = pd.DataFrame(rows)

    def draw() -> Figure:
        size = min(1.5, (WIDTH - 0.6) / len(batch))
        figure = new_figure(size * len(batch) + 0.6, (size + 0.25) * (len(maps) + 1))
        axes = figure.subplots(len(maps) + 1, len(batch), squeeze=False)
        for place, raw in enumerate(batch.raw):
            picture(axes[0, place], raw, f"why “{classes[int(attributions[0].target[place])]}”?")
            for row, (attribution, values) in enumerate(zip(attributions, maps, strict=True), start=1):
                limit = limits(values[place])
                overlay(axes[row, place], raw, values[place], limit)
                axes[row, place].set_xlabel(f"scale ±{limit:.2g}" if values[place].any() else " ", fontsize=7, color=INK)
                if place == 0:
                    axes[row, 0].set_ylabel(
                        f"{attribution.layer}\n{values.shape[1]} × {values.shape[2]}", fontsize=8.5, color=INK
                    )
        return figure

    listed = ", ".join(f"{a.layer} ({m.shape[1]} by {m.shape[2]})" for a, m in zip(attributions, maps, strict=True))
    alt = f"Grad-CAM of {plural(len(batch), 'image')} read at the layers {listed}."
    caption = (
        f"The same question asked of {len(maps)} layers. Later layers are coarser and say more about the class; early ones follow edges. "
        "Each map has its own scale, printed under it."
    )
    return View(draw, table, alt, caption)


def _share_on_ink(raw: NDArray[np.uint8], values: NDArray[np.float64]) -> float:
    """The share of the size of a map that lies where the image is brighter than half; a coarse map is stretched."""
    grey = raw if raw.ndim == 2 else raw.mean(-1)
    rows = np.arange(grey.shape[0]) * values.shape[0] // grey.shape[0]
    columns = np.arange(grey.shape[1]) * values.shape[1] // grey.shape[1]
    sizes = np.abs(values)[np.ix_(rows, columns)]
    return float(sizes[grey > 127.5].sum() / sizes.sum()) if sizes.sum() else 0.0


def _number(count: int) -> str:
    return "one explanation" if count == 1 else f"{count} explanations"
