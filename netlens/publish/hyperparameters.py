"""The hyper-parameters of an explanation method: the fields of its dataclass, and the texts that a user gives for them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from netlens.errors import UsageError, unknown
from netlens.publish.docstrings import ENTRY
from netlens.publish.kinds import SCALARS, Kind

PYTHON_ONLY = "A tensor, or an object of your own, can be given from Python only."


@dataclass(frozen=True)
class Hyperparameter:
    """One field of a method.

    `kind` : what a text may say; None when only Python can give a value. `several` : one value, or several with commas between them.
    `objects` : Python may also give a tensor or an object.
    """

    name: str
    kind: Kind | None
    default: Any
    several: bool = False
    objects: bool = False
    help: str = ""

    @property
    def type(self) -> str:
        """The type in words, for a list."""
        parts = [str(self.kind)] if self.kind else []
        return " | ".join([*parts, *(["several of these"] if self.several else []), *(["object"] if self.objects else [])])

    def read(self, text: str, operation: str) -> Any:
        """Turn a text of the command line into a value.

        Raises
        ------
        UsageError : it is of another type, or only Python can give a value.
        """
        remedy = f"Its default is {self.default!r}." + (f" {PYTHON_ONLY}" if self.objects else "")
        problem = f"parameter '{self.name}' got '{text}'"
        if self.kind is None:
            raise UsageError(operation, problem, expected="no text for this one", remedy=remedy)
        many = self.kind.many or (self.several and "," in text)
        bare = re.sub(r"^\((.*?),?\)$", r"[\1]", text) if many else text
        try:
            value = Kind(self.kind.scalar, many, self.kind.optional, self.kind.choices).parse(bare)
        except ValueError as error:
            expected = self.kind.expected + (", or several with commas between them" if self.several else "")
            raise UsageError(operation, problem, expected=expected, remedy=remedy) from error
        return tuple(value) if isinstance(value, list) else value


def hyperparameters(method: Any) -> dict[str, Hyperparameter]:
    """The hyper-parameters of a method's class, by name, in the order of its fields."""
    hints, said = get_type_hints(method), _said(method.__doc__ or "")
    found = {}
    for one in fields(method):
        kind, several, objects = _kind(hints[one.name])
        found[one.name] = Hyperparameter(one.name, kind, one.default, several, objects, said.get(one.name, ""))
    return found


def read(method: Any, given: Mapping[str, str], operation: str) -> dict[str, Any]:
    """Turn given texts into values of a method's fields.

    Raises
    ------
    UsageError : the method has no such field, or a value is not of its type.
    """
    known = hyperparameters(method)
    for name in given:
        if name not in known:
            raise unknown(f"{operation}: method '{method.name}'", "parameter", name, known)
    return {name: known[name].read(text, f"{operation}: method '{method.name}'") for name, text in given.items()}


def _kind(hint: Any) -> tuple[Kind | None, bool, bool]:
    """What a text may say for an annotation, whether several values may be given, and whether Python may give objects."""
    parts = _parts(hint)
    choices = tuple(choice for part in parts if get_origin(part) is Literal for choice in get_args(part))
    scalars = [name for name, kind in SCALARS.items() if kind in parts or kind in {type(choice) for choice in choices}]
    inner = next((_kind(get_args(part)[0])[0] for part in parts if get_origin(part) is tuple), None)
    objects = any(get_origin(part) not in (Literal, tuple) and part not in (*SCALARS.values(), NoneType) for part in parts)
    optional = NoneType in parts
    if scalars:
        return Kind(scalars[0], optional=optional, choices=choices), inner is not None, objects
    if inner:
        return Kind(inner.scalar, many=True, optional=optional, choices=inner.choices), False, objects
    return None, False, objects


def _parts(hint: Any) -> list[Any]:
    """The alternatives that an annotation names."""
    if get_origin(hint) in (Union, UnionType):
        return [part for one in get_args(hint) for part in _parts(one)]
    return [hint]


def _said(docstring: str) -> dict[str, str]:
    """What the section `Parameters` of a docstring says of each name."""
    section = re.search(r"^Parameters\n-{3,}\n(.*?)(?:\n\n|\Z)", inspect.cleandoc(docstring), re.MULTILINE | re.DOTALL)
    said: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].splitlines() if section else []:
        match = ENTRY.match(line)
        names = match[1].split(", ") if match else names
        text = match[2] if match else line.strip()
        said |= {name: f"{said.get(name, '')} {text}".strip() for name in names}
    return said
