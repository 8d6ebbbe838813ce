"""Show how far long work is: one bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from typing import Protocol


class Progress(Protocol):
    """What a run tells while it goes on."""

    def started(self, name: str, cells: int) -> None:
        """A notebook of so many cells begins."""

    def cell(self, name: str) -> None:
        """One of its cells is done."""

    def ended(self, name: str, seconds: float | None) -> None:
        """It is done after so many seconds; None when it failed."""

    def say(self, line: str) -> None:
        """Something else that the reader should know."""

    def close(self) -> None:
        """Nothing follows."""


class Lines:
    """Plain lines on stderr."""

    def started(self, name: str, cells: int) -> None:
        self.say(f"{name}: running, {cells} cells")

    def cell(self, name: str) -> None:
        pass

    def ended(self, name: str, seconds: float | None) -> None:
        self.say(f"{name}: failed" if seconds is None else f"{name}: done in {seconds:.1f} s")

    def say(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")  # in one piece, so that the lines of two runs do not mix
        sys.stderr.flush()

    def close(self) -> None:
        pass


class Bar:
    """One bar on a terminal that counts cells; the names of what runs stand beside it."""

    def __init__(self, total: int) -> None:
        from tqdm import tqdm

        self._bar = tqdm(total=total, unit="cell", file=sys.stderr, dynamic_ncols=True, leave=False)
        self._running: list[str] = []

    def started(self, name: str, cells: int) -> None:  # noqa: ARG002 - the bar's total counts them
        self._running.append(name)
        self._bar.set_description_str(", ".join(self._running))

    def cell(self, name: str) -> None:  # noqa: ARG002 - one bar for all
        self._bar.update()

    def ended(self, name: str, seconds: float | None) -> None:
        self._running.remove(name)
        self._bar.set_description_str(", ".join(self._running))
        self.say(f"{name}: failed" if seconds is None else f"{name}: {seconds:.1f} s")

    def say(self, line: str) -> None:
        self._bar.write(line, file=sys.stderr)

    def close(self) -> None:
        self._bar.close()


def progress(total: int) -> Progress:
    """A bar on a terminal when there is anything to wait for, else plain lines."""
    return Bar(total) if total and sys.stderr.isatty() else Lines()
