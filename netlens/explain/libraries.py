"""captum and shap, imported when they are first needed, without what they say at import."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def importing() -> Iterator[None]:
    """Import a library in peace: shap draws colours in a way that matplotlib means to deprecate, both miss a progress bar."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.simplefilter("ignore", TqdmWarning)
        yield


def shap_library() -> ModuleType:
    """Import shap."""
    with importing():
        import shap

    assert isinstance(shap, ModuleType)
    return shap
