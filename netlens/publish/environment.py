"""The environment that a notebook's kernel runs in: this interpreter, the project's cache, no settings of the user's."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from netlens import paths

MOST_THREADS = 8
# These name another environment, or change what a run prints.
DROPPED = ("VIRTUAL_ENV", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONINSPECT", "JUPYTER_PATH", "LINES")


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """The threads that a run computes with.

    Always the same on a machine, however many runs go at once: sums in another order round differently.
    """
    return min(cores(), MOST_THREADS)


def variables(folder: Path, project: Path) -> dict[str, str]:
    """The environment variables of a run whose temporary settings lie in `folder`."""
    cache = Path(os.environ.get(paths.CACHE_VARIABLE) or project / "_build" / "cache").resolve()
    count = str(threads())
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
    return kept | {
        paths.CACHE_VARIABLE: str(cache),
        "IPYTHONDIR": str(folder / "ipython"),
        "MPLCONFIGDIR": str(cache / "matplotlib"),
        "MPLBACKEND": "agg",
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "JUPYTER_PLATFORM_DIRS": "1",
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "OMP_WAIT_POLICY": "PASSIVE",
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
        "TQDM_DISABLE": "1",
        "COLUMNS": "100",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
    }
