"""Write files and folders whole or not at all, and say clearly why one could not be written."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from netlens.errors import OutputError

PREFIX = ".tmp-"
STALE_SECONDS = 24 * 3600

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
IN_THE_WAY = {errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENOTEMPTY}


def refusal(operation: str, target: Path, number: int | None) -> OutputError | None:
    """Make the error for the operating system's refusal `number` to write `target`; None when it is no such refusal."""
    if number in FULL:
        reason, remedy = "the disk is full", "Free some space, or work on another disk."
    elif number in FORBIDDEN:
        reason, remedy = "it is read-only for you", "Make the folder writable, or choose another one."
    elif number in IN_THE_WAY:
        reason, remedy = "a file is where a folder should be", "Move that file away, or choose another folder."
    else:
        return None
    return OutputError(operation, f"'{target}' could not be written: {reason}", expected="a writable folder", remedy=remedy)


@contextmanager
def writing(operation: str, target: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into one clear error.

    Raises
    ------
    OutputError : the disk is full, the folder is read-only, or a file is in the way.
    """
    try:
        yield
    except OSError as error:
        clear = refusal(operation, Path(error.filename or target), error.errno)
        if clear is None:
            raise
        raise clear from error


def beside(target: Path) -> Path:
    """A name next to `target` that nobody else uses."""
    return target.with_name(f"{PREFIX}{target.name}-{secrets.token_hex(4)}")


def write(target: Path, content: str | bytes, operation: str) -> None:
    """Write a file so that a reader sees the old content or the new, never a part.

    Raises
    ------
    OutputError : the file cannot be written; the old one is untouched.
    """
    data = content.encode() if isinstance(content, str) else content
    part = beside(target)
    with writing(operation, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(data)
            os.replace(part, target)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def new_folder(target: Path, operation: str) -> Iterator[Path]:
    """Give a temporary folder that takes the place of `target` when the block ends well, and vanishes when it does not.

    Raises
    ------
    OutputError : the folder cannot be written; the old one is untouched.
    """
    part = beside(target)
    with writing(operation, target):
        part.mkdir(parents=True)
        try:
            yield part
            swap(part, target)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def swap(new: Path, target: Path) -> None:
    """Put the folder `new` in the place of `target`; should that fail, `target` is as it was."""
    if not target.exists():
        os.replace(new, target)
        return
    old = beside(target)
    os.replace(target, old)
    try:
        os.replace(new, target)
    except OSError:
        os.replace(old, target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sweep(folder: Path, now: float | None = None) -> None:
    """Remove temporary files and folders that a killed process left in `folder` more than a day ago."""
    before = (time.time() if now is None else now) - STALE_SECONDS
    for leftover in folder.glob(f"{PREFIX}*"):
        if leftover.stat().st_mtime < before:
            shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink(missing_ok=True)
