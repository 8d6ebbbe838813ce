"""The sentences of a report in the reader's language. English is the source; another language is one file.

A sentence is written in English where it is decided, as a template: `say("Of {n} answers, {hits} are right.", n=..., hits=...)`. A file
`netlens/audit/languages/CODE.toml` maps such templates to another language's, and `templates()` lists all there are. A template without a
translation stays English, so that a reader is never shown a gap; no other language ships yet. What does not go through `say` is English
still: the headings and the glossary of the notebook, and the captions of figures.
"""

from __future__ import annotations

import ast
import string
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import MappingProxyType

from netlens.errors import DataError, unknown

FOLDER = Path(__file__).parent / "languages"
SOURCE = "en"
_current: ContextVar[Mapping[str, str]] = ContextVar("language", default=MappingProxyType({}))


def say(template: str, **values: str) -> str:
    """Fill a template, in the current language; the values are texts already."""
    return _current.get().get(template, template).format(**values)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Say everything in another language for a while.

    Raises
    ------
    UsageError : there is no file of this language.
    DataError : the file cannot be used.
    """
    token = _current.set(translations(code))
    try:
        yield
    finally:
        _current.reset(token)


def languages() -> list[str]:
    """The languages that there are."""
    return sorted({SOURCE, *(path.stem for path in FOLDER.glob("*.toml"))})


def translations(code: str) -> dict[str, str]:
    """The templates of a language by the English ones."""
    if code == SOURCE:
        return {}
    path = FOLDER / f"{code}.toml"
    if not path.is_file():
        raise unknown("audit", "language", code, languages())
    pairs = {str(key): str(value) for key, value in tomllib.loads(path.read_text(encoding="utf-8")).items()}
    for english, other in pairs.items():
        if _names(english) != _names(other):
            problem = f"'{other}' does not name the values of '{english}'"
            raise DataError(f"language '{code}'", problem, expected=", ".join(sorted(_names(english))))
    return pairs


@cache
def templates(package: Path = Path(__file__).parent) -> tuple[str, ...]:
    """Every template in the sources of the audit, for a translator."""
    found = [
        node.args[0].value
        for path in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say" and node.args
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)
    ]
    return tuple(dict.fromkeys(found))


def _names(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}
