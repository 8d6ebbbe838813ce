"""The files of a report: an executed notebook and the numbers that it left become notebook, HTML, JSON and PDF, all four or none.

A report is called like its notebook: `audit` gives audit.ipynb, audit.html, audit.json and audit.pdf, and its title stands in audit.json.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from netlens.errors import OutputError, RunError
from netlens.publish import fingerprints, stored
from netlens.publish import notebook as nb
from netlens.publish.plan import Plan

STAMP = ".made-from.json"


def files(name: str) -> tuple[str, ...]:
    """The files of a report with this name."""
    return (f"{name}.ipynb", f"{name}.html", numbers(name), f"{name}.pdf")


def numbers(name: str) -> str:
    """The file of a report that holds its numbers."""
    return f"{name}.json"


def write(done: Plan, folder: Path, operation: str) -> None:
    """Write the report of a stored run into an empty folder.

    Raises
    ------
    RunError : the run left no usable numbers.
    """
    from netlens.publish.pdf import pdf_bytes
    from netlens.publish.report_page import page

    left = done.folder / numbers(done.name)
    notebook = nb.read(done.folder / stored.COPY, operation)
    notebook["metadata"].setdefault("netlens", {})["report"] = _report(left, done, operation)
    source = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / f"{done.name}.ipynb").write_text(source, encoding="utf-8")
    (folder / f"{done.name}.html").write_text(page(notebook), encoding="utf-8")
    (folder / left.name).write_bytes(left.read_bytes())
    (folder / f"{done.name}.pdf").write_bytes(pdf_bytes(notebook, attached={left.name: left.read_bytes()}))
    digests = {name: fingerprints.of_file(folder / name) for name in files(done.name)}
    (folder / STAMP).write_text(json.dumps({"key": _key(done), "files": digests}, indent=1) + "\n", encoding="utf-8")


def fresh(done: Plan, folder: Path) -> bool:
    """Whether the folder holds the report of this very run, whole."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        whole = all(fingerprints.of_path(folder / name) == stamp["files"][name] for name in files(done.name))
        return whole and bool(stamp["key"] == _key(done))
    except (OSError, ValueError, KeyError, TypeError):
        return False  # no stamp, or a damaged one: the report is made again


def refuse_foreign(folder: Path, name: str, operation: str) -> None:
    """Do not replace a folder that holds anything but a report.

    Raises
    ------
    OutputError : it holds other files.
    """
    if not folder.exists():
        return
    strange = (
        [path.name for path in folder.iterdir() if path.name not in (*files(name), STAMP)] if folder.is_dir() else [folder.name]
    )
    if strange:
        problem = f"'{folder}' holds something else than a report: {sorted(strange)[0]}"
        raise OutputError(operation, problem, remedy="Choose another folder with --out.")


def _report(left: Path, done: Plan, operation: str) -> dict[str, Any]:
    """The title page that the numbers name."""
    remedy = f"The executed notebook is '{done.folder / stored.COPY}'."
    try:
        report = json.loads(left.read_text(encoding="utf-8"))["report"]
    except FileNotFoundError as error:
        raise RunError(operation, f"notebook '{done.name}' wrote no {left.name} into the folder `out`", remedy=remedy) from error
    except (ValueError, KeyError, TypeError) as error:
        problem = f"notebook '{done.name}' wrote an {left.name} that cannot be used: {error}"
        raise RunError(operation, problem, expected="JSON with an object 'report'", remedy=remedy) from error
    if not isinstance(report, dict) or not report.get("title"):
        raise RunError(
            operation, f"{left.name} gives the report no title", expected="an object 'report' with a title", remedy=remedy
        )
    return report


def _key(done: Plan) -> str:
    """The hash of all that a report is made from."""
    made_from = [fingerprints.of_path(done.folder / name) for name in (stored.COPY, numbers(done.name))]
    return fingerprints.of_json([made_from, fingerprints.package(everything=True), fingerprints.environment()])
