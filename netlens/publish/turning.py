"""Pictures that a reader can turn: the scene that a page shows in place of the still picture, and the program that draws it."""

from __future__ import annotations

import html
import importlib.util
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from netlens.errors import RunError
from netlens.publish.tables import accessible_table

SCENE = "application/vnd.plotly.v1+json"
PROGRAM = "plotly/plotly.min.js"  # below _static
OURS = "turning.js"
BUTTONS = (("left", "Turn left"), ("right", "Turn right"), ("above", "From above"), ("side", "From the side"))


def scene(output: dict[str, Any]) -> str:
    """The part of a page, as HTML, that turns the still picture of an output into a scene; empty if the output has none.

    Notes
    -----
    Without JavaScript, or without WebGL, and in print, the still picture stays. The numbers stand below it as a table.
    """
    found = output.get("data", {}).get(SCENE)
    if not found:
        return ""
    facts = output.get("metadata", {}).get("netlens", {})
    data = json.dumps(found, separators=(",", ":")).replace("</", "<\\/")
    buttons = "".join(f'<button type="button" data-turn="{way}">{words}</button>' for way, words in BUTTONS)
    table = accessible_table(facts["scene_table"], "The middle of each class, how far it spreads, and the class nearest to it.")
    return (
        f'<div class="turning" data-program="../_static/{PROGRAM}">'
        f'<div class="turning-scene" role="img" aria-label="{html.escape(facts.get("alt", ""))}" hidden></div>'
        f'<div class="turning-buttons" role="group" aria-label="Turn the picture" hidden>{buttons}</div>'
        f'<script type="application/json">{data}</script></div>'
        f"<details><summary>The picture in numbers</summary>{table}</details>"
        f'<script src="../_static/{OURS}" defer></script>'
    )


def copy_program(pages: Iterable[dict[str, Any]], static: Path) -> None:
    """Copy the program into the folder of static files, if a page needs it.

    Raises
    ------
    RunError : Plotly is not installed.
    """
    if not any(f"_static/{PROGRAM}" in json.dumps(page) for page in pages):
        return
    spec = importlib.util.find_spec("plotly")
    if spec is None or spec.origin is None:
        raise RunError("netlens build", "the package plotly is not installed", remedy="Run: uv sync")
    target = static / PROGRAM
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(Path(spec.origin).parent / "package_data" / target.name, target)
