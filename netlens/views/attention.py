"""Attention as pictures: every head of every layer, who looks at whom in a text, and maps beside what they should foretell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from netlens.data import Batch
from netlens.errors import ShapeError
from netlens.explain import AttentionMaps
from netlens.quality.removal import Foretold
from netlens.views.base import ACCENT, INK, MUTED, UNSIGNED, WIDTH, View, new_figure, percent, plural
from netlens.views.samples import picture

MOST_HEADS = 8
DRAWN = 1500  # dots of a scatter; more would be one blot


def heads(maps: AttentionMaps, batch: Batch, place: int = 0) -> View:
    """Show where the reader of one image looks: a row a layer, a column a head, and the mean of the heads.

    Raises
    ------
    ShapeError : the tokens have no places in an image.
    """
    if maps.places is None or maps.reader is None or len(maps.places.grid) != 2:
        raise ShapeError("views.heads", "the tokens have no places in an image", expected="attention maps of images")
    rows, shown = [], []
    for call in maps.calls:
        if call.weights.shape[2] != maps.reader.shape[1]:
            continue
        looks = (maps.reader[place] @ call.weights[place]).double()  # (heads, K)
        laid = maps.places.laid_out(looks)[:, 0].numpy()
        others = 1 - maps.places.cut(looks).sum(1)
        for head, (one, rest) in enumerate(zip(laid, others.tolist(), strict=True)):
            top = np.unravel_index(int(one.argmax()), one.shape)
            rows.append(
                {
                    "layer": call.name,
                    "head": head,
                    "largest": float(one.max()),
                    "at": f"row {top[0] + 1}, column {top[1] + 1}",
                    "on tokens without a place": rest,
                    "even": _evenness(looks[head]),
                }
            )
        shown.append((call.name, laid))
    table = pd.DataFrame(rows)
    columns = min(MOST_HEADS, max(len(laid) for _, laid in shown))
    limit = max(float(np.percentile(laid, 99.5)) for _, laid in shown)
    names = [name for name, _ in shown]

    def draw() -> Figure:
        size = min(1.15, (WIDTH - 1.0) / (columns + 2))
        figure = new_figure(size * (columns + 2) + 1.0, (size + 0.1) * len(shown) + 0.3)
        grid = figure.subplots(len(shown), columns + 2, squeeze=False)
        for line, (name, laid) in zip(grid, shown, strict=True):
            picture(line[0], batch.raw[place])
            line[0].set_ylabel(_short(name), fontsize=8, color=INK)
            for axes, one in zip(line[1:], [*laid[:columns], laid.mean(0)], strict=False):
                height, width = batch.raw[place].shape[:2]
                image = axes.imshow(one, cmap=UNSIGNED, vmin=0, vmax=limit, extent=(-0.5, width - 0.5, height - 0.5, -0.5))
                grey = batch.raw[place] if batch.raw[place].ndim == 2 else batch.raw[place].mean(-1)
                axes.contour(grey, levels=[127.5], colors="white", linewidths=0.6, alpha=0.8)
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(False)
        for axes, title in zip(grid[0], ["input", *(f"head {head}" for head in range(columns)), "mean"], strict=True):
            axes.set_title(title, fontsize=8, fontweight="normal", loc="center")
        bar = figure.colorbar(image, ax=grid, shrink=0.8, aspect=30, pad=0.01)
        bar.set_ticks([0, limit], labels=["0", percent(limit, 0)])
        bar.ax.tick_params(labelsize=7, length=2)
        bar.outline.set_visible(False)
        return figure

    strongest = table.iloc[int(table["largest"].argmax())]
    rest = percent(float(table["on tokens without a place"].mean()), 0)
    told = f"The largest share on one patch is {percent(float(strongest['largest']), 0)}, of head {strongest['head']} in {_short(strongest['layer'])}"
    alt = (
        f"Grid of attention maps of sample {batch.ids[place]}: {plural(len(shown), 'layer')} ({', '.join(map(_short, names))}) down, "
        f"{plural(columns, 'head')} and their mean across. {told}. On average {rest} lie on tokens without a place."
    )
    caption = (
        f"Where the token that the answer is read from looks, as shares of a whole; the line is the outline of the image. One scale, cut at the "
        f"99.5th percentile. {told}; on average {rest} lie on tokens without a place, and are not in the picture. Heads differ: no single map is *the* attention."
    )
    return View(draw, table, alt, caption)


def token_matrix(weights: torch.Tensor, words: Sequence[str], title: str = "") -> View:
    """Show who looks at whom in a text: `weights` (heads, T, T), a panel a head; a line a word that looks, a column a word that is looked at.

    Raises
    ------
    ShapeError : there is not one word for each token.
    """
    if weights.ndim != 3 or weights.shape[1:] != (len(words), len(words)):
        problem = f"the weights are shaped {tuple(weights.shape)} for {len(words)} words"
        raise ShapeError("views.token_matrix", problem, expected="(heads, T, T), one word for each token")
    values = weights.detach().double().cpu().numpy()
    count = min(len(values), 4)
    table = pd.DataFrame(
        [
            {"head": head, "from": words[query], "to": words[key], "share": values[head, query, key]}
            for head in range(len(values))
            for query in range(len(words))
            for key in range(len(words))
        ]
    )

    def draw() -> Figure:
        figure = new_figure(WIDTH, (WIDTH - 1) / count + 0.85)
        grid = figure.subplots(1, count, squeeze=False, sharey=True)[0]
        for head, axes in enumerate(grid):
            image = axes.imshow(values[head], cmap=UNSIGNED, vmin=0, vmax=values.max())
            axes.set_xticks(range(len(words)), words, rotation=90, fontsize=7)
            axes.set_yticks(range(len(words)), words, fontsize=7)
            axes.set_title(f"head {head}", fontsize=8, fontweight="normal", loc="center")
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=grid, shrink=0.6, aspect=20, pad=0.01)
        bar.set_ticks([0, float(values.max())], labels=["0", percent(float(values.max()), 0)])
        bar.ax.tick_params(labelsize=7, length=2)
        bar.outline.set_visible(False)
        if title:
            figure.suptitle(title, fontsize=9, x=0.01, ha="left", fontweight="bold")
        return figure

    top = table.iloc[int(table["share"].argmax())]
    told = f"The largest share is {percent(float(top['share']), 0)}: “{top['from']}” looks at “{top['to']}” in head {top['head']}"
    alt = f"{plural(count, 'matrix').replace('matrixs', 'matrices')} of {len(words)} by {len(words)} words: {' '.join(words)}. {told}."
    caption = f"Each line belongs to a word that looks, and adds up to 1 over the words that it looks at. One scale for all heads. {told}."
    return View(draw, table, alt, caption)


def foretold(results: Sequence[Foretold], names: Sequence[str] = ()) -> View:
    """Show what maps say of each place against what taking it away did: a panel a map, a dot a place of an image.

    Only places that hold something are drawn. What a map says is ranked within its image, so that images can share a picture.
    """
    names = list(names) or [one.method for one in results]
    rows: list[dict[str, Any]] = [
        {"map": name, "mean": one.interval[0], "low": one.interval[1], "high": one.interval[2], "images": len(one.correlations)}
        for name, one in zip(names, results, strict=True)
    ]
    table = pd.DataFrame(rows)

    def draw() -> Figure:
        figure = new_figure(WIDTH, 2.7)
        grid = figure.subplots(1, len(results), squeeze=False, sharey=True)[0]
        for axes, one, row in zip(grid, results, rows, strict=True):
            across, up = _dots(one)
            keep = np.random.default_rng(0).permutation(len(across))[:DRAWN]
            axes.axhline(0, color=MUTED, linewidth=0.8)
            axes.scatter(across[keep], up[keep], s=6, color=ACCENT, alpha=0.35, linewidths=0)
            axes.set_title(f"{row['map']}\n{_between(row)}", fontsize=8, loc="center", fontweight="normal")
            axes.set_xlim(-0.03, 1.03)
            axes.set_xticks([0, 1], ["least", "most"], fontsize=7.5)
            axes.grid(axis="y")
        for axes in grid:
            axes.set_xlabel("place in the map’s ranking", fontsize=8)
        grid[0].set_ylabel("fall of the logit when removed", fontsize=8)
        return figure

    listed = "; ".join(f"{row['map'].replace(chr(10), ' ')} {_between(row)}" for row in rows)
    many = max(row["images"] for row in rows)
    alt = f"Scatter plots of what {plural(len(results), 'map')} say of each place against the measured effect of removing it, over {plural(many, 'image')}. Mean rank correlation: {listed}."
    caption = (
        f"Each dot is a place that holds something, in one of {plural(many, 'image')}: to the right what the map ranks higher in its image, upwards what the "
        f"network misses more. Below zero, the logit *rises* when the place goes. Mean rank correlation within an image, with its 95 % interval: {listed}."
    )
    return View(draw, table, alt, caption)


def _dots(one: Foretold) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For every place that counts: its rank within its image, from 0 to 1, and the fall."""
    across, up = [], []
    for said, falls, counted in zip(one.said, one.removal.falls, one.removal.counted, strict=True):
        if int(counted.sum()) > 1:
            across.append(said[counted].argsort().argsort().double().numpy() / (int(counted.sum()) - 1))
            up.append(falls[counted].double().numpy())
    return np.concatenate(across), np.concatenate(up)


def _between(row: dict[str, Any]) -> str:
    return f"{row['mean']:.2f} ({row['low']:.2f} to {row['high']:.2f})".replace("-0.00", "0.00").replace("-", "−")


def _evenness(shares: torch.Tensor) -> float:
    """The entropy of shares, as a share of its greatest: 1 is a look at everything alike."""
    shares = shares[shares > 0]
    return float(-(shares * shares.log()).sum() / np.log(max(len(shares), 2)))


def _short(name: str) -> str:
    """A layer's path without what says nothing beside the others."""
    return (
        name.removesuffix(".attention").removesuffix(".attn").removesuffix(".self_attn").removesuffix(".self_attention") or name
    )
