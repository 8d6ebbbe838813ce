"""Two models side by side: the change of each class, the answers that flipped, and both explanations on one scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.behaviour import Change
from netlens.data import Batch
from netlens.explain import Attribution
from netlens.views.attribution import overlay, reduce
from netlens.views.base import ACCENT, COOL, MUTED, WARM, WIDTH, View, new_figure, plural
from netlens.views.marks import limits
from netlens.views.samples import picture


def changes(result: Change, names: tuple[str, str]) -> View:
    """Show by how many points the second of two models is better or worse, for each class and for all, with 95 % intervals."""
    several = {"all": result.overall, **result.by_class}
    columns = ("n", "before", "after", "lost", "gained", "change", "low", "high", "p")
    table = pd.DataFrame([{"class": name, **{key: getattr(one, key) for key in columns}} for name, one in several.items()])

    def draw() -> Figure:
        figure = new_figure(height=1.0 + 0.26 * len(several))
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        places = np.arange(len(several))
        middle = 100 * table["change"].to_numpy()
        ends = 100 * np.array([table["change"] - table["low"], table["high"] - table["change"]])
        left.axvline(0, color=MUTED, linewidth=1)
        sure = (table["low"] > 0) | (table["high"] < 0)
        for place, (value, certain) in enumerate(zip(middle, sure, strict=True)):
            colour = ACCENT if certain else MUTED
            left.errorbar(
                value, place, xerr=np.maximum(ends[:, place : place + 1], 0), fmt="o", color=colour, markersize=5, elinewidth=2
            )
        left.set_title("Change of right answers, in points")
        left.set_yticks(places, list(several))
        left.invert_yaxis()
        left.grid(axis="x")
        right.barh(places, table["gained"], color=COOL, height=0.6, label="fixed")
        right.barh(places, -table["lost"], color=WARM, height=0.6, label="broken")
        right.axvline(0, color=MUTED, linewidth=1)
        right.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        right.set_title("Answers broken and fixed")
        right.legend(loc="lower center", bbox_to_anchor=(0.5, -0.32 if len(several) < 8 else -0.2), ncols=2)
        return figure

    overall, certain = result.overall, table[1:][(table["low"] > 0)[1:] | (table["high"] < 0)[1:]]["class"].tolist()
    named = (
        f"The interval of {', '.join(certain)} leaves out zero." if certain else "No class has an interval that leaves out zero."
    )
    found = f"{100 * overall.change:+.1f} points over all ({100 * overall.low:+.1f} to {100 * overall.high:+.1f})"
    alt = f"{names[1]} against {names[0]} on {plural(overall.n, 'sample')}: {found}; {overall.gained} fixed, {overall.lost} broken. {named}"
    caption = (
        f"Right of zero {names[1]} is better, left of it {names[0]}: {found}. {named} With many classes one may do so by chance: "
        "these intervals are not corrected for that."
    )
    return View(draw, table, alt, caption)


def flipped(batch: Batch, before: Sequence[str], after: Sequence[str], classes: Sequence[str], names: tuple[str, str]) -> View:
    """Show images whose answer changed from right to wrong or back; `before`, `after` : the two answers to each."""
    labels = [classes[label] for label in batch.labels.tolist()]
    kinds = ["fixed" if new == label else "broken" for new, label in zip(after, labels, strict=True)]
    table = pd.DataFrame({"sample": batch.ids, "label": labels, names[0]: list(before), names[1]: list(after), "change": kinds})
    titles = [f"{kind}: {old} → {new}" for kind, old, new in zip(kinds, before, after, strict=True)]

    def draw() -> Figure:
        columns = 6
        rows = -(-len(titles) // columns)
        figure = new_figure(WIDTH, rows * (WIDTH / columns + 0.2))
        for place, axes in enumerate(np.atleast_1d(figure.subplots(rows, columns, squeeze=False)).flat):
            if place < len(titles):
                picture(axes, batch.raw[place], titles[place])
                axes.title.set_color(COOL if kinds[place] == "fixed" else WARM)
            else:
                axes.set_axis_off()
        return figure

    listed = "; ".join(f"label {label}, {title}" for label, title in zip(labels, titles, strict=True))
    alt = f"{plural(len(titles), 'image')} that only one of the two reads rightly: {listed}."
    caption = (
        f"Read rightly by one of the two only: the answer of {names[0]} → that of {names[1]}. Would a person have hesitated "
        "as well? Blue: fixed; red: broken."
    )
    return View(draw, table, alt, caption)


def two_models(
    batch: Batch,
    before: Attribution,
    after: Attribution,
    likeness: Sequence[float],
    classes: Sequence[str],
    names: tuple[str, str],
    most: int = 6,
) -> View:
    """Show what each of two networks looks at, on one scale for both.

    `likeness` : the rank correlation of the two maps of each image. `most` : how many images are drawn; the table has all.
    """
    maps = [reduce(one) for one in (before, after)]
    limit = limits(np.stack(maps))
    targets = [classes[int(target)] for target in before.target]
    sums = [values.sum((1, 2)) for values in maps]
    table = pd.DataFrame(
        {
            "sample": batch.ids,
            "class explained": targets,
            f"sum, {names[0]}": sums[0],
            f"sum, {names[1]}": sums[1],
            "rank correlation": list(likeness),
        }
    )

    def draw() -> Figure:
        raws = batch.raw[:most]
        size = min(1.4, (WIDTH - 1.1) / len(raws))
        figure = new_figure(size * len(raws) + 1.1, (size + 0.14) * 3 + 0.1)
        axes = figure.subplots(3, len(raws), squeeze=False)
        for place, raw in enumerate(raws):
            picture(axes[0, place], raw, f"why “{targets[place]}”?")
            for row, values in enumerate(maps, start=1):
                image = overlay(axes[row, place], raw, values[place], limit)
            axes[2, place].set_xlabel(f"alike: {likeness[place]:.2f}", fontsize=7.5)
        for row, name in enumerate(names, start=1):
            axes[row, 0].set_ylabel(name, fontsize=8.5)
        bar = figure.colorbar(image, ax=axes[1:, :], shrink=0.8, aspect=24, pad=0.01, label="logits")
        bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.2g}", "0", f"{limit:.2g}"])
        bar.outline.set_visible(False)
        return figure

    mean = float(np.mean(likeness))
    alt = (
        f"Integrated Gradients of {names[0]} and of {names[1]} for {plural(len(batch), 'image')}, on one scale to ±{limit:.2g} logits. "
        f"The mean rank correlation of the two maps of an image is {mean:.2f}, from {min(likeness):.2f} to {max(likeness):.2f}."
    )
    caption = (
        f"Red spoke for the class that the label names, blue against it; one scale for both networks, ±{limit:.2g} logits. Under each pair: how alike the "
        f"two maps order the pixels (rank correlation on the foreground); {mean:.2f} on average."
    )
    return View(draw, table, alt, caption)
