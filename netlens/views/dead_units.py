"""Units that never fire, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.views.base import ACCENT, RULE, WARM, View, new_figure, percent, plural

MOST = 16


def dead_units(found: Mapping[str, Any]) -> View:
    """Show the share of dead units of each layer; `found` is the evidence of the check NL851."""
    rows = [{"layer": path, **one, "share": one["dead"] / one["units"]} for path, one in found["layers"].items()]
    shown = rows if len(rows) <= MOST else sorted(rows, key=lambda row: -row["share"])[:MOST]

    def draw() -> Figure:
        figure = new_figure(width=5.8, height=0.7 + 0.26 * len(shown))
        axes = figure.subplots()
        places, shares = np.arange(len(shown)), [row["share"] for row in shown]
        axes.barh(places, 1, color=RULE, alpha=0.5, height=0.62)
        axes.barh(places, shares, color=[WARM if share > 0.1 else ACCENT for share in shares], height=0.62)
        for place, row in enumerate(shown):
            axes.text(1.01, place, f"{row['dead']} of {row['units']}", va="center", fontsize=8)
        axes.set_yticks(places, [row["layer"] for row in shown])
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel("share of the units that no sample wakes")
        axes.xaxis.set_major_formatter(lambda value, _: percent(value, 0))
        return figure

    worst = max(rows, key=lambda row: row["share"])
    dead, units = (sum(row[key] for row in rows) for key in ("dead", "units"))
    alt = f"Bars of the share of dead units of {plural(len(shown), 'layer')}. "
    if dead:
        alt += f"Most in {worst['layer']}: {worst['dead']} of {worst['units']}. In all {dead:,} of {units:,} units."
        caption = f"{dead:,} of {units:,} units {'passes' if dead == 1 else 'pass'} nothing on for any sample. The largest share lies in **{worst['layer']}**: {worst['dead']} of {worst['units']}, {percent(worst['share'])}."
    else:
        alt += f"None of {plural(units, 'unit')} is dead."
        caption = f"Each of {plural(units, 'unit')} passes something on for some sample."
    if len(shown) < len(rows):
        caption += f" Shown are the {len(shown)} layers with most of {len(rows)}."
    return View(draw, pd.DataFrame(rows), alt, caption)
