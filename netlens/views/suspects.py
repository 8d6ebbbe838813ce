"""Samples that a person should look at: labels that look wrong, and test samples that look like training samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.data import Dataset
from netlens.views.base import WIDTH, View, new_figure, plural
from netlens.views.samples import grid, picture

MOST = 12


def label_errors(found: Mapping[str, Any], test: Dataset) -> View:
    """Show the images whose labels look wrong; `found` is the evidence of the check NL203."""
    positions = found["positions"][:MOST]
    pairs = list(zip(found["label"], found["suggested"], strict=True))[: len(positions)]
    table = pd.DataFrame({"sample": positions, "label": [one for one, _ in pairs], "rather": [other for _, other in pairs]})
    titles = [f"labelled {label}\nrather {other}?" for label, other in pairs]
    listed = "; ".join(
        f"sample {i}, labelled {label}, rather {other}" for i, (label, other) in zip(positions, pairs, strict=True)
    )
    total = found["likely wrong"]
    raw = np.asarray(test.raw[np.asarray(positions, dtype=np.int64)])
    shown = (
        f"The {len(positions)} likeliest of {total:,}"
        if len(positions) < total
        else f"All {total:,}"
        if total > 1
        else "The only one"
    )
    alt = f"{plural(len(positions), 'image')} whose label looks wrong: {listed}."
    caption = (
        f"{shown} of {found['test samples']:,} test images whose label looks wrong. Above each: its label, and the class that the model is sure of instead. "
        "Ask of each: who is right, the label or the model?"
    )
    return View(lambda: grid(raw, titles, columns=6), table, alt, caption)


def near_copies(found: Mapping[str, Any], test: Dataset, train: Dataset) -> View:
    """Show test images above the training images that they resemble; `found` is the evidence of the check NL202."""
    pairs = np.asarray(found["pairs"][:MOST], dtype=np.int64)
    distance = found["distance"][: len(pairs)]
    above, below = (np.asarray(data.raw[pairs[:, side]]) for side, data in enumerate((test, train)))
    table = pd.DataFrame({"test sample": pairs[:, 0], "training sample": pairs[:, 1], "distance": distance})

    def draw() -> Figure:
        columns = max(6, len(pairs))
        figure = new_figure(WIDTH, 2 * (WIDTH / columns + 0.25))
        for row, (images, name) in enumerate(((above, "test"), (below, "training"))):
            for place in range(columns):
                axes = figure.add_subplot(2, columns, row * columns + place + 1)
                if place < len(pairs):
                    picture(axes, images[place], f"{name}\n{pairs[place, row]}")
                else:
                    axes.set_axis_off()
        return figure

    listed = "; ".join(f"test {i} and training {j}" for i, j in pairs.tolist())
    alt = f"{plural(len(pairs), 'pair')} of images that are almost the same: {listed}."
    caption = (
        f"{plural(found['near copies'], 'test image')} of {found['test samples']:,} almost the same as a training image; above the test image, below its "
        f"neighbour. The nearest pair lies at {100 * min(distance):.0f} % of the usual distance. Is it the same thing?"
    )
    return View(draw, table, alt, caption)
