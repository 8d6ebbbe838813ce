"""Lay out all that Jupyter Book reads in one folder: configuration, prose, executed notebooks, pages written by the build."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from netlens.errors import RunError, UsageError
from netlens.publish import checks_page, notebook, stored
from netlens.publish.apidoc import api_overview, api_pages
from netlens.publish.atomic import new_folder
from netlens.publish.method_table import write_methods
from netlens.publish.named_figures import write_named_figures
from netlens.publish.page import page
from netlens.publish.reports_page import reports_page
from netlens.publish.turning import copy_program

OPERATION = "netlens build"
API = "book/api"
API_MARKER = "% netlens: the list of modules is inserted here"
REPORTS = "book/reports"
# What a page with formulas may load: the program, and the TeX extensions that it fetches when a formula uses them.
MATHJAX = ("tex-svg.js", "input/tex/extensions")


def stage(project: Path, executed: Mapping[str, Path], target: Path, *, reports: Mapping[str, Path] | None = None) -> None:
    """Make `target` a folder that Jupyter Book can build without running anything.

    Parameters
    ----------
    project : the folder with `_config.yml`, `_toc.yml`, `book/` and `notebooks/`.
    executed : notebook name -> its executed copy.
    target : replaced as a whole, once all of it is written.
    reports : model -> the folder of its audit report; the page that lists them is written from these.

    Raises
    ------
    UsageError : a page of the table of contents, or a file of the project, is missing.
    RunError : a page could not be made from an executed copy.
    """
    pages = toc_pages(project)
    with new_folder(target, OPERATION) as fresh:
        for name in ("_config.yml", "_toc.yml"):
            shutil.copy2(_present(project / name, project), fresh / name)
        shutil.copytree(_present(project / "book", project), fresh / "book")
        _write_notebooks(project, executed, pages, fresh)
        (fresh / f"{REPORTS}.md").write_text(reports_page(reports or {}), encoding="utf-8")
        checks_page.copy_schema(fresh / "book" / "_static")
        (fresh / f"{checks_page.PAGE}.md").write_text(checks_page.checks_page(), encoding="utf-8")
        _write_reference(fresh)
        write_methods(fresh)
        _copy_mathjax(fresh / "book" / "_static" / "mathjax")
        _require_pages(project, fresh, pages)


def toc_pages(project: Path) -> list[str]:
    """The pages that `_toc.yml` lists, in order: paths from the project's root without an ending."""
    path = _present(project / "_toc.yml", project)
    try:
        toc = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UsageError(OPERATION, f"_toc.yml is not YAML: {error}", remedy="Mend the line that it names.") from error
    files = (str(entry[key]) for entry in _entries(toc) for key in ("root", "file") if key in entry)
    return [name.removesuffix(".md").removesuffix(".ipynb") for name in files]


def _present(path: Path, project: Path) -> Path:
    if not path.exists():
        name = path.relative_to(project)
        raise UsageError(OPERATION, f"the project has no {name}", remedy=f"Put {name} back into {project}.")
    return path


def _write_notebooks(project: Path, executed: Mapping[str, Path], pages: list[str], staged: Path) -> None:
    """Write the page of each notebook, under `sources/` the notebook as a reader runs it, and the figures that prose shows."""
    folder = staged / notebook.FOLDER
    listed = [Path(entry).name for entry in pages if entry.startswith(f"{notebook.FOLDER}/")]
    (folder / "sources").mkdir(parents=True)
    for name in [name for name in listed if name in executed]:
        run = executed[name].parent
        record = stored.read_record(run) if (run / stored.RECORD).is_file() else {}
        copy = notebook.read(executed[name], OPERATION)
        shown = page(copy, name, record)
        write_named_figures(copy, name, staged)
        (folder / f"{name}.ipynb").write_text(json.dumps(shown, indent=1), encoding="utf-8")
        copy_program([shown], staged / "book" / "_static")
        source = _present(project / "notebooks" / f"{name}.ipynb", project)
        shutil.copy2(source, folder / "sources" / source.name)


def _write_reference(staged: Path) -> None:
    """Write the reference of the package, and put its pages below `book/api` in the table of contents."""
    front = staged / f"{API}.md"
    if not front.is_file():
        return
    text = front.read_text(encoding="utf-8")
    front.write_text(text.replace(API_MARKER, api_overview()), encoding="utf-8")
    pages = api_pages()
    (staged / API).mkdir()
    for name, content in pages.items():
        (staged / API / f"{name}.md").write_text(content, encoding="utf-8")
    toc = yaml.safe_load((staged / "_toc.yml").read_text(encoding="utf-8"))
    for entry in _entries(toc):
        if entry.get("file") == API:
            entry["sections"] = [{"file": f"{API}/{name}"} for name in pages]
    (staged / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")


def _entries(node: Any) -> Iterator[dict[str, Any]]:
    """The mappings in a table of contents, in order."""
    if isinstance(node, dict):
        yield node
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for child in children:
        yield from _entries(child)


def _copy_mathjax(folder: Path) -> None:
    """Copy the program that sets formulas, so that pages work without a network."""
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise RunError(OPERATION, "the package sphinx-mathjax-offline is not installed", remedy="Run: uv sync")
    source = Path(spec.origin).parent / "static" / "mathjax"
    for name in MATHJAX:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (source / name).is_dir() else shutil.copy2
        copy(source / name, folder / name)


def _require_pages(project: Path, staged: Path, pages: list[str]) -> None:
    """Refuse a table of contents that lists pages which are not there."""
    missing = [entry for entry in pages if not any((staged / f"{entry}{ending}").is_file() for ending in (".md", ".ipynb"))]
    if not missing:
        return
    never_run = [entry for entry in missing if (project / f"{entry}.ipynb").is_file()]
    verb = "were not run" if never_run == missing else "do not exist"
    raise UsageError(
        OPERATION,
        f"_toc.yml lists pages that {verb}: {', '.join(missing)}",
        expected="each entry to be a file below the project, named without its ending",
        remedy="Run the notebooks." if never_run == missing else "Write the files, or take the entries out of _toc.yml.",
    )
