"""Make the report of a model: run the audit notebook, then write it as notebook, HTML, JSON and PDF, all four or none."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlens.errors import OutputError, RunError, UsageError
from netlens.publish import fingerprints, gate, stored
from netlens.publish import notebook as nb
from netlens.publish.atomic import new_folder
from netlens.publish.plan import BUILD, Plan, plan
from netlens.publish.run import run_all

NOTEBOOK = "audit"
NUMBERS = "audit.json"
FILES = ("audit.ipynb", "audit.html", NUMBERS, "audit.pdf")
STAMP = ".made-from.json"
OPERATION = "netlens audit"


def reports_folder(project: Path) -> Path:
    """The folder of the project's reports, one folder a model."""
    return project / BUILD / "reports"


@dataclass(frozen=True)
class Audited:
    """One model's report: its folder, and what a gate would object to in the run."""

    model: str
    folder: Path
    problems: tuple[gate.Problem, ...]


def audit(project: Path, models: Sequence[str], given: Mapping[str, str], out: Path | None = None) -> list[Audited]:
    """Audit models and write a report of each.

    Parameters
    ----------
    models : names of tutorial models, or paths of cards.
    given : texts for further parameters of the audit notebook.
    out : the folder that receives one folder a model; by default the project's `_build/reports`.

    Raises
    ------
    UsageError : a model or a parameter does not exist, or two models would share a folder.
    OutputError : a report cannot be written.
    RunError : the audit notebook failed.
    """
    source = nb.find(project, NOTEBOOK, OPERATION)
    plans = [plan(project, source, {**given, "model": model}, OPERATION) for model in models]
    names = [slug(str(one.values["model"])) for one in plans]
    for name in names:
        if names.count(name) > 1:
            problem = f"two models would be reported in the folder '{name}'"
            raise UsageError(OPERATION, problem, remedy="Give the cards different names.")
    folders = [(out or reports_folder(project)) / name for name in names]
    for folder in folders:
        refuse_foreign(folder)
    found = []
    for name, folder, done in zip(names, folders, run_all(plans, OPERATION), strict=True):
        if not fresh(done, folder):
            with new_folder(folder, OPERATION) as part:
                write(done, part, OPERATION)
        problems = gate.check(done.name, done.folder / stored.COPY, project, OPERATION)
        found.append(Audited(name, folder, tuple(problems)))
    return found


def slug(model: str) -> str:
    """The folder name of a model: a tutorial model's name, or the name in a card."""
    name = model
    if Path(model).suffix == ".toml":
        name = Path(model).stem
        try:
            named = tomllib.loads(Path(model).read_text(encoding="utf-8")).get("model", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(OPERATION, f"the card '{model}' is no TOML: {error}") from error
        name = str(named.get("name", name)) if isinstance(named, dict) else name
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "model"


def write(done: Plan, folder: Path, operation: str) -> None:
    """Write the report of a stored audit run into an empty folder.

    Raises
    ------
    RunError : the run left no usable audit.json.
    """
    from netlens.publish.pdf import pdf_bytes
    from netlens.publish.report_page import page

    numbers = done.folder / NUMBERS
    notebook = nb.read(done.folder / stored.COPY, operation)
    notebook["metadata"].setdefault("netlens", {})["report"] = _report(numbers, done, operation)
    source = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (folder / "audit.ipynb").write_text(source, encoding="utf-8")
    (folder / "audit.html").write_text(page(notebook), encoding="utf-8")
    (folder / NUMBERS).write_bytes(numbers.read_bytes())
    (folder / "audit.pdf").write_bytes(pdf_bytes(notebook))
    digests = {name: fingerprints.of_file(folder / name) for name in FILES}
    (folder / STAMP).write_text(json.dumps({"key": _key(done), "files": digests}, indent=1) + "\n", encoding="utf-8")


def fresh(done: Plan, folder: Path) -> bool:
    """Whether the folder holds the report of this very run, whole."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        whole = all(fingerprints.of_path(folder / name) == stamp["files"][name] for name in FILES)
        return whole and bool(stamp["key"] == _key(done))
    except (OSError, ValueError, KeyError, TypeError):
        return False  # no stamp, or a damaged one: the report is made again


def refuse_foreign(folder: Path) -> None:
    """Do not replace a folder that holds anything but a report.

    Raises
    ------
    OutputError : it holds other files.
    """
    if not folder.exists():
        return
    strange = [path.name for path in folder.iterdir() if path.name not in (*FILES, STAMP)] if folder.is_dir() else [folder.name]
    if strange:
        problem = f"'{folder}' holds something else than a report: {sorted(strange)[0]}"
        raise OutputError(OPERATION, problem, remedy="Choose another folder with --out.")


def _report(numbers: Path, done: Plan, operation: str) -> dict[str, Any]:
    """The title page that the audit's numbers name."""
    remedy = f"The executed notebook is '{done.folder / stored.COPY}'."
    try:
        report = json.loads(numbers.read_text(encoding="utf-8"))["report"]
    except FileNotFoundError as error:
        raise RunError(operation, f"notebook '{done.name}' wrote no {NUMBERS} into the folder `out`", remedy=remedy) from error
    except (ValueError, KeyError, TypeError) as error:
        problem = f"notebook '{done.name}' wrote an {NUMBERS} that cannot be used: {error}"
        raise RunError(operation, problem, expected="JSON with an object 'report'", remedy=remedy) from error
    if not isinstance(report, dict) or not report.get("title"):
        raise RunError(
            operation, f"{NUMBERS} gives the report no title", expected="an object 'report' with a title", remedy=remedy
        )
    return report


def _key(done: Plan) -> str:
    """The hash of all that a report is made from."""
    files = [fingerprints.of_path(done.folder / name) for name in (stored.COPY, NUMBERS)]
    return fingerprints.of_json([files, fingerprints.package(everything=True), fingerprints.environment()])
