"""Run notebooks, each in its own process, into folders named by the content that went in."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from netlens.errors import NetlensError
from netlens.publish import failure, stored
from netlens.publish import notebook as nb
from netlens.publish.atomic import beside, swap, sweep, write, writing
from netlens.publish.environment import cores, variables
from netlens.publish.plan import Plan
from netlens.publish.processes import Processes
from netlens.publish.progress import Progress, progress


def missing(plans: Sequence[Plan], say: Progress) -> list[Plan]:
    """The plans that have no whole stored run; a damaged one is removed, and a line says so."""
    todo = []
    for plan in plans:
        if not plan.folder.is_dir():
            todo.append(plan)
        elif fault := stored.damage(plan.folder):
            say.say(f"{plan.name}: the stored run is damaged ({fault}); it runs again")
            shutil.rmtree(plan.folder)
            todo.append(plan)
    return todo


def run_all(plans: Sequence[Plan], operation: str, jobs: int | None = None) -> list[Plan]:
    """Run every notebook that has no stored run, several at once, and give back the plans as they are stored.

    Parameters
    ----------
    jobs : how many run at once; by default one a core.

    Raises
    ------
    NetlensError : a notebook failed; those that ran meanwhile are stored, and further failures are notes of the error.
    OutputError : the results cannot be written.
    """
    todo = list({plan.key: plan for plan in missing(plans, progress(0))}.values())
    if not todo:
        return list(plans)
    show = progress(sum(_code_cells(plan, operation) for plan in todo))
    processes = Processes()
    pool = ThreadPoolExecutor(max_workers=min(jobs or cores(), len(todo)), thread_name_prefix="netlens")
    waiting = {pool.submit(execute, plan, operation, processes, show): plan for plan in todo}
    try:
        done, failed = _collect(waiting)
    except BaseException:
        processes.stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        show.close()
    if failed:
        raise _first([failed[plan.key] for plan in todo if plan.key in failed])
    return [done.get(plan.key, plan) for plan in plans]


def execute(plan: Plan, operation: str, processes: Processes, show: Progress) -> Plan:
    """Run one notebook and store the result.

    Raises
    ------
    RunError : a cell failed; the copy with that cell marked is kept as `failed.ipynb`.
    NetlensError : netlens refused the input in a cell; the same words, and the copy is kept.
    """
    cells = _code_cells(plan, operation)
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
            stored.prune(plan)
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


def _collect(waiting: dict[Future[Plan], Plan]) -> tuple[dict[str, Plan], dict[str, NetlensError]]:
    """Wait for all runs; after a failure those that have not begun are left out."""
    done: dict[str, Plan] = {}
    failed: dict[str, NetlensError] = {}
    for future in as_completed(waiting):
        key = waiting[future].key
        if future.cancelled():
            continue
        try:
            done[key] = future.result()
        except NetlensError as error:
            failed[key] = error
            for other in waiting:
                other.cancel()
    return done, failed


def _first(failed: Sequence[NetlensError]) -> NetlensError:
    """The first failure, with the others as notes."""
    first, *others = failed
    for other in others:
        first.add_note(str(other))
    return first


def _code_cells(plan: Plan, operation: str) -> int:
    cells = nb.read(plan.notebook, operation)["cells"]
    return [cell["cell_type"] for cell in cells].count("code") + bool(plan.parameters)
