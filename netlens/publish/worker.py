"""The process that runs one notebook: `python -m netlens.publish.worker`.

It takes a job as JSON on standard input and answers with lines of JSON on standard output.

papermill changes the current folder of the whole process, so every run has a process of its own.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn


def report(**facts: object) -> None:
    """Tell the parent process something."""
    print(json.dumps(facts), flush=True)


def run(job: dict[str, Any]) -> None:
    """Run the notebook `job["source"]` and write the executed copy to `job["copy"]`, also when a cell fails."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    prepare_fonts(Path(job["fonts"]))
    started = time.perf_counter()
    try:
        papermill.execute_notebook(
            plain(job["source"]),
            plain(job["copy"]),
            parameters=job["parameters"],
            kernel_name="python3",
            language="python",
            cwd=job["folder"],
            progress_bar=False,
            start_timeout=180,
            request_save_on_cell_execute=False,
            kernel_manager_class=kernel_manager(Path(job["scratch"])),
            coalesce_streams=True,
            record_timing=False,
            on_cell_executed=lambda **facts: report(cell=facts["cell_index"]),
        )
    except PapermillExecutionError as error:
        report(failed={"index": error.cell_index, "source": error.source, "name": error.ename, "value": error.evalue})
    except DeadKernelError:
        report(dead=True)
    except OSError as error:
        report(refused={"number": error.errno, "path": error.filename or job["copy"], "text": traceback.format_exc()})
    else:
        report(seconds=time.perf_counter() - started)


def plain(path: str) -> str:
    """Keep papermill from taking braces in a path for parameters."""
    return path.replace("{", "{{").replace("}", "}}")


def kernel_manager(scratch: Path) -> type:
    """A kernel manager for this very interpreter, whatever kernels are registered, over sockets in a private folder."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], display_name="Python 3", language="python"
    )

    class OwnKernelManager(AsyncKernelManager):
        kernel_spec = spec

        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings, connection_file=str(scratch / "kernel.json"))
            if sys.platform != "win32":
                self.transport = "ipc"  # ports of parallel kernels would collide

    return OwnKernelManager


def prepare_fonts(folder: Path) -> None:
    """Let matplotlib list the fonts once, here: in a notebook it would say so on stderr."""
    if not any(folder.glob("fontlist-*.json")):
        subprocess.run([sys.executable, "-c", "import matplotlib.font_manager"], check=False, capture_output=True)


def stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Leave in an orderly way, so that the kernel ends too."""
    raise SystemExit(128 + signal.SIGTERM)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    run(json.load(sys.stdin))
