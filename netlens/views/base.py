"""A view: a figure, the same numbers as a table, a text for those who do not see it, and a caption that says what to notice."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from cycler import cycler
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter

from netlens.behaviour.wording import percent as percent
from netlens.fonts import ASIAN, ASIAN_FONTS

INK, MUTED, RULE, ACCENT, WARM, COOL = "#1f2933", "#616e7c", "#cbd2d9", "#1f6f8b", "#c0392b", "#2166ac"
PALETTE = ("#1f6f8b", "#d1782c", "#5b8c3e", "#8e5ea2", "#b23a48", "#616e7c", "#c9a227", "#3d5a80")
SIGNED, UNSIGNED = "RdBu_r", "viridis"
WIDTH = 7.2  # inches: the width of a page's text

STYLE: Any = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.grid": False,
    "axes.prop_cycle": cycler(color=PALETTE),
    "grid.color": "#e4e7eb",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "image.interpolation": "nearest",
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
    "svg.hashsalt": "netlens",
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style; the caller's own settings come back afterwards."""
    with rc_context(STYLE):
        yield


@dataclass(frozen=True)
class View:
    """What a reader is shown.

    `draw` makes the figure anew each time it is called; `table` holds the numbers in it; `alt` states in words what the figure
    shows, with its numbers; `caption` says what to notice and how colours were scaled (Markdown).
    """

    draw: Callable[[], Figure]
    table: pd.DataFrame
    alt: str
    caption: str

    def figure(self) -> Figure:
        """Draw the figure."""
        with style():
            figure = self.draw()
        _as_written(figure)
        return figure

    def frame(self) -> pd.DataFrame:
        """The numbers in the figure."""
        return self.table.copy()

    def save(self, path: str | Path) -> Path:
        """Write the figure to a .png, .svg or .pdf file."""
        path = Path(path)
        path.write_bytes(_render(self.figure(), path.suffix.removeprefix(".")))
        return path

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Show the figure in a notebook: for screens as PNG, for print as SVG, with its alt text and caption."""
        pictures = {kind: _render(self.figure(), kind) for kind in ("png", "svg")}  # a layout moves when a figure is drawn twice
        data = {"image/png": pictures["png"], "image/svg+xml": pictures["svg"].decode(), "text/plain": self.alt}
        width = round(96 * self.figure().get_figwidth())
        return data, {"image/png": {"width": width}, "netlens": {"alt": self.alt, "caption": self.caption}}


def _as_written(figure: Figure) -> None:
    """Show texts letter by letter although they hold dollar signs, and in a font that has their letters; powers of ten stay formulas."""
    both = (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis))
    logarithmic = [axis for axis in both if isinstance(axis.get_major_formatter(), LogFormatter)]
    formulas = {id(label) for axis in logarithmic for label in axis.get_ticklabels(which="both")}
    known = set(fontManager.get_font_names())
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if id(text) not in formulas:
            text.set_parse_math(False)
        if ASIAN.search(text.get_text()):
            text.set_fontfamily([*text.get_fontfamily(), *(name for name in ASIAN_FONTS if name in known)])


def _render(figure: Figure, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}
    with style():
        figure.savefig(buffer, format=kind, dpi=200, metadata=metadata.get(kind))
    return buffer.getvalue()


def new_figure(width: float = WIDTH, height: float = 3.0, **settings: Any) -> Figure:
    """Make a figure that no window or global state holds; sizes in inches."""
    return Figure(figsize=(width, height), layout="constrained", **settings)


def plural(count: int, noun: str) -> str:
    """Write how many: 1 -> '1 image', 1200 -> '1,200 images'."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def times(count: int) -> str:
    """Write how often: 1 -> 'once', 2 -> 'twice', 3 -> '3 times'."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
