"""Find a function of the user's and call it. This is the one place that runs Python code that a card names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from torch import nn

from netlens.errors import ModelError, unknown
from netlens.models.files import first_line

OURS = "netlens_card_"  # names of modules that are kept, so that a network can be pickled
EXPECTED = "file.py:callable or package.module:callable"


def build(spec: str, folder: Path, arguments: dict[str, Any], operation: str) -> nn.Module:
    """Call the factory of a network. Files beside the card can be imported by it.

    Raises
    ------
    ModelError : it cannot be found, raises, or returns no network.
    """
    with importable(folder):
        factory = find_callable(spec, folder, operation)
        try:
            net = factory(**arguments)
        except Exception as error:
            problem = f"the factory '{spec}' raised {first_line(error)}"
            remedy = "Call it by hand with [model.arguments] to see why."
            if isinstance(error, TypeError) and "argument" in str(error):
                remedy = "Give its arguments in the table [model.arguments]."
            raise ModelError(operation, problem, remedy=remedy) from error
    if not isinstance(net, nn.Module):
        raise ModelError(operation, f"the factory '{spec}' returned a {type(net).__name__}", expected="a torch.nn.Module")
    return net


def find_callable(spec: str, folder: Path, operation: str) -> Callable[..., object]:
    """Find `file.py:name` (relative to `folder`) or `package.module:name`."""
    where, _, name = spec.partition(":")
    try:
        module = _import_file(folder / where) if where.endswith(".py") else importlib.import_module(where)
    except Exception as error:
        problem = f"'{where}' cannot be imported ({first_line(error)})"
        raise ModelError(operation, problem, expected=EXPECTED) from error
    found = getattr(module, name, None)
    if not callable(found):
        choices = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown(operation, f"callable in '{where}' named", name, choices, ModelError)
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


def _import_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"{OURS}{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
