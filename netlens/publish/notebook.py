"""Find notebooks, and read what is in them without starting anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from netlens.errors import UsageError, unknown

FOLDER = "notebooks"
Cell = dict[str, Any]
Notebook = dict[str, Any]


def all_notebooks(project: Path) -> list[Path]:
    """The project's notebooks, by name."""
    return sorted((project / FOLDER).glob("*.ipynb"))


def find(project: Path, name: str, operation: str) -> Path:
    """Find a notebook by path, by name, or by the beginning of a name that only one has.

    Raises
    ------
    UsageError : there is none, or the beginning fits several.
    """
    path = Path(name).expanduser()
    if path.suffix == ".ipynb" and path.is_file():
        return path.resolve()
    known = {path.stem: path for path in all_notebooks(project)}
    wanted = name.removesuffix(".ipynb").removeprefix(f"{FOLDER}/")
    if wanted in known:
        return known[wanted]
    fits = [stem for stem in known if wanted and stem.startswith(wanted)]
    if len(fits) > 1:
        raise UsageError(operation, f"'{name}' fits several notebooks: {', '.join(fits)}", remedy="Give more of the name.")
    if not fits:
        raise unknown(operation, "notebook", name, known)
    return known[fits[0]]


def read(path: Path, operation: str) -> Notebook:
    """Read a notebook file.

    Raises
    ------
    UsageError : the file is no notebook.
    """
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UsageError(operation, f"'{path}' is no notebook: {error}", expected="a Jupyter notebook, format 4") from error
    if not isinstance(notebook, dict) or not isinstance(notebook.get("cells"), list):
        raise UsageError(operation, f"'{path}' is no notebook: it has no cells", expected="a Jupyter notebook, format 4")
    return notebook


def text(value: str | list[str]) -> str:
    """Join a notebook's multi-line string, which may be stored as a list of lines."""
    return value if isinstance(value, str) else "".join(value)


def tags(cell: Cell) -> list[str]:
    """The tags of a cell."""
    return list(cell.get("metadata", {}).get("tags", []))


def title(notebook: Notebook) -> str:
    """The first heading of level one, or ""."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            for line in text(cell["source"]).splitlines():
                if line.startswith("# "):
                    return line[2:].strip()
    return ""
