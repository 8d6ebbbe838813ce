"""Run the notebooks that have no stored run, several at once."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from netlens.errors import NetlensError
from netlens.publish import stored
from netlens.publish.environment import cores
from netlens.publish.execute import code_cells, execute
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
    show = progress(sum(code_cells(plan, operation) for plan in todo))
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
    finished = [done.get(plan.key, plan) for plan in plans]
    stored.prune(finished)
    return finished


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
