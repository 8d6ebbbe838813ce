"""Sentences of Python's own documentation by topic: real English prose that every machine has."""

from __future__ import annotations

import ast
import hashlib
import importlib
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlens.data.text import WordTokens
from netlens.errors import DataError

TOPICS = {
    "files": "os posixpath genericpath shutil pathlib tempfile glob fnmatch filecmp fileinput stat zipfile tarfile gzip bz2 lzma io "
    "_pyio codecs linecache netrc configparser csv _compression zipimport",
    "numbers": "math cmath decimal _pydecimal fractions statistics random _random numbers colorsys operator heapq bisect",
    "network": "socket _socket ssl http urllib smtplib ftplib imaplib poplib socketserver xmlrpc email ipaddress select selectors "
    "wsgiref webbrowser",
    "concurrency": "threading _threading_local asyncio multiprocessing concurrent queue subprocess contextvars signal _thread",
}
MOST = 1200  # sentences a topic
FEWEST_WORDS, MOST_WORDS = 5, 30
LETTERS = 0.85  # of the signs of a sentence; what has fewer is code
EXAMPLE = re.compile(r"^\s*>>>.*(?:\n(?!\s*\n).*)*", re.MULTILINE)
PARAGRAPH = re.compile(r"\n\s*\n|\n\s*[-*] ")
END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def python_docs() -> dict[str, tuple[NDArray[np.str_], NDArray[np.int64], WordTokens]]:
    """Read sentences from the docstrings of the standard library, at most 1,200 a topic, and split them four to one.

    Notes
    -----
    A sentence that stands in two topics is left out; of one that stands twice in a topic, one is kept. The hash of a sentence says
    whether it is kept and in which split it is, so that versions of Python differ only by the sentences that differ between them.

    Raises
    ------
    DataError : this Python came without its sources or was started without docstrings.
    """
    found: dict[str, dict[str, str]] = {
        topic: {
            _key(sentence): sentence for module in modules.split() for text in docstrings(module) for sentence in sentences(text)
        }
        for topic, modules in TOPICS.items()
    }
    poor = min(found, key=lambda topic: len(found[topic]))
    if len(found[poor]) < 100:
        problem = f"the documentation of this Python has {len(found[poor])} sentences on {poor}"
        raise DataError("data set 'python-docs'", problem, remedy="Use a Python with its sources, started without -OO.")
    kept = [_kept(topic, found) for topic in TOPICS]
    rows = sorted((key, sentence, label) for label, pairs in enumerate(kept) for key, sentence in pairs)
    parts = {
        split: [(sentence, label) for key, sentence, label in rows if (int(key[-8:], 16) % 5 == 0) == (split == "test")]
        for split in ("train", "test")
    }
    words = WordTokens.fit([sentence for sentence, _ in parts["train"]])
    return {
        split: (np.array([text for text, _ in part]), np.array([label for _, label in part], dtype=np.int64), words)
        for split, part in parts.items()
    }


def sentences(text: str) -> Iterator[str]:
    """The sentences of a docstring that are prose: 5 to 30 words, from a capital to a full stop, few signs that are no letters."""
    for paragraph in PARAGRAPH.split(EXAMPLE.sub("\n\n", text)):
        for sentence in END.split(" ".join(paragraph.split())):
            words = re.findall(r"[A-Za-z]+(?:'[a-z]+)?", sentence)
            whole = re.match(r"[A-Z]", sentence) and sentence.endswith((".", "!", "?"))
            letters = sum(sign.isalpha() or sign == " " for sign in sentence)
            if whole and FEWEST_WORDS <= len(words) <= MOST_WORDS and letters >= LETTERS * len(sentence):
                yield sentence


def docstrings(module: str) -> Iterator[str]:
    """The docstrings of a module or a package of the standard library: read from its sources, or else from what it offers."""
    library = Path(sysconfig.get_path("stdlib"))
    package = library / module
    files = [package.with_suffix(".py")] if package.with_suffix(".py").is_file() else sorted(package.rglob("*.py"))
    for file in files:
        if "test" not in file.parts and "tests" not in file.parts:
            for node in ast.walk(ast.parse(file.read_text("utf-8", errors="replace"))):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                    yield ast.get_docstring(node) or ""
    if not files:
        yield from _offered(module)


def _offered(module: str) -> Iterator[str]:
    """The docstrings of a module written in C; none where this Python has no such module."""
    try:
        content = importlib.import_module(module)
    except ModuleNotFoundError:
        return
    for thing in (content, *(value for name, value in sorted(vars(content).items()) if not name.startswith("__"))):
        if isinstance(thing, type) or callable(thing) or thing is content:
            parts = [value for _, value in sorted(vars(thing).items())] if isinstance(thing, type) else []
            for part in (thing, *parts):
                said = getattr(part, "__doc__", None)
                if isinstance(said, str) and not isinstance(part, str | int | float | tuple):
                    yield said


def _key(sentence: str) -> str:
    """The hash of the letters of a sentence: those that differ only in their signs are the same."""
    return hashlib.sha256("".join(re.findall(r"[a-z]+", sentence.lower())).encode()).hexdigest()


def _kept(topic: str, found: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    """The sentences of a topic that stand in no other: those with the smallest hashes."""
    others = [names for other, names in found.items() if other != topic]
    own = [(key, sentence) for key, sentence in found[topic].items() if not any(key in names for names in others)]
    return sorted(own)[:MOST]
