"""Where things are: the project, what is built from it, the cache, the user's data."""

import os
from pathlib import Path

from netlens.errors import UsageError

CACHE_VARIABLE = "NETLENS_CACHE"
DATA_VARIABLE = "NETLENS_DATA"


def find_project(start: Path | None = None) -> Path | None:
    """The nearest folder at or above `start` that holds `_toc.yml` and `notebooks/`, or None."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "_toc.yml").is_file() and (folder / "notebooks").is_dir():
            return folder
    return None


def project(operation: str = "netlens") -> Path:
    """The project that the current folder belongs to.

    Raises
    ------
    UsageError : the current folder is in no netlens project.
    """
    root = find_project()
    if root is None:
        raise UsageError(
            operation,
            f"'{Path.cwd()}' is in no netlens project",
            expected="a folder at or below one that holds _toc.yml and notebooks/",
            remedy="Change to a clone of the netlens repository.",
        )
    return root


def cache() -> Path:
    """The folder for what is costly to make again: `NETLENS_CACHE`, else the project's `_build/cache`, else the user's cache."""
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder)
    root = find_project()
    return root / "_build" / "cache" if root else user_cache()


def data(data_root: str | Path = "") -> Path:
    """The folder for data sets: `data_root` when given, else `NETLENS_DATA`, else the user's cache."""
    chosen = str(data_root) or os.environ.get(DATA_VARIABLE, "")
    return Path(chosen).expanduser() if chosen else user_cache() / "data"


def user_cache() -> Path:
    """The operating system's cache folder for netlens."""
    from platformdirs import user_cache_path

    return user_cache_path("netlens", appauthor=False)
