"""Find a function that a card names. This is the one place that runs Python code of the user's."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from netlens.errors import ModelError, NetlensError, unknown

OURS = "netlens_card_"  # names of modules that are kept, so that a network can be pickled
EXPECTED = "file.py:callable or package.module:callable"


def find_callable(spec: str, folder: Path, operation: str, kind: type[NetlensError] = ModelError) -> Callable[..., object]:
    """Find `file.py:name` (relative to `folder`) or `package.module:name`.

    Raises
    ------
    NetlensError : of this kind: it cannot be imported, or holds no such callable.
    """
    where, _, name = spec.partition(":")
    try:
        module = _import_file(folder / where) if where.endswith(".py") else importlib.import_module(where)
    except (Exception, SystemExit) as error:  # a script may end itself where it finds no arguments
        raise kind(operation, f"'{where}' cannot be imported ({first_line(error)})", expected=EXPECTED) from error
    found = getattr(module, name, None)
    if not callable(found):
        choices = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown(operation, f"callable in '{where}' named", name, choices, kind)
    return cast("Callable[..., object]", found)


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Let Python find modules in a folder for a while. Those found there are forgotten again, so that two cards do not mix."""
    before, place = set(sys.modules), str(folder)
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)
        for name in {name for name in set(sys.modules) - before if not name.startswith(OURS)}:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).is_relative_to(folder) and "site-packages" not in Path(file).parts:
                del sys.modules[name]


def first_line(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _import_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"{OURS}{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
