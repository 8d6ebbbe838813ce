"""Run one notebook for a reader, and leave the executed copy, a page to read and what else it wrote where the reader wants it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from netlens.publish import gate, stored
from netlens.publish import notebook as nb
from netlens.publish.atomic import write
from netlens.publish.plan import BUILD, plan
from netlens.publish.run import run_all

OPERATION = "netlens run"


@dataclass(frozen=True)
class Delivered:
    """Where the executed notebook and its page are, and what a gate would object to."""

    notebook: Path
    page: Path
    problems: tuple[gate.Problem, ...]


def run(project: Path, name: str, given: Mapping[str, str], out: Path | None = None) -> Delivered:
    """Run a notebook, unless exactly this was run before, and leave copies of the results.

    Parameters
    ----------
    name : a notebook's name, the beginning of one, or a path.
    given : texts for some of its parameters.
    out : the folder for the copies; by default `_build/output/<notebook>`.

    Raises
    ------
    UsageError : the notebook, a parameter or a value does not exist.
    OutputError : the results cannot be written.
    RunError : a cell failed.
    """
    from netlens.publish.report_page import page

    source = nb.find(project, name, OPERATION)
    (done,) = run_all([plan(project, source, given, OPERATION)], OPERATION)
    folder = out or project / BUILD / "output" / done.name
    copy = done.folder / stored.COPY
    target = folder / f"{done.name}.ipynb"
    write(target, copy.read_bytes(), OPERATION)
    write(target.with_suffix(".html"), page(nb.read(copy, OPERATION), code=True), OPERATION)
    for extra in stored.read_record(done.folder)["files"]:
        if extra != stored.COPY:
            write(folder / extra, (done.folder / extra).read_bytes(), OPERATION)
    problems = gate.check(done.name, copy, project, OPERATION)
    return Delivered(target, target.with_suffix(".html"), tuple(problems))
