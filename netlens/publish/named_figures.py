"""Let prose pages show a figure that a notebook computes: a cell tagged `figure:NAME` gives `book/figures/NAME.md` to include."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from netlens.errors import RunError
from netlens.publish.notebook import Notebook, tags, text

PREFIX = "figure:"
FOLDER = "book/figures"


def write_named_figures(executed: Notebook, notebook: str, staged: Path) -> None:
    """Write the first figure of each cell tagged `figure:NAME` below `staged`, as a picture and as Markdown that shows it.

    Raises
    ------
    RunError : such a cell gave no figure.
    """
    for cell in executed["cells"]:
        for name in (tag.removeprefix(PREFIX) for tag in tags(cell) if tag.startswith(PREFIX)):
            figures = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
            if not figures:
                raise RunError(
                    "netlens build",
                    f"the cell tagged '{PREFIX}{name}' of notebook '{notebook}' gave no figure",
                    remedy="Show a view in it, or take the tag away.",
                )
            folder = staged / FOLDER
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.png").write_bytes(base64.b64decode(text(figures[0]["data"]["image/png"])))
            (folder / f"{name}.md").write_text(_markdown(figures[0]["metadata"], name), encoding="utf-8")


def _markdown(metadata: dict[str, dict[str, str]], name: str) -> str:
    facts = metadata.get("netlens", {})
    width = metadata.get("image/png", {}).get("width")
    options = [f":alt: {json.dumps(facts['alt'], ensure_ascii=False)}"] if facts.get("alt") else []
    options += [f":width: {width}px"] if width else []
    return "\n".join([f":::{{figure}} /{FOLDER}/{name}.png", *options, "", facts.get("caption", ""), ":::", ""])
