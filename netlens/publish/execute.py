"""Run one notebook in a process of its own, into a folder named by the content that went in."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from netlens.errors import NetlensError
from netlens.publish import failure, stored
from netlens.publish import notebook as nb
from netlens.publish.atomic import beside, swap, sweep, write, writing
from netlens.publish.environment import variables
from netlens.publish.plan import Plan
from netlens.publish.processes import Processes
from netlens.publish.progress import Progress


def execute(plan: Plan, operation: str, processes: Processes, show: Progress) -> Plan:
    """Run one notebook and store the result.

    Raises
    ------
    RunError : a cell failed; the copy with that cell marked is kept as `failed.ipynb`.
    NetlensError : netlens refused the input in a cell; the same words, and the copy is kept.
    """
    cells = code_cells(plan, operation)
    with writing(operation, plan.runs):
        plan.runs.mkdir(parents=True, exist_ok=True)
        sweep(plan.runs)
        part = beside(plan.folder)
        part.mkdir()
    show.started(plan.name, cells)
    seconds: float | None = None
    try:
        with writing(operation, plan.folder):
            seconds = _run(plan, part, operation, processes, show)
            stored.settle(part / stored.COPY, plan.notebook, operation)
            plan = plan.refreshed()
            stored.record(plan, part, seconds)
            swap(part, plan.folder)
            (plan.runs / stored.FAILED).unlink(missing_ok=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        show.ended(plan.name, seconds)
    return plan


def _run(plan: Plan, folder: Path, operation: str, processes: Processes, show: Progress) -> float:
    """Run the worker process for one plan in `folder`; give back the seconds it took."""
    with (
        tempfile.TemporaryDirectory(prefix="netlens-", ignore_cleanup_errors=True) as scratch,
        tempfile.TemporaryFile("w+") as errors,
    ):
        settings = variables(Path(scratch), plan.project)
        job = {
            "source": str(plan.notebook),
            "copy": str(folder / stored.COPY),
            "folder": str(folder),
            "parameters": plan.parameters,
            "scratch": scratch,
            "fonts": settings["MPLCONFIGDIR"],
        }
        command = [sys.executable, "-P", "-m", "netlens.publish.worker"]
        process = processes.start(command, cwd=str(plan.project), environment=settings, errors=errors.fileno())
        try:
            facts = _listen(process, job, plan, show)
        finally:
            process.wait()
            processes.ended(process)
        if "seconds" in facts:
            return float(facts["seconds"])
        errors.seek(0)
        raise _failed(facts, plan, folder, errors.read(), operation)


def _listen(process: Any, job: dict[str, Any], plan: Plan, show: Progress) -> dict[str, Any]:
    """Hand the job over and follow the worker's reports to the last one."""
    facts: dict[str, Any] = {}
    try:
        with process.stdin:
            json.dump(job, process.stdin)
    except BrokenPipeError:
        return facts  # it ended at once; its stderr says why
    with process.stdout:
        for line in process.stdout:
            told = json.loads(line)
            if "cell" in told:
                show.cell(plan.name)
            else:
                facts |= told
    return facts


def _failed(facts: dict[str, Any], plan: Plan, folder: Path, stderr: str, operation: str) -> NetlensError:
    if "failed" not in facts:
        return failure.of_process(facts, plan, stderr, operation)
    kept = plan.runs / stored.FAILED
    stored.settle(folder / stored.COPY, plan.notebook, operation)
    write(kept, (folder / stored.COPY).read_bytes(), operation)
    return failure.of_cell(facts["failed"], plan, kept, operation)


def code_cells(plan: Plan, operation: str) -> int:
    """The number of code cells that a run has."""
    cells = nb.read(plan.notebook, operation)["cells"]
    return [cell["cell_type"] for cell in cells].count("code") + bool(plan.parameters)
