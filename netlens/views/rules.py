"""Rules in words: each with the class that it names and how much it holds."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from netlens.explain.rules import Rules
from netlens.views.base import INK, PALETTE, WIDTH, View, new_figure, percent, plural

LINE = 72  # characters


def rules(result: Rules) -> View:
    """Show each rule as a sentence beside a bar of how many inputs it holds, coloured by the class that it names."""
    conditions = [sentence.rsplit(": ", 1)[0] for sentence in result.sentences]
    table = pd.DataFrame(
        {
            "rule": conditions,
            "answer": [part.answer for part in result.parts],
            "inputs": [part.inputs for part in result.parts],
            "agreement": [part.purity for part in result.parts],
        }
    ).sort_values("inputs", ascending=False, kind="stable", ignore_index=True)
    answers = result.classes or tuple(dict.fromkeys(table["answer"]))
    colours = {answer: PALETTE[place % len(PALETTE)] for place, answer in enumerate(answers)}
    texts = [textwrap.fill(text, LINE) for text in table["rule"]]

    def draw() -> Figure:
        lines = [text.count("\n") + 1 for text in texts]
        figure = new_figure(WIDTH, 0.75 + sum(0.2 + 0.14 * count for count in lines))
        axes, bars = figure.subplots(1, 2, sharey=True, width_ratios=(2.5, 1.2))
        heights = np.array([0.2 + 0.14 * count for count in lines])
        places = heights.cumsum() - heights / 2
        for place, text in zip(places, texts, strict=True):
            axes.text(0, place, text, va="center", fontsize=8.2, color=INK)
        axes.set_xlim(0, 1)
        axes.set_axis_off()
        bars.barh(places, table["inputs"], height=heights - 0.14, color=[colours[name] for name in table["answer"]])
        for place, (answer, inputs, share) in zip(places, table[["answer", "inputs", "agreement"]].to_numpy(), strict=True):
            bars.annotate(
                f"{answer}, {percent(share, 0)}", (inputs, place), (3, 0), textcoords="offset points", va="center", fontsize=7.5
            )
        bars.set_xlim(0, table["inputs"].max() * 2.1)
        bars.set_xticks([0, int(table["inputs"].max())])
        bars.set_xlabel("inputs", fontsize=8, loc="left")
        bars.tick_params(axis="y", length=0, labelleft=False)
        bars.spines["left"].set_visible(False)
        bars.set_ylim(heights.sum(), 0)
        return figure

    first = table.iloc[0]
    beats = f"{percent(result.fidelity)} of {result.held_out:,} inputs that it has not seen; always naming the commonest class agrees on {percent(result.chance)}"
    alt = (
        f"{plural(len(table), 'rule')}. The largest holds {first['inputs']:,} inputs: {first['rule'][0].lower()}{first['rule'][1:]}, then {first['answer']}. "
        f"The tree agrees with the network on {beats}."
    )
    caption = (
        f"Each bar is as long as the inputs that the rule holds; beside it, what the rule answers, and for which share of them the network "
        f"says the same; these are the inputs that the tree was fitted to. The tree agrees with the network on {beats}."
    )
    return View(draw, table, alt, caption)
