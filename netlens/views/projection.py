"""Samples as points, in a plane and in a space that can be turned."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.errors import ShapeError
from netlens.internals.projection import Projection
from netlens.views.base import INK, PALETTE, View, new_figure, percent

PLOTLY = "application/vnd.plotly.v1+json"
COLOURS = (*PALETTE, "#17becf", "#7f5539")
MARKS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
NAMES = {"pca": "PCA", "tsne": "t-SNE"}


@dataclass(frozen=True)
class Turning(View):
    """A view with a twin that a reader can turn: `scene` is a Plotly figure as data, `summary` its numbers for those who do not see it."""

    scene: dict[str, Any]
    summary: pd.DataFrame

    def _repr_mimebundle_(self, **settings: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """The picture for screens and for print, and the scene for pages that can show it."""
        data, metadata = super()._repr_mimebundle_(**settings)
        table = self.summary.to_html(index=False, border=0, float_format=lambda value: f"{value:.3g}")
        metadata["netlens"]["scene_table"] = table
        return {**data, PLOTLY: self.scene}, metadata


def projection(found: Projection) -> View:
    """Show a projection in the plane: one mark a sample, by its label; wrong answers are ringed."""
    _require(found, 2)

    def draw() -> Figure:
        figure = new_figure(height=4.2)
        axes = figure.subplots()
        for label in range(len(found.classes)):
            own = found.labels == label
            if own.any():
                colour, mark = COLOURS[label % len(COLOURS)], MARKS[label % len(MARKS)]
                axes.scatter(
                    found.points[own, 0],
                    found.points[own, 1],
                    s=13,
                    color=colour,
                    marker=mark,
                    alpha=0.75,
                    linewidths=0,
                    label=found.classes[label],
                )
        wrong = found.answers != found.labels
        axes.scatter(
            found.points[wrong, 0],
            found.points[wrong, 1],
            s=48,
            facecolors="none",
            edgecolors=INK,
            linewidths=0.9,
            label="answered wrongly",
        )
        _middles(axes, found)
        axes.set_xticks([])
        axes.set_yticks([])
        names = [f"{NAMES[found.method]}, axis {axis + 1}{_kept(found, axis)}" for axis in range(2)]
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])
        axes.legend(fontsize=7.5, loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2)
        return figure

    return View(draw, found.frame(), f"Points in a plane. {_said(found)}", f"{_said(found)} {_caveat(found)}")


def space(found: Projection) -> Turning:
    """Show a projection in space: as a picture from one side, and as a scene that a reader turns with mouse, finger or keyboard."""
    _require(found, 3)

    def draw() -> Figure:
        figure = new_figure(height=4.4)
        axes: Any = figure.add_subplot(projection="3d")
        for label in range(len(found.classes)):
            own = found.labels == label
            if own.any():
                colour, mark = COLOURS[label % len(COLOURS)], MARKS[label % len(MARKS)]
                axes.scatter(
                    *found.points[own].T, s=11, color=colour, marker=mark, alpha=0.75, linewidths=0, label=found.classes[label]
                )
        for which, axis in enumerate((axes.xaxis, axes.yaxis, axes.zaxis)):
            axis.set_ticklabels([])
            axis.set_label_text(f"axis {which + 1}{_kept(found, which)}")
            axis.pane.set_facecolor("white")
        axes.set_box_aspect((1, 1, 0.85), zoom=0.93)
        axes.view_init(elev=18, azim=-60)
        axes.legend(fontsize=7.5, loc="center left", bbox_to_anchor=(1.1, 0.5), handletextpad=0.2)
        return figure

    said, caveat = _said(found), _caveat(found)
    return Turning(
        draw, found.frame(), f"Points in space, seen from one side. {said}", f"{said} {caveat}", _scene(found), _summary(found)
    )


def _scene(found: Projection) -> dict[str, Any]:
    """The scene as Plotly reads it: one trace a class."""
    traces = []
    shapes = ("circle", "square", "diamond", "circle-open", "diamond-open")
    for label, name in enumerate(found.classes):
        own = found.labels == label
        if not own.any():
            continue
        values = {axis: [round(float(value), 3) for value in found.points[own, place]] for place, axis in enumerate("xyz")}
        texts = [
            f"sample {i}: {name}, read as {found.classes[answer]}"
            for i, answer in zip(found.ids[own], found.answers[own], strict=True)
        ]
        marker = {"size": 3.5, "color": COLOURS[label % len(COLOURS)], "symbol": shapes[label % len(shapes)], "opacity": 0.8}
        traces.append(
            {"type": "scatter3d", "mode": "markers", "name": name, "text": texts, "hoverinfo": "text", "marker": marker, **values}
        )
    axes = {f"{axis}axis": {"title": {"text": f"axis {place + 1}"}, "showticklabels": False} for place, axis in enumerate("xyz")}
    layout = {"scene": axes, "height": 520, "margin": {"l": 0, "r": 0, "t": 0, "b": 0}, "legend": {"itemsizing": "constant"}}
    scene: dict[str, Any] = json.loads(json.dumps({"data": traces, "layout": layout}))
    return scene


def _summary(found: Projection) -> pd.DataFrame:
    """One row a class: where it lies, how far it spreads, and which class is nearest."""
    present = [label for label in range(len(found.classes)) if (found.labels == label).any()]
    middles = np.stack([found.points[found.labels == label].mean(0) for label in present])
    apart = np.linalg.norm(middles[:, None] - middles[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    rows = []
    for place, label in enumerate(present):
        own = found.points[found.labels == label]
        spread = float(np.sqrt(((own - middles[place]) ** 2).sum(1).mean()))
        nearest = found.classes[present[int(apart[place].argmin())]] if len(present) > 1 else "–"
        axes = {f"axis {axis + 1}": float(value) for axis, value in enumerate(middles[place])}
        rows.append(
            {
                "class": found.classes[label],
                "samples": len(own),
                **axes,
                "spread": spread,
                "nearest class": nearest,
                "at distance": float(apart[place].min()),
            }
        )
    return pd.DataFrame(rows)


def _middles(axes: Any, found: Projection) -> None:
    """Write each class at the median of its points."""
    for label, name in enumerate(found.classes):
        own: NDArray[np.float64] = found.points[found.labels == label]
        if len(own) and len(name) <= 14:
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.2}
            axes.text(*np.median(own, axis=0), name, fontsize=9, fontweight="bold", ha="center", va="center", color=INK, bbox=box)


def _kept(found: Projection, axis: int) -> str:
    return f" ({percent(found.kept[axis], 0)} of the variance)" if found.kept else ""


def _said(found: Projection) -> str:
    wrong = int((found.answers != found.labels).sum())
    kept = f"The {len(found.kept)} axes keep {percent(sum(found.kept), 0)} of the variance. " if found.kept else ""
    return (
        f"{NAMES[found.method]} of the {found.features:,} numbers that {found.layer} receives, for {len(found.ids):,} samples, {wrong} of them answered wrongly. {kept}"
        f"Of the 10 nearest points in the picture {percent(found.agreement, 0)} have the same label; trustworthiness {found.trust:.2f}."
    )


def _caveat(found: Projection) -> str:
    if found.method == "pca":
        return (
            "It is a shadow: what lies apart in it is apart, what lies together may be apart along the axes that are not shown."
        )
    return "t-SNE keeps neighbours: sizes of clusters and distances between them mean nothing, and another seed gives another picture."


def _require(found: Projection, axes: int) -> None:
    if found.points.shape[1] != axes:
        raise ShapeError(
            "views.projection", f"the points have {found.points.shape[1]} axes", expected=f"{axes}: projection(..., axes={axes})"
        )
