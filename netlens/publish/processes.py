"""The processes that this one has started, so that all of them can be ended."""

from __future__ import annotations

import subprocess
import threading

PATIENCE = 5.0


class Stopped(Exception):
    """Raised in a thread whose process was ended on purpose."""


class Processes:
    """Processes in use. After `stop`, none starts any more."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self.stopped = False

    def start(self, command: list[str], *, cwd: str, environment: dict[str, str], errors: int) -> subprocess.Popen[str]:
        """Start a process in a session of its own, so that Ctrl-C on the terminal reaches only us."""
        with self._guard:
            if self.stopped:
                raise Stopped
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=cwd,
                env=environment,
                text=True,
                start_new_session=True,
            )
            self._running.add(process)
            return process

    def ended(self, process: subprocess.Popen[str]) -> None:
        """Forget a process that has ended."""
        with self._guard:
            self._running.discard(process)

    def stop(self) -> None:
        """End every process: ask first, then insist."""
        with self._guard:
            self.stopped = True
            running = list(self._running)
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
