"""What can go wrong, said once and clearly: the operation, the offending value, what was expected, the remedy."""

import difflib
from collections.abc import Iterable


class NetlensError(Exception):
    """The root of every error that netlens raises on purpose.

    Parameters
    ----------
    operation : what was being done, for example `GradCAM` or `netlens run`.
    problem : what is wrong, naming the offending value; a phrase without a full stop.
    expected : what would have been right; a phrase that follows "Expected".
    remedy : what to do now; a whole sentence.
    """

    exit_code = 2

    def __init__(self, operation: str, problem: str, *, expected: str = "", remedy: str = "") -> None:
        self.operation, self.problem, self.expected, self.remedy = operation, problem, expected, remedy
        parts = [f"{operation}: {problem.rstrip('.')}."]
        if expected:
            parts.append(f"Expected {expected.rstrip('.')}.")
        if remedy:
            parts.append(remedy)
        super().__init__(" ".join(parts))


class UsageError(NetlensError):
    """A name, option or parameter that does not exist or has the wrong type."""


class DataError(NetlensError):
    """A data set that cannot be reached, read or used."""


class ModelError(NetlensError):
    """A model, its weights or one of its layers cannot be used."""


class ShapeError(NetlensError):
    """A tensor of the wrong shape, type or range."""


class OutputError(NetlensError):
    """An output folder that cannot be written, is full or is in use."""


class RunError(NetlensError):
    """A notebook, a page or a report broke while it was made."""

    exit_code = 5


def nearest(value: str, choices: Iterable[str]) -> str:
    """The choice most like `value`, or "" when none is close."""
    matches = difflib.get_close_matches(value, list(choices), n=1, cutoff=0.5)
    return matches[0] if matches else ""


def unknown(
    operation: str, kind: str, value: str, choices: Iterable[str], error: type[NetlensError] = UsageError
) -> NetlensError:
    """Make the error for a name that is not among `choices`, with the nearest one that is."""
    names = list(choices)
    guess = nearest(value, names)
    hint = f"Did you mean '{guess}'? " if guess else ""
    return error(operation, f"there is no {kind} '{value}'", remedy=f"{hint}Known: {', '.join(names) or 'none'}.")
