"""See what a neural network does, and prove it.

Importing `netlens` is cheap: no module here imports torch or matplotlib until it is asked for by name.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netlens.models.wrapping import wrap

__all__ = ["__version__", "wrap"]
__version__ = version("netlens")


def __getattr__(name: str) -> Any:  # torch is imported only when a model is wanted
    if name == "wrap":
        from netlens.models.wrapping import wrap

        return wrap
    raise AttributeError(f"module 'netlens' has no attribute '{name}'")
