"""What a notebook shows, in order: pieces of Markdown and pieces of Typst, and the pictures that they name."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from netlens.publish.pdf.tables import html_table

log = logging.getLogger(__name__)

PICTURES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
PAGE = "#pagebreak(weak: true)"
ROWS = 8  # a table of more rows fills a page enough to leave it
HIDDEN = {"remove-cell", "site-only"}
ALIGNED = re.compile(r"\\begin\{(align|alignat|equation|gather|multline|eqnarray)(\*?)\}.*?\\end\{\1\2\}", re.DOTALL)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Piece:
    """`kind` : `markdown` or `typst`. `cell` : the number of the cell, from 1. `before`, `after` : Typst around the text."""

    kind: str
    text: str
    cell: int
    before: str = ""
    after: str = ""


@dataclass
class Collected:
    """The pieces of a notebook and the files that they name."""

    pieces: list[Piece] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


def collect(notebook: dict[str, Any], *, code: bool) -> Collected:
    """Collect what a notebook shows. `new-page` begins a page, unless the last one holds little but text. Other tags: `remove-cell`, `site-only`, `remove-input`, `remove-output`, `hide-output`."""
    found = Collected()
    for number, cell in enumerate(notebook["cells"], start=1):
        tags = set(cell.get("metadata", {}).get("tags", []))
        if tags & HIDDEN:
            continue
        source = _text(cell["source"])
        if "new-page" in tags and _full(found.pieces):
            found.pieces.append(Piece("typst", PAGE, number))
        if cell["cell_type"] == "markdown":
            found.pieces.append(Piece("markdown", _attached(display_math(source), cell, number, found), number))
        elif cell["cell_type"] == "code":
            if code and source.strip() and not tags & {"remove-input", "hide-input"}:
                found.pieces.append(Piece("typst", f"#source({quoted(source)})", number))
            if not tags & {"remove-output", "hide-output"}:
                found.pieces.extend(_outputs(cell, number, found))
    return found


def _full(pieces: list[Piece]) -> bool:
    """Whether the page that is being filled holds a figure or a table of some size; the first page is the title's own."""
    last = max((place for place, piece in enumerate(pieces) if piece.text == PAGE), default=-1)
    texts = [f"{piece.before}{piece.text}" for piece in pieces[last + 1 :]]
    return any("#picture(" in text or text.count("\n") > ROWS for text in texts)


def display_math(text: str) -> str:
    """Wrap environments such as `align` that stand alone into `$$`, which pandoc reads; those inside formulas or code are left."""
    parts = re.split(r"(```.*?```|~~~.*?~~~|\$\$.*?\$\$|`[^`\n]*`)", text, flags=re.DOTALL)
    return "".join(part if i % 2 else ALIGNED.sub(lambda found: f"$${found[0]}$$", part) for i, part in enumerate(parts))


def quoted(text: str) -> str:
    """Write a string for Typst."""
    return json.dumps(text, ensure_ascii=False).replace("\\b", "").replace("\\f", "")


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _attached(text: str, cell: dict[str, Any], number: int, found: Collected) -> str:
    """Store the pictures attached to a cell and name their files in its text."""
    for name, bundle in cell.get("attachments", {}).items():
        for kind, content in bundle.items():
            if kind in PICTURES:
                file = f"attached-{number}-{len(found.files)}.{PICTURES[kind]}"
                found.files[file] = base64.b64decode(content) if kind != "image/svg+xml" else _text(content).encode()
                text = text.replace(f"attachment:{name}", file)
    return text


def _outputs(cell: dict[str, Any], number: int, found: Collected) -> Iterator[Piece]:
    for output in cell.get("outputs", []):
        if output["output_type"] == "stream":
            yield Piece("typst", f"#printed({quoted(ANSI.sub('', _text(output['text'])).rstrip())})", number)
        elif output["output_type"] == "error":
            trace = ANSI.sub("", "\n".join(output.get("traceback", [])))
            yield Piece("typst", f"#failed({quoted(trace or output.get('evalue', ''))})", number)
        else:
            yield from _bundle(output["data"], output.get("metadata", {}), cell, number, found)


def _bundle(
    data: dict[str, Any], metadata: dict[str, Any], cell: dict[str, Any], number: int, found: Collected
) -> Iterator[Piece]:
    ours = metadata.get("netlens", {})
    kind = next((kind for kind in PICTURES if kind in data), None)
    if kind:
        yield from _figure(data[kind], kind, metadata, cell, number, found)
    elif "text/markdown" in data:
        yield Piece("markdown", display_math(_text(data["text/markdown"])), number)
    elif "text/latex" in data:
        yield Piece("markdown", display_math(_text(data["text/latex"])), number)
    elif "text/html" in data and (table := html_table(_text(data["text/html"]), ours.get("sections", ()))):
        yield Piece("markdown", ours.get("caption", ""), number, f"#listing({table})[", "]")
    elif "text/plain" in data:
        yield Piece("typst", f"#printed({quoted(_text(data['text/plain']))})", number)


def _figure(
    content: Any, kind: str, metadata: dict[str, Any], cell: dict[str, Any], number: int, found: Collected
) -> Iterator[Piece]:
    ours, theirs = metadata.get("netlens", {}), cell.get("metadata", {}).get("mystnb", {})
    count = 1 + sum(file.startswith("figure-") for file in found.files)
    alt = ours.get("alt") or theirs.get("image", {}).get("alt")
    if not alt:
        alt = f"Figure {count}, without a description by its author."
        log.warning("cell %d: figure %d has no alt text", number, count)
    file = f"figure-{count}.{PICTURES[kind]}"
    found.files[file] = _text(content).encode() if kind == "image/svg+xml" else base64.b64decode(_text(content))
    width = metadata.get(kind, {}).get("width") or metadata.get("image/png", {}).get("width")
    natural = f"{0.75 * float(width):g}pt" if width else "auto"
    caption = ours.get("caption") or theirs.get("figure", {}).get("caption") or ""
    yield Piece("markdown", caption, number, f"#picture({quoted(file)}, {quoted(alt)}, {natural})[", "]")
