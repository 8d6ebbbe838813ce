"""Samples as people see them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.behaviour import Performance
from netlens.data import Batch
from netlens.views.base import WIDTH, View, new_figure, percent, plural

WIDEST = 18  # characters of a title that fit above one of six pictures


def picture(axes: Axes, raw: NDArray[np.uint8], title: str = "") -> None:
    """Draw one raw image (H, W) or (H, W, C), without axes."""
    axes.imshow(raw, cmap="gray", vmin=0, vmax=255)
    axes.set_title(title, fontsize=8, fontweight="normal", loc="center")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def grid(images: NDArray[np.uint8], titles: Sequence[str], columns: int = 10) -> Figure:
    """Draw images (N, H, W[, C]) in rows of `columns`, each under its title."""
    rows = math.ceil(len(images) / columns)
    lines = 1 + max(title.count("\n") for title in titles)
    figure = new_figure(WIDTH, rows * (WIDTH / columns + 0.15 * lines))
    for place, axes in enumerate(np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).flat):
        if place < len(images):
            picture(axes, images[place], titles[place])
        else:
            axes.set_axis_off()
    return figure


def samples(batch: Batch, classes: Sequence[str]) -> View:
    """Show a batch with its labels."""
    labels = [classes[label] for label in batch.labels.tolist()]
    table = pd.DataFrame({"sample": batch.ids, "label": labels})
    alt = f"{plural(len(batch), 'image')}, labelled {', '.join(labels)}."
    caption = f"{plural(len(batch), 'image')} of the data set. Above each: its label."
    return View(lambda: grid(batch.raw, labels), table, alt, caption)


def pictures(images: NDArray[np.uint8], titles: Sequence[str], caption: str, columns: int = 8) -> View:
    """Show images (N, H, W[, C]), each under its title; the caption also serves those who do not see them."""
    table = pd.DataFrame({"picture": range(1, len(images) + 1), "title": list(titles)})
    listed = "; ".join(title.replace("\n", ", ") for title in titles)
    return View(lambda: grid(images, titles, columns), table, f"{len(images)} images: {listed}. {caption}", caption)


def mistakes(batch: Batch, result: Performance) -> View:
    """Show samples that were answered wrongly: `batch` holds them, `result` the answers to the whole split."""
    truth = [result.classes[result.labels[i]] for i in batch.ids]
    answers = [result.classes[result.predictions[i]] for i in batch.ids]
    sure = [float(result.probabilities[i].max()) for i in batch.ids]
    table = pd.DataFrame({"sample": batch.ids, "label": truth, "answer": answers, "probability": sure})
    read = list(zip(truth, answers, [percent(p) for p in sure], strict=True))
    gap = "\n" if max(len(f"{label} read as {answer}") for label, answer, _ in read) > WIDEST else " "  # long names overlap
    titles = [f"{label}{gap}read as {answer}\n{p} sure" for label, answer, p in read]
    listed = "; ".join(f"{label} read as {answer}, {p} sure" for label, answer, p in read)
    wrong = f"{len(batch)} wrong answers" if len(batch) > 1 else "wrong answer"
    alt = f"The {wrong} that the model was surest of: {listed}."
    caption = (
        f"The {wrong} given with the highest probability{', the surest first' if len(batch) > 1 else ''}. "
        "Ask of each: would a person have read it differently? Some labels may be wrong."
    )
    return View(lambda: grid(batch.raw, titles, columns=6), table, alt, caption)
