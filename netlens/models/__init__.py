"""Models: the tutorial's networks, and loading from a card."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netlens.models.tutorial import TUTORIAL_MODELS, Recipe, TutorialModel

if TYPE_CHECKING:
    from netlens.models.load import load_model
    from netlens.models.model import Model

__all__ = ["TUTORIAL_MODELS", "Model", "Recipe", "TutorialModel", "load_model"]

_LAZY = {"Model": "netlens.models.model", "load_model": "netlens.models.load"}


def __getattr__(name: str) -> Any:  # torch is imported only when a model is wanted
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'netlens.models' has no attribute '{name}'")
