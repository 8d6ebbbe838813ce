"""See what a neural network does, and prove it.

Importing `netlens` is cheap: no module here imports torch or matplotlib until it is asked for by name. `netlens.wrap` makes a model of
a network in memory.
"""

import importlib
from importlib.metadata import version
from typing import Any

__version__ = version("netlens")

_LAZY = {"wrap": "netlens.models.wrapping"}


def __getattr__(name: str) -> Any:  # torch is imported only when a model is wanted
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'netlens' has no attribute '{name}'")
