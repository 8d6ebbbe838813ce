"""One thing that netlens needs, and whether this machine has it: Python, libraries, device, room, kernel, PDF."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from netlens import paths
from netlens.errors import NetlensError
from netlens.publish.environment import cores, threads

REINSTALL = "python3 -m pip install -q uv && python3 -m uv sync"
LIBRARIES = ("torch", "torchvision", "captum", "shap", "lime", "matplotlib", "papermill", "nbconvert", "jupyter-book", "typst")
ROOM = 2e9


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. What is not `needed` may be missing; `remedy` mends it."""

    name: str
    there: bool
    found: str
    needed: bool = True
    remedy: str = ""

    @property
    def mark(self) -> str:
        """`ok`, `missing`, or `optional` for what is missing but not needed."""
        return "ok" if self.there else "missing" if self.needed else "optional"


def python() -> Iterator[Check]:
    """Python and the project."""
    right = sys.version_info >= (3, 11)
    yield Check("python", right, f"{platform.python_version()} at {sys.executable}", remedy="Install Python 3.11 or later.")
    root = paths.find_project()
    remedy = "Change to a clone of the netlens repository: `build`, `run` and `audit` need one."
    yield Check("project", root is not None, str(root or "this folder is in none"), needed=False, remedy=remedy)


def libraries() -> Iterator[Check]:
    """The libraries, by version."""
    yield Check("netlens", True, version("netlens"))
    for name in LIBRARIES:
        try:
            yield Check(name, True, version(name))
        except PackageNotFoundError:
            yield Check(name, False, "not installed", remedy=REINSTALL)


def devices() -> Iterator[Check]:
    """What `auto` means here."""
    try:
        import torch

        from netlens.devices import choose

        device = choose("auto")
        name = f" ({torch.cuda.get_device_name()})" if device == "cuda" else ""
        yield Check("device", True, f"auto means {device}{name}")
    except (ImportError, OSError, RuntimeError, NetlensError) as error:
        yield Check("device", False, f"torch does not work: {error}", remedy=REINSTALL)


def machine() -> Iterator[Check]:
    """Cores, memory and disk."""
    yield Check("cores", True, f"{cores()}, of which a run uses {threads()}")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        yield Check("memory", True, f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.1f} GB")
    folder = paths.find_project() or Path.cwd()
    free = shutil.disk_usage(folder).free
    yield Check("disk", free > ROOM, f"{free / 1e9:.1f} GB free at {folder}", remedy=f"Free at least {ROOM / 1e9:g} GB.")


def kernel() -> Iterator[Check]:
    """A kernel that starts and answers."""
    from netlens.publish.worker import kernel_manager

    async def start() -> None:
        with tempfile.TemporaryDirectory(prefix="netlens-", ignore_cleanup_errors=True) as scratch:
            manager = kernel_manager(Path(scratch))()
            await manager.start_kernel()
            client = manager.client()
            try:
                client.start_channels()
                await client.wait_for_ready(timeout=60)
            finally:
                client.stop_channels()
                await manager.shutdown_kernel(now=True)

    try:
        asyncio.run(start())
    except (ImportError, OSError, RuntimeError) as error:
        yield Check("kernel", False, f"it does not start: {error}", remedy=REINSTALL)
    else:
        yield Check("kernel", True, "starts and answers")


def pdf() -> Iterator[Check]:
    """What makes the PDF."""
    try:
        import pypandoc

        yield Check("pandoc", True, str(pypandoc.get_pandoc_version()))
    except (ImportError, OSError) as error:
        yield Check("pandoc", False, str(error), remedy=REINSTALL)
