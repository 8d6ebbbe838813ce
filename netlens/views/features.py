"""Painted images beside the real ones that excite a unit most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.internals.exciting import Exciting
from netlens.internals.feature_visualisation import Painted
from netlens.views.base import INK, MUTED, WIDTH, View, new_figure, plural


def features(
    painted: Painted | Mapping[str, Painted], best: Exciting, real: NDArray[np.uint8], classes: tuple[str, ...] = ()
) -> View:
    """Show what was painted for each unit (columns), in one way or several (rows), above the real images that excite it most.

    Parameters
    ----------
    best : the samples that excite the same units most. real : the raw images (N, H, W[, C]) of its data set.
    classes : names of the classes, for units that are one.
    """
    ways = {"painted": painted} if isinstance(painted, Painted) else dict(painted)
    units = next(iter(ways.values())).units
    names = [_name(unit.name, unit.layer, unit.index, classes) for unit in units]
    rows = [
        {
            "unit": name.replace("\n", " "),
            "image": f"{way} {number + 1}" if one.values.shape[1] > 1 else way,
            "value": float(value),
        }
        for place, name in enumerate(names)
        for way, one in ways.items()
        for number, value in enumerate(one.values[place])
    ]
    rows += [
        {"unit": name.replace("\n", " "), "image": f"sample {int(sample)}", "value": float(value)}
        for name, ids, values in zip(names, best.ids, best.values, strict=True)
        for sample, value in zip(ids, values, strict=True)
    ]
    lines = [
        (
            f"{way} {number + 1}" if one.values.shape[1] > 1 else way,
            one.pixels[:, number].movedim(1, -1).numpy(),
            one.values[:, number],
        )
        for way, one in ways.items()
        for number in range(one.values.shape[1])
    ]
    lines += [
        (
            f"real image\nno. {rank + 1}" if best.ids.shape[1] > 1 else "best real\nimage",
            real[best.ids[:, rank].numpy()] / 255,
            best.values[:, rank],
        )
        for rank in range(best.ids.shape[1])
    ]

    def draw() -> Figure:
        size = min(1.3, (WIDTH - 0.8) / len(units))
        figure = new_figure(size * len(units) + 0.8, (size + 0.2) * len(lines) + 0.35)
        grid = figure.subplots(len(lines), len(units), squeeze=False)
        for row, (label, images, values) in enumerate(lines):
            for column, axes in enumerate(grid[row]):
                _show(axes, images[column], f"{float(values[column]):.1f}")
                if row == 0:
                    axes.set_title(names[column], fontsize=7.5, loc="center")
            grid[row, 0].set_ylabel(label, fontsize=8, color=INK, rotation=0, ha="right", va="center")
        return figure

    last = next(reversed(ways.values()))
    above = int((last.values.amax(1) > best.values[:, 0]).sum())
    ratio = float((last.values.amax(1) - best.mean).div(best.values[:, 0] - best.mean).median())
    said = (
        f"{above} of {plural(len(units), 'unit')} are excited more by the painted image of the last way than by any of {best.n:,} real ones; "
        f"the median unit rises {ratio:.1f} times as far above its mean"
    )
    alt = f"{plural(len(units), 'unit')} in columns: {', '.join(name.replace(chr(10), ' ') for name in names)}. In rows: {', '.join(ways)}, and the real images that excite the unit most. {said}."
    caption = f"Under each image: what the unit answers to it, in its own units. {said[0].upper()}{said[1:]}. Greys are as the network sees them, black 0 and white 1."
    return View(draw, pd.DataFrame(rows), alt, caption)


def _name(name: str, layer: str, index: int, classes: tuple[str, ...]) -> str:
    if not layer and classes:
        return f"“{classes[index]}”"
    return name.replace(" unit", "\nunit", 1).replace(" at ", "\nat ")


def _show(axes: Axes, image: NDArray[np.float64], value: str) -> None:
    axes.imshow(image.squeeze(-1) if image.ndim == 3 and image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(value, fontsize=7, color=MUTED, labelpad=1.5)
