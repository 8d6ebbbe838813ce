"""May it be believed? What was measured of explanations, as figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.data import Batch
from netlens.quality.agreement import Agreement
from netlens.quality.base import Curve, Score
from netlens.quality.sanity import Sanity
from netlens.quality.stamp import Stamp
from netlens.views.attribution import overlay, reduce
from netlens.views.base import ACCENT, INK, MUTED, PALETTE, RULE, SIGNED, WARM, WIDTH, View, new_figure
from netlens.views.marks import limits, stamp
from netlens.views.samples import picture
from netlens.views.titles import TITLES

KINDS = {
    "rank": "rank correlation",
    "cosine": "cosine",
    "top_k": "overlap of the largest tenth",
    "sign": "share of places with the same sign",
}
COLOURS = {"supported": "#2e7d32", "weak": "#b26a00", "not evidence": WARM}


def name_of(method: str, *, lines: bool = False) -> str:
    """The name of a method as readers know it, on one line unless `lines`."""
    title = TITLES.get(method, method.replace("_", " "))
    return title if lines else title.replace("\n", " ")


def agreement_matrix(result: Agreement) -> View:
    """Show how alike methods are, as a matrix."""
    table, count = result.frame(), len(result.names)
    names = [name_of(name) for name in result.names]

    def draw() -> Figure:
        figure = new_figure(width=min(WIDTH, 2.2 + 0.62 * count), height=1.2 + 0.46 * count)
        axes = figure.subplots()
        image = axes.imshow(result.matrix, cmap=SIGNED, vmin=-1, vmax=1)
        for i in range(count):
            for j in range(count):
                value = result.matrix[i, j]
                colour = "white" if abs(value) > 0.65 else INK
                axes.text(j, i, signed(value), ha="center", va="center", fontsize=7.5, color=colour)
        axes.set_xticks(range(count), names, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(count), names)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=18)
        bar.set_ticks([-1, 0, 1])
        bar.outline.set_visible(False)
        axes.set_title(KINDS[result.kind].capitalize())
        return figure

    first, last = table.iloc[0], table.iloc[-1]
    alt = f"Matrix of the {KINDS[result.kind]} between {count} methods. Most alike: {_pair(first)}. Least alike: {_pair(last)}."
    caption = (
        f"Mean {KINDS[result.kind]} between two methods, over {result.values.shape[2]} inputs, on the foreground. "
        f"1: the same order of places; 0: nothing in common. Most alike: {_pair(first)}; least: {_pair(last)}."
    )
    return View(draw, table, alt, caption)


def hiding_curves(scores: Mapping[str, Score], place: int = 0, *, noun: str = "pixels") -> View:
    """Show how the answer changes while the input is hidden, or shown, along each method's ranking and along random ones.

    Parameters
    ----------
    scores : for each method, its `Deletion` or `Insertion`.
    place : which replacement's curve is drawn. `noun` : what is hidden.
    """
    curves = {name: score.curves[place] for name, score in scores.items()}
    kind = next(iter(scores.values())).name
    rows = [
        {"method": name_of(name), "share touched": float(share), "answer": float(own), "random": float(random)}
        for name, curve in curves.items()
        for share, own, random in zip(*_means(curve), strict=True)
    ]
    substitute = next(iter(curves.values())).replacement

    def draw() -> Figure:
        columns = min(4, len(curves))
        lines = -(-len(curves) // columns)
        figure = new_figure(height=1.75 * lines + 0.4)
        grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
        for axes in grid.flat[len(curves) :]:
            axes.set_visible(False)
        for axes, (name, curve) in zip(grid.flat, curves.items(), strict=False):
            share, own, random = _means(curve)
            axes.plot(share, random, color=MUTED, linestyle="--", linewidth=1.2)
            axes.plot(share, own, color=ACCENT)
            good = own <= random if kind != "insertion" else own >= random
            axes.fill_between(share, own, random, where=good, color=ACCENT, alpha=0.15, linewidth=0)
            axes.fill_between(share, own, random, where=~good, color=WARM, alpha=0.2, linewidth=0)
            score = scores[name]
            axes.set_title(f"{name_of(name)}\n{signed(score.mean)} ({signed(score.low)} to {signed(score.high)})", fontsize=7.5)
            axes.grid(axis="y")
        figure.supxlabel(f"share of the {noun} that is " + ("shown" if kind == "insertion" else "hidden"), fontsize=8.5)
        figure.supylabel("answer", fontsize=8.5)
        return figure

    listed = "; ".join(f"{name_of(name)} {_score(score)}" for name, score in scores.items())
    verb = "shown" if kind == "insertion" else "hidden"
    alt = (
        f"{kind.replace('_', ' ').capitalize()} curves, one panel a method, against random rankings. Gap of the areas: {listed}."
    )
    caption = (
        f"The mean answer while {noun} are {verb} in the order of the map (solid) and in random orders (dashed); hidden {noun} are replaced "
        f"by: {substitute}. Above each panel: the gap of the areas with its 95 % interval, over all replacements. "
        "Red areas: worse than random."
    )
    return View(draw, pd.DataFrame(rows), alt, caption)


def sanity_curve(results: Sequence[Sanity]) -> View:
    """Show what maps keep of themselves while the network is broken from the top, with the band that controls reach."""
    table = pd.concat([result.frame() for result in results], ignore_index=True)

    def draw() -> Figure:
        figure = new_figure(width=6.4, height=2.9)
        axes = figure.subplots()
        reach = [float(result.controls[result.control].mean()) for result in results]
        axes.axhspan(min(reach) - 0.02, max(reach) + 0.02, color=RULE, alpha=0.7, linewidth=0, label="controls")
        stages = ["intact", *results[0].layers]
        for result, colour in zip(results, PALETTE * 3, strict=False):
            rows = result.frame().query("kind == 'stage'")
            values = np.concatenate([[1.0], rows["mean"]])
            spread = np.concatenate([[[0.0], [0.0]], [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]], 1)
            axes.errorbar(
                range(len(values)), values, yerr=spread, fmt="o-", color=colour, capsize=2, label=name_of(result.method), ms=4
            )
        axes.set_xticks(range(len(stages)), ["intact", *(f"+ {name}" for name in results[0].layers)])
        axes.set_xlabel("layers made random, from the top down" if results[0].order == "cascade" else "the one layer made random")
        axes.set_title(f"Similarity to the map of the intact network, {results[0].where}")
        axes.axhline(0, color=MUTED, linewidth=0.6)
        axes.grid(axis="y")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=7.5)
        return figure

    listed = "; ".join(_kept(result) for result in results)
    alt = f"Line chart: rank correlation with the intact map as layers are made random. With all but the first random: {listed}."
    caption = (
        f"Mean rank correlation {results[0].where} over {results[0].kept.shape[1]} inputs and {results[0].draws} random networks, with 95 % "
        f"intervals. The grey band is what maps reach that know nothing of the network. With all layers random but the first: {listed}."
    )
    return View(draw, table, alt, caption)


def broken_rows(results: Sequence[Sanity], batch: Batch, row: int = 0, stamps: Mapping[str, Stamp] | None = None) -> View:
    """Show one input's maps while the network is broken: a row a method, a column a stage; each map has its own scale."""
    stages = ["intact", *results[0].layers]
    rows = [
        {"method": name_of(result.method), "stage": stage, "kept": 1.0 if place == 0 else float(result.kept[place - 1, row])}
        for result in results
        for place, stage in enumerate(stages)
    ]

    def draw() -> Figure:
        size = min(1.25, (WIDTH - 1) / (len(stages) + 1))
        figure = new_figure(size * (len(stages) + 1) + 0.9, (size + 0.12) * len(results) + 0.3)
        grid = figure.subplots(len(results), len(stages) + 1, squeeze=False)
        for line, result in zip(grid, results, strict=True):
            picture(line[0], batch.raw[row], "")
            line[0].set_ylabel(name_of(result.method, lines=True), fontsize=8, color=INK)
            for place, (axes, one) in enumerate(zip(line[1:], result.maps, strict=True)):
                values = reduce(one)[row]
                overlay(axes, batch.raw[row], values, limits(values))
                verdict = stamps[result.method].verdict if stamps and result.method in stamps else ""
                if place == 0 and verdict == "not evidence":
                    stamp(axes, verdict)
        for axes, stage in zip(grid[0], ["input", "intact", *(f"+ {name}" for name in results[0].layers)], strict=True):
            axes.set_title(stage, fontsize=8)
        return figure

    listed = "; ".join(f"{name_of(one.method)} {signed(float(one.kept[one.decisive, row]))}" for one in results)
    decisive = f"“+ {results[0].layers[results[0].decisive]}”"
    layers = ", ".join(results[0].layers)
    if len(stages) == 2:
        shown, told = "On the right the network is random", f"before and after {layers} were made random"
    else:
        shown, told = (
            "From left to right more of the network is random",
            f"while the layers {layers} are made random one after the other",
        )
    alt = f"Maps of one input by {len(results)} methods {told}. Kept at {decisive}: {listed}."
    caption = (
        f"{shown}, from the top down. A map that explains the network must change. Each map has a "
        f"scale of its own, cut at its 99.5th percentile. Rank correlation with the intact map at {decisive}: {listed}."
    )
    return View(draw, pd.DataFrame(rows), alt, caption)


def _means(curve: Curve) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The shares touched, and the mean answers over the inputs there: along the map's order and along random ones."""
    shares = curve.share.numpy()
    grid = (
        shares[0] if (shares == shares[0]).all() else np.linspace(0, 1, shares.shape[1])
    )  # inputs may have fewer features than steps
    lines = (part.double().numpy() for part in (curve.own, curve.random))
    own, random = (np.mean([np.interp(grid, *pair) for pair in zip(shares, line, strict=True)], 0) for line in lines)
    return grid, own, random


def signed(value: float) -> str:
    """Write a number with two digits and a proper minus; 0 has no sign."""
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def _pair(row: pd.Series) -> str:
    return f"{name_of(row['method'])} and {name_of(row['other'])} ({signed(row['similarity'])})"


def _score(score: Score) -> str:
    return f"{signed(score.mean)} ({signed(score.low)} to {signed(score.high)})"


def _kept(result: Sanity) -> str:
    return f"{name_of(result.method)} {signed(float(result.kept[result.decisive].mean()))}, control {signed(float(result.controls[result.control].mean()))}"
