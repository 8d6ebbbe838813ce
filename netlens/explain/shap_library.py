"""The shap library, imported when it is first needed."""

from __future__ import annotations

import warnings
from types import ModuleType


def shap_library() -> ModuleType:
    """Import shap; it draws its colours in a way that matplotlib means to deprecate, and says so at import."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap

    assert isinstance(shap, ModuleType)
    return shap
