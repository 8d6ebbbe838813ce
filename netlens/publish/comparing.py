"""Compare two models, or two audits: run the comparison's notebook, then write its report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from netlens.publish import gate, stored
from netlens.publish import notebook as nb
from netlens.publish.atomic import new_folder
from netlens.publish.plan import BUILD, plan
from netlens.publish.report import slug
from netlens.publish.report_files import fresh, numbers, refuse_foreign, write
from netlens.publish.run import run_all

NOTEBOOK = "compare"
OPERATION = "netlens compare"


@dataclass(frozen=True)
class Compared:
    """The folder of the report, its summary in a sentence or two, and what a gate would object to in the run."""

    folder: Path
    summary: str
    problems: tuple[gate.Problem, ...]


def compare(project: Path, before: str, after: str, given: Mapping[str, str], out: Path | None = None) -> Compared:
    """Compare two sides and write a report.

    Parameters
    ----------
    before, after : names of tutorial models, paths of cards, or of the audit.json of reports.
    given : texts for further parameters of the notebook.
    out : the folder of the report; by default one in the project's `_build/comparisons` that is named for the two.

    Raises
    ------
    UsageError : a model or a parameter does not exist.
    OutputError : the report cannot be written.
    RunError : the notebook failed.
    """
    source = nb.find(project, NOTEBOOK, OPERATION)
    planned = plan(project, source, {**given, "model": before, "other": after}, OPERATION)
    if out:
        refuse_foreign(out, NOTEBOOK, OPERATION)
    (done,) = run_all([planned], OPERATION)
    found = json.loads((done.folder / numbers(NOTEBOOK)).read_text(encoding="utf-8"))
    pair = "-against-".join(slug(found[side]["name"]) for side in ("before", "after"))
    folder = out or project / BUILD / "comparisons" / pair
    refuse_foreign(folder, NOTEBOOK, OPERATION)
    if not fresh(done, folder):
        with new_folder(folder, OPERATION) as part:
            write(done, part, OPERATION)
    problems = gate.check(done.name, done.folder / stored.COPY, project, OPERATION)
    return Compared(folder, found["summary"], tuple(problems))
