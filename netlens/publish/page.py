"""Turn an executed notebook into one that Jupyter Book shows well.

MyST-NB takes alternative texts and captions only from a cell, and one of each. So every output that a reader looks at gets
a cell of its own: a figure keeps its caption, a computed sentence becomes ordinary prose, a table can be scrolled.
"""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any

from netlens.publish import turning
from netlens.publish.named_figures import PREFIX
from netlens.publish.notebook import Cell, Notebook, tags, text
from netlens.publish.recipe import INJECTED, PARAMETERS, Recipe, shown_parameters
from netlens.publish.tables import accessible_table

HIDDEN = {"hide-output", "hide-cell", "hide_output", "hide_cell"}
DROPPED = {"remove-output", "remove-cell", "remove_output", "remove_cell"}
COMPUTED = "computed"  # a class of the look, not a tag of Jupyter Book
NO_CODE = "# the output of the code above"  # MyST-NB skips a cell without a source, outputs and all
MEANINGLESS = {PARAMETERS, "imports"}  # to Jupyter Book
IMPORTS = re.compile(r"\s*(?:#[^\n]*\s+)*(?:import|from)\s")

Output = dict[str, Any]
Namer = Callable[[], str]


def page(executed: Notebook, name: str, record: Mapping[str, Any]) -> Notebook:
    """Make the page of the site that shows `executed`, the run of the notebook called `name`.

    Parameters
    ----------
    record : what is known of the run: `seconds`, `device`, `versions`; it may be empty.

    Returns
    -------
    A notebook whose outputs stand in cells of their own, with one parameters cell that shows the values used, a strip that
    says how to run it, and a footer that says how it was made. `executed` is left as it is.
    """
    recipe = Recipe.of(executed, name, record)
    numbers, stem = count(1), re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    cells = [cell for cell in executed["cells"] if INJECTED not in tags(cell)]
    shown = [part for cell in _folded(cells, executed) for part in _split(cell, lambda: f"fig-{stem}-{next(numbers)}")]
    first = 1 if shown and shown[0]["cell_type"] == "markdown" else 0
    shown.insert(first, _markdown(recipe.strip(), "run-this-yourself"))
    shown.append(_markdown(recipe.footer(), "how-this-page-was-made"))
    language = {"name": "python", "pygments_lexer": "ipython3"}
    return {"cells": shown, "metadata": {"language_info": language}, "nbformat": 4, "nbformat_minor": 5}


def _folded(cells: list[Cell], executed: Notebook) -> Iterator[Cell]:
    """Fold the parameters and the first imports away, behind a line that says what is there."""
    imports_seen = False
    for cell in cells:
        what, source = "", text(cell["source"])
        if PARAMETERS in tags(cell):
            what, source = "the parameters of this run", shown_parameters(executed)
        elif cell["cell_type"] == "code" and not imports_seen and IMPORTS.match(source):
            what, imports_seen = "the imports", True
        if what:
            prompts = {"code_prompt_show": f"Show {what}", "code_prompt_hide": f"Hide {what}"}
            metadata = {"tags": [*tags(cell), "hide-input"], "mystnb": prompts}
            cell = {**cell, "source": source, "metadata": metadata}
        yield cell


def _split(cell: Cell, namer: Namer) -> Iterator[Cell]:
    """Give the source of a cell, then each output that is looked at, in order."""
    kept = sorted(tag for tag in tags(cell) if tag not in MEANINGLESS and not tag.startswith(PREFIX))
    if cell["cell_type"] != "code":
        yield {**cell, "metadata": {"tags": kept} if kept else {}}
        return
    identity = str(cell.get("id", namer()))[:56]
    if _only_says(cell):
        yield from _said(cell, identity)
        return
    current: Cell | None = _code(text(cell["source"]), identity, kept, cell["metadata"].get("mystnb"))
    follow = ["hide-output", "remove-input"] if HIDDEN & set(kept) else ["remove-input"]
    for position, output in enumerate([] if DROPPED & set(kept) else cell["outputs"], start=1):
        part = _part(output, f"{identity}-{position}", follow, namer)
        if part is None:  # printed text and plain values stay below the code, or below the output before them
            current = current or _code(NO_CODE, f"{identity}-{position}", follow)
            current["outputs"].append({**output, "metadata": {}} if "data" in output else output)
            continue
        if current is not None:
            yield current
        current = None
        yield part
        if turns := turning.scene(output):
            yield _display("text/html", turns, f"{identity}-{position}-turning", follow)
    if current is not None:
        yield current


def _only_says(cell: Cell) -> bool:
    """Whether a code cell gives nothing but computed text, and hides nothing."""
    return (
        bool(cell["outputs"])
        and not set(tags(cell)) - {"imports"}
        and all("text/markdown" in _data(one) for one in cell["outputs"])
    )


def _said(cell: Cell, identity: str) -> Iterator[Cell]:
    """Give the computed text first, as part of the prose, and fold its code away below it."""
    for position, output in enumerate(cell["outputs"], start=1):
        yield _markdown(text(output["data"]["text/markdown"]), f"{identity}-{position}")
    prompts = {"code_prompt_show": "Show how this was computed", "code_prompt_hide": "Hide how this was computed"}
    yield _code(text(cell["source"]), identity, ["hide-input", COMPUTED], prompts)


def _data(output: Output) -> dict[str, Any]:
    found: dict[str, Any] = output.get("data", {})
    return found


def _part(output: Output, identity: str, follow: list[str], namer: Namer) -> Cell | None:
    """The cell that shows a figure, a table or a computed text, or None for anything else."""
    data, facts = _data(output), output.get("metadata", {}).get("netlens", {})
    if "image/png" in data:
        return _figure(output, facts, identity, follow, namer)
    if "text/markdown" in data and "hide-output" not in follow:
        return _markdown(text(data["text/markdown"]), identity)
    table = text(data.get("text/html", ""))
    if "<table" in table:
        return _display("text/html", accessible_table(table, facts.get("caption", "")), identity, follow)
    return None


def _figure(output: Output, facts: dict[str, Any], identity: str, follow: list[str], namer: Namer) -> Cell:
    """Show the PNG: it looks the same on every machine, while the text of an SVG needs fonts that a reader may not have."""
    png = text(output["data"]["image/png"])
    width = output["metadata"].get("image/png", {}).get("width") or _png_width(png) // 2
    image = {"width": f"{width}px"}
    if facts.get("alt"):
        image["alt"] = facts["alt"]
    figure = {"name": facts.get("name") or namer()}
    if facts.get("caption"):
        figure["caption"] = facts["caption"]
    return _display("image/png", png, identity, follow, {"image": image, "figure": figure})


def _png_width(encoded: str) -> int:
    """The width in pixels that a PNG's header states; a figure that says nothing else is shown at half of it."""
    width: int = struct.unpack(">I", base64.b64decode(encoded[:64])[16:20])[0]
    return width


def _markdown(source: str, identity: str) -> Cell:
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": source}


def _code(source: str, identity: str, kept: list[str], mystnb: dict[str, Any] | None = None) -> Cell:
    metadata = {"tags": kept} | ({"mystnb": mystnb} if mystnb else {})
    return {"cell_type": "code", "id": identity, "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


def _display(kind: str, content: str, identity: str, follow: list[str], mystnb: dict[str, Any] | None = None) -> Cell:
    """A cell that shows one output in one representation, and no code."""
    cell = _code(NO_CODE, identity, follow, mystnb)
    cell["outputs"] = [{"output_type": "display_data", "data": {kind: content}, "metadata": {}}]
    return cell
