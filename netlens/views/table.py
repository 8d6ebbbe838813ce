"""Tables for notebooks: no row numbers, nothing cut off, verdicts and shares as they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from netlens.behaviour import Performance, Rate
from netlens.views.base import percent


@dataclass(frozen=True)
class Table:
    """A table and its caption (Markdown). `sections` : columns whose cells name headings of the document; a PDF adds their pages."""

    frame: pd.DataFrame
    caption: str = ""
    sections: tuple[str, ...] = ()

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, Any], dict[str, Any]]:
        with pd.option_context("display.max_colwidth", None):
            html = self.frame.to_html(index=False, border=0, na_rep="–", float_format=_number)
            plain = self.frame.to_string(index=False, na_rep="–", float_format=_number)
        more = {"sections": list(self.sections)} if self.sections else {}
        return {"text/html": html, "text/plain": plain}, {"netlens": {"caption": self.caption, **more}}


def table(rows: pd.DataFrame | Mapping[str, Any], caption: str = "", sections: tuple[str, ...] = ()) -> Table:
    """Show a data frame without its index, or a mapping as two columns."""
    if isinstance(rows, pd.DataFrame):
        return Table(rows, caption, sections)
    return Table(pd.DataFrame(list(rows.items()), columns=["What", "Value"]), caption)


def rates(result: Performance) -> Table:
    """List for each class how many samples there are, how many are found, and how many answers are right, with 95 % intervals."""
    rows = [
        {"class": name, "samples": recall.n, "found": _share(recall), "answers": precision.n, "right": _share(precision)}
        for name, recall, precision in zip(result.classes, result.recall, result.precision, strict=True)
    ]
    return Table(pd.DataFrame(rows), "In brackets: the 95 % interval.")


def _share(rate: Rate) -> str:
    return f"{percent(rate.value)} ({percent(rate.low)} to {percent(rate.high)})" if rate.n else "–"


def _number(value: float) -> str:
    return f"{value:.4g}"
