"""HTML tables, as pandas writes them, to Typst tables with header rows and numbers on the right."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass

NUMBER = re.compile(r"^[-+−±<>~≤≥]?\s*[\d][\d,.  ]*(e[-+]?\d+)?\s*%?$", re.IGNORECASE)
VERDICTS = {"PASS", "WARN", "FAIL", "NOT SHOWN"}
WHOLE = 20  # a table of no more rows stays on one page
NAMED = 5  # characters that the page of a section takes
LONG = 18  # a column whose longest cell has more characters shares the width that is left


@dataclass(frozen=True)
class Cell:
    """One cell: its text, how many columns and rows it covers, and whether it names a row or column."""

    text: str
    columns: int
    rows: int
    heading: bool


def html_table(html: str, sections: Collection[str] = ()) -> str:
    """Write the first table in `html` as a Typst call; empty when there is none.

    `sections` : titles of columns whose cells name headings, divided by commas; the page of each is added.
    """
    from lxml import html as parser

    if "<table" not in html:
        return ""
    found = parser.fragment_fromstring(html, create_parent="div").find(".//table")
    if found is None:
        return ""
    head = [[_cell(cell) for cell in row.iterchildren("th", "td")] for row in found.iterfind("./thead/tr")]
    body = [
        [_cell(cell) for cell in row.iterchildren("th", "td")]
        for row in found.iterfind(".//tr")
        if row.getparent().tag != "thead"
    ]
    if not head and body and all(cell.heading for cell in body[0]):
        head, body = body[:1], body[1:]
    columns = max((sum(cell.columns for cell in row) for row in (*head, *body)), default=0)
    return _typst(head, body, columns, sections) if columns else ""


def _cell(element: object) -> Cell:
    text = " ".join(element.text_content().split())  # type: ignore[attr-defined]
    span = {name: int(element.get(name, 1)) for name in ("colspan", "rowspan")}  # type: ignore[attr-defined]
    return Cell(text, span["colspan"], span["rowspan"], element.tag == "th")  # type: ignore[attr-defined]


def _typst(head: list[list[Cell]], body: list[list[Cell]], columns: int, sections: Collection[str]) -> str:
    by_column = [[row[place].text for row in body if len(row) == columns] for place in range(columns)]
    numeric = [bool(texts) and all(NUMBER.match(text) or text in {"", "NaN", "—"} for text in texts) for texts in by_column]
    titles = [row[place].text for row in head[-1:] if len(row) == columns for place in range(columns)] or [""] * columns
    longest = [
        max(len(text) + (NAMED * (text.count(",") + 1) if title in sections else 0) for text in [*texts, title])
        for texts, title in zip(by_column, titles, strict=True)
    ]
    blank = [bool(texts) and not any(texts) for texts in by_column]  # to be filled in by hand
    widths = [
        "2fr" if empty else "auto" if size <= LONG else f"{min(size, 90)}fr" for size, empty in zip(longest, blank, strict=True)
    ]
    if any(blank):
        widths = ["1fr" if width != "2fr" else width for width in widths]
    size = "8.8pt" if columns <= 6 and not set(titles) & set(sections) else "8pt" if columns <= 9 else "7pt"
    rows = [", ".join(_entry(cell, head=True, sections=cell.text in sections) for cell in row) for row in head]
    header = f"table.header({', '.join(rows)}), " if rows else ""
    placed = {place for place, title in enumerate(titles) if title in sections}
    cells = ",\n".join(
        ", ".join(_entry(cell, head=False, sections=place in placed) for place, cell in enumerate(row)) for row in body
    )
    aligned = ", ".join("right" if number else "left" for number in numeric)
    whole = "true" if len(body) > WHOLE else "false"
    tall = "inset: (x: 5pt, y: 13pt), " if any(blank) else ""
    return f"sized-table({size}, {whole}, {tall}columns: ({', '.join(widths)},), align: ({aligned},), {header}{cells})"


def _entry(cell: Cell, *, head: bool, sections: bool = False) -> str:
    text = f"verdict({json.dumps(cell.text)})" if cell.text in VERDICTS else json.dumps(cell.text, ensure_ascii=False)
    if sections:
        text = json.dumps(f"{cell.text} (page)", ensure_ascii=False) if head else f"sections({text})"
    text = f"strong({text})" if head else text
    spans = [f"{name}: {value}" for name, value in (("colspan", cell.columns), ("rowspan", cell.rows)) if value > 1]
    return f"table.cell({', '.join(spans)})[#{text}]" if spans else f"[#{text}]"
