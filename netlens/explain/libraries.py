"""shap, imported when it is first needed, without what it says at import."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from netlens.errors import ModelError
from netlens.explain.memory import out_of_memory
from netlens.explain.question import NO_GRADIENTS, Question
from netlens.models.files import first_line


@contextmanager
def differentiating(question: Question) -> Iterator[None]:
    """Turn what breaks while a library differentiates a network into one clear error.

    Raises
    ------
    ModelError : it broke, and not for lack of memory.
    """
    try:
        yield
    except (RuntimeError, TypeError) as error:
        if out_of_memory(error):
            raise
        problem = f"{question.model.name} cannot be differentiated by its library ({first_line(error)})"
        raise ModelError(question.operation, problem, remedy=NO_GRADIENTS) from error


def shap_library() -> ModuleType:
    """Import shap in peace: it draws colours in a way that matplotlib means to deprecate, and misses a progress bar."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.simplefilter("ignore", TqdmWarning)
        import shap

    assert isinstance(shap, ModuleType)
    return shap
