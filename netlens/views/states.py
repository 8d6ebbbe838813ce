"""The states and gates of a recurrent layer over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from netlens.data import Batch
from netlens.errors import UsageError
from netlens.internals.recurrent import States
from netlens.views.base import ACCENT, MUTED, RULE, SIGNED, WIDTH, View, new_figure, plural
from netlens.views.reading import downward, of_rows
from netlens.views.samples import picture


def hidden_states(states: States, batch: Batch, place: int = 0) -> View:
    """Show what a layer knew after each step of one sample: steps downward, units across, in the order in which they peak."""
    values = states.hidden[place, : int(states.lengths[place])].double().numpy()
    order = np.lexsort((-values[-1], np.abs(values).argmax(0)))
    shown = values[:, order]
    limit = float(np.percentile(np.abs(values), 99.5)) or 1.0
    table = pd.DataFrame(values, index=pd.RangeIndex(1, len(values) + 1, name="step")).add_prefix("unit ")
    change = np.abs(np.diff(values, axis=0, prepend=0)).mean(1)
    busiest = int(change.argmax()) + 1

    def draw() -> Figure:
        figure = new_figure(WIDTH, 2.35)
        left, right = figure.subplots(1, 2, width_ratios=(1, 2.3))
        if of_rows(batch, len(values)):
            picture(left, batch.raw[place])
        else:
            left.set_axis_off()
        image = right.imshow(shown, cmap=SIGNED, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
        downward(right, len(values))
        right.set_box_aspect(1 / 2.3)
        right.set_xlabel(f"{values.shape[1]} units, in the order in which they peak", fontsize=8)
        right.set_ylabel("after row" if of_rows(batch, len(values)) else "after step", fontsize=8)
        right.set_xticks([])
        bar = figure.colorbar(image, cax=right.inset_axes((1.01, 0, 0.02, 1)))
        bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.2g}", "0", f"{limit:.2g}"])
        bar.ax.tick_params(labelsize=7, length=2)
        bar.outline.set_visible(False)
        return figure

    quiet = float((np.abs(values[-1]) < 0.1).mean())
    alt = (
        f"Heat map of {values.shape[1]} hidden units of {states.name} after each of {len(values)} steps of sample {batch.ids[place]}. The units "
        f"change most at step {busiest}; at the end {plural(round(quiet * values.shape[1]), 'unit')} of them are near zero."
    )
    caption = (
        f"Each line of the right picture is what `{states.name}` knows after one step. Red is positive, blue negative, white "
        f"zero; one scale, cut at the 99.5th percentile. The units change most at step {busiest}."
    )
    return View(draw, table, alt, caption)


def gates(states: States, batch: Batch) -> View:
    """Show each gate over time: the mean over units and samples, and where most units lie; the ink of each step in grey."""
    if not states.gates:
        raise UsageError("gates", "a plain RNN has none", remedy="Ask for its hidden states.")
    means = {name: values.nanmean(2).nanmean(0).double().numpy() for name, values in _sizes(states).items()}
    bands = {
        name: np.nanpercentile(values.nanmean(0).double().numpy(), (10, 90), axis=1) for name, values in _sizes(states).items()
    }
    steps = np.arange(1, states.hidden.shape[1] + 1)
    ink = batch.raw.reshape(*batch.raw.shape[:2], -1).mean((0, 2)) / 255 if of_rows(batch, len(steps)) else None
    table = pd.DataFrame({"step": steps} | means)

    def draw() -> Figure:
        figure = new_figure(WIDTH, 2.1)
        for axes, name in zip(figure.subplots(1, len(means), sharey=True, squeeze=False)[0], means, strict=True):
            if ink is not None:
                axes.fill_between(steps, ink / max(float(ink.max()), 1e-9), color=RULE, alpha=0.6, linewidth=0)
            axes.fill_between(steps, *bands[name], color=ACCENT, alpha=0.22, linewidth=0)
            axes.plot(steps, means[name], color=ACCENT)
            axes.axhline(0.5, color=MUTED, linewidth=0.6, linestyle=":")
            axes.set_ylim(0, 1)
            axes.set_title(f"{name} gate" if name != "candidate" else "size of candidate", fontsize=8.5)
            axes.set_xlabel("step" if ink is None else "row", fontsize=8)
            axes.tick_params(labelsize=7)
        return figure

    listed = "; ".join(f"{name} from {values.min():.2f} to {values.max():.2f}" for name, values in means.items())
    alt = f"Line charts of the gates of {states.name} over {len(steps)} steps, means over {plural(len(states.hidden), 'sample')}: {listed}."
    caption = (
        f"Lines: the mean over all units and {plural(len(states.hidden), 'sample')}; bands: where eight of ten units lie. A gate of 1 is open, of 0 closed. "
        f"{'' if ink is None else 'Grey hills: how much ink a row holds, scaled to its largest. '}Range of each mean: {listed}."
    )
    return View(draw, table, alt, caption)


def _sizes(states: States) -> dict[str, torch.Tensor]:
    """The gates; of the candidate, which has a sign, the size."""
    return {name: values.abs() if name == "candidate" else values for name, values in states.gates.items()}
