"""Read a model card, and say what is wrong with one: file, key, value, and what was expected."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from netlens.card.tables import Card
from netlens.errors import ModelError, nearest

WORDS: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "a table",
    list: "a list",
}
LONGEST = 60  # characters of a value that are repeated


def read_card(path: str | Path) -> Card:
    """Read and check a card.

    Raises
    ------
    ModelError : there is no such file, it is not TOML, or a key is missing, unknown or of the wrong kind.
    """
    path = Path(path)
    operation = f"card '{path.name}'"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Give the path of a .toml card, or the name of a tutorial model (`netlens list models`)."
        raise ModelError(operation, f"'{path}' cannot be read ({type(error).__name__})", remedy=remedy) from error
    return parse_card(text, path)


def parse_card(text: str, path: Path) -> Card:
    """Check the text of a card that is, or will be, at `path`.

    Raises
    ------
    ModelError : it is not TOML, or a key is missing, unknown or of the wrong kind.
    """
    operation = f"card '{path.name}'"
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ModelError(operation, f"'{path}' is not valid TOML: {error}", expected="a card in TOML") from error
    if "path" in content:  # the field of this name is ours
        raise _unknown_key(operation, ["path"])
    try:
        return Card.model_validate({**content, "path": path.resolve()})
    except ValidationError as error:
        raise _fault(operation, error.errors()) from error


def _fault(operation: str, errors: list[ErrorDetails]) -> ModelError:
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])  # a misspelt key is also a missing one
    place = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden":
        return _unknown_key(operation, place)
    if first["type"] == "value_error":  # keys that do not fit together: "problem | what is expected"
        problem, _, expected = str(first["ctx"]["error"]).partition(" | ")
        return ModelError(operation, f"[{place[0]}] {problem}", expected=expected)
    key, expected = _expected(place)
    problem = f"[{key}] is missing" if first["type"] == "missing" else f"[{key}] got {_short(first['input'])}"
    return ModelError(operation, problem, expected=expected)


def _expected(place: list[str]) -> tuple[str, str]:
    """The key that a path of pydantic's leads to, and what it may hold."""
    field = Card.model_fields[place[0]]
    if len(place) > 1 and place[0] in _tables():
        field = _tables()[place[0]].model_fields[place[1]]
        place = place[:3] if place[2:3] and (place[2].isdecimal() or place[1] in ("arguments", "training")) else place[:2]
    else:
        place = place[:1]
    said = f": {field.description}" if field.description else ""
    return ".".join(place), kind(field) + said


def kind(field: FieldInfo) -> str:
    """What a key may hold, in words."""
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
        return f"a table of the keys {', '.join(field.annotation.model_fields)}"
    return _said(field.annotation)


def _said(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "one of: " + ", ".join(str(value) for value in inner if value != "")
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_said(one) for one in inner if one is not type(None)))
    if origin is list:
        several = {str: "texts", int: "whole numbers", float: "numbers"}
        return f"a list of {several.get(inner[0], 'numbers, texts and truths')}"
    return WORDS.get(origin or annotation, "a value")


def _unknown_key(operation: str, place: list[str]) -> ModelError:
    known = list(_tables()[place[0]].model_fields) if len(place) > 1 else [name for name in Card.model_fields if name != "path"]
    guess = nearest(place[-1], known)
    hint = f"Did you mean '{guess}'? " if guess else ""
    return ModelError(operation, f"[{'.'.join(place)}] is not a key of a card", remedy=f"{hint}Known: {', '.join(known)}.")


def _tables() -> dict[str, type[BaseModel]]:
    found = ((name, field.annotation) for name, field in Card.model_fields.items())
    return {name: kind for name, kind in found if isinstance(kind, type) and issubclass(kind, BaseModel)}


def _short(value: object) -> str:
    said = repr(value).replace("\n", " ")
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}..."
