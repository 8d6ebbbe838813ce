"""One build of a project at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netlens.errors import OutputError
from netlens.publish.atomic import writing
from netlens.publish.plan import BUILD

LOCK = ".lock"
HOLDER = ".lock-holder"


@contextmanager
def only_build(project: Path, operation: str) -> Iterator[None]:
    """Hold the project's lock.

    Raises
    ------
    OutputError : another process holds it; the message names that process.
    """
    from filelock import FileLock, Timeout

    folder = project / BUILD
    with writing(operation, folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            problem = f"process {_holder(folder)} is building this project"
            raise OutputError(operation, problem, remedy="Wait until it is done, or end it.") from error
    try:
        with writing(operation, folder):
            (folder / HOLDER).write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        lock.release()


def _holder(folder: Path) -> str:
    path = folder / HOLDER
    return path.read_text(encoding="utf-8") if path.is_file() else "of an unknown number"
