"""The shap library, imported when it is first needed."""

from __future__ import annotations

import warnings
from types import ModuleType


def shap_library() -> ModuleType:
    """Import shap without what it says at import: of colours that matplotlib means to deprecate, and of a missing progress bar."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.simplefilter("ignore", TqdmWarning)
        import shap

    assert isinstance(shap, ModuleType)
    return shap
