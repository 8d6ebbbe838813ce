"""What pictures of explanations have in common: one scale, its colour bar, and words where a map must not be taken for evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from netlens.explain import Attribution
from netlens.quality.stamp import Stamp
from netlens.views.base import WARM


def limits(maps: NDArray[np.float64]) -> float:
    """The end of a colour scale that is symmetric about zero: the 99.5th percentile of the sizes, over all maps."""
    return float(np.percentile(np.abs(maps), 99.5)) or 1.0


def colour_bar(figure: Figure, image: AxesImage, axes: NDArray[Any], limit: float, *, signed: bool = True) -> None:
    """Put a colour bar beside a row of axes, with its ends and zero; without `signed`, its upper half, for no value lies below zero."""
    bar = figure.colorbar(image, ax=axes, shrink=0.9, aspect=12, pad=0.01)
    bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.2g}", "0", f"{limit:.2g}"])
    if not signed:
        bar.ax.set_ylim(0, limit)
    bar.ax.tick_params(labelsize=7, length=2)
    bar.outline.set_visible(False)


def stamp(axes: Axes, text: str) -> None:
    """Print a warning across a map, so that it cannot be shown without it."""
    box = {"facecolor": "white", "edgecolor": WARM, "linewidth": 1, "pad": 2}
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", fontsize=7, color=WARM, rotation=20, bbox=box)


def without_evidence(axes: Axes, values: NDArray[np.float64]) -> None:
    """Say so in words where nothing speaks for the class."""
    if not (values > 0).any():
        note = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(0.5, 0.03, "no positive evidence", transform=axes.transAxes, ha="center", va="bottom", fontsize=6.5, bbox=note)


def no_evidence(stamps: Mapping[str, Stamp] | None, attribution: Attribution, place: int) -> bool:
    """Whether a map is no evidence: by its own stamp, or by its method's where the stamp was measured on other inputs."""
    given = None if stamps is None else stamps.get(attribution.method)
    return given is not None and given.of(attribution, place) == "not evidence"
