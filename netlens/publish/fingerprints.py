"""Content hashes of what a notebook's run depends on: sources, versions, the user's data and model."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

from netlens import paths
from netlens.publish.kinds import Value
from netlens.publish.usual import MODELS

ABSENT = "absent"
TABLES = {".csv", ".tsv", ".jsonl", ".ndjson"}
IMAGE = re.compile(r"[^,;\t\n\"|]+\.(?:png|jpe?g)", re.IGNORECASE)
FOLDERS = {"mnist": "MNIST"}  # as torchvision names them
PACKAGE = Path(__file__).parent.parent
SOURCES = {".py", ".typ", ".lua", ".css", ".html", ".j2", ".toml", ".json"}
# A notebook computes with what is below the publishing floor. These decide how it is run, the rest only how it is shown.
RUNNERS = {
    f"publish/{name}.py" for name in ("execute", "worker", "environment", "stored", "plan", "parameters", "kinds", "usual")
}


def of_bytes(data: bytes) -> str:
    """The hash of some bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def of_json(value: object) -> str:
    """The hash of a value that JSON can hold; the order of keys does not matter."""
    return of_bytes(json.dumps(value, sort_keys=True).encode())


def of_file(path: Path) -> str:
    """The hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def of_path(path: Path) -> str:
    """The hash of a file, or of a folder: names, sizes and contents of all in it that is not hidden; `absent` for nothing."""
    if path.is_file():
        return of_file(path)
    if not path.is_dir():
        return ABSENT
    return of_json([[file.relative_to(path).as_posix(), file.stat().st_size, of_file(file)] for file in _walk(path)])


@cache
def package(*, everything: bool) -> str:
    """The hash of netlens' sources; of those that can change what a notebook computes, unless `everything`."""
    files = [file for file in _walk(PACKAGE) if file.suffix in SOURCES]
    names = {file.relative_to(PACKAGE).as_posix(): file for file in files}
    if not everything:
        names = {name: file for name, file in names.items() if _computes(name)}
    return of_json({name: of_file(file) for name, file in names.items()})


def _computes(name: str) -> bool:
    return name in RUNNERS or not name.startswith(("publish/", "cli"))


@cache
def environment() -> str:
    """The hash of Python, the platform and the versions of all that is installed."""
    installed = sorted({f"{found.name}=={found.version}" for found in distributions()})
    return of_json([sys.version, platform.system(), platform.machine(), installed])


def of_inputs(values: Mapping[str, Value]) -> dict[str, str]:
    """The hashes of the user's files that a run with these parameter values reads: a card's, an audit's, and a data set's on disk."""
    found: dict[str, str] = {}
    names = {str(values.get("dataset", ""))}
    for key in MODELS:
        if isinstance(model := values.get(key), str) and Path(model).suffix in (".toml", ".json"):
            found[key] = of_card(Path(model)) if Path(model).suffix == ".toml" else of_file(Path(model))
            names |= set(card_texts(Path(model)))
    for name in ("policy", "previous"):
        if isinstance(file := values.get(name), str) and Path(file).is_file():
            found[name] = of_file(Path(file))
    for name in sorted(names):
        if folder := dataset_folder(name, str(values.get("data_root") or "")):
            found[f"data set {name}"] = of_path(folder)
    return found


def dataset_folder(name: str, data_root: str) -> Path | None:
    """The folder that a data set on disk is read from; None for one that ships with a package."""
    from netlens.data.catalogue import DATASETS

    if name not in DATASETS or DATASETS[name].offline:
        return None
    return paths.data(data_root) / FOLDERS.get(name, name)


def of_card(card: Path) -> str:
    """The hash of a card, of the files and folders that it names, of images that a table among them lists, and of the Python beside it."""
    home = card.resolve().parent
    named = {Path(os.path.normpath(home / Path(name).expanduser())) for text in card_texts(card) for name in _file_names(text)}
    python = set(home.glob("*.py")) | {package.parent for package in home.glob("*/__init__.py")}
    files = {path for path in named | python if path.exists() and path not in (home, *home.parents)}
    files |= {image for table in files if table.suffix.lower() in TABLES for image in _listed_images(table)}
    return of_json([of_file(card), sorted([os.path.relpath(path, home), of_path(path)] for path in files)])


def _listed_images(table: Path) -> Iterator[Path]:
    """The images that a table lists by their paths."""
    text = table.read_text(encoding="utf-8", errors="replace") if table.is_file() else ""
    for name in IMAGE.findall(text):
        if (path := table.parent / name.strip()).is_file():
            yield path


def card_texts(card: Path) -> list[str]:
    """All texts in a card; none in a file that is no card, for reading it reports what is wrong."""
    try:
        return list(_texts(tomllib.loads(card.read_text(encoding="utf-8-sig"))))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return []


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)


def _file_names(text: str) -> Iterable[str]:
    """What in a card's text may be a file: itself, after a `folder:` or before a `:callable`."""
    usable = text and "\0" not in text and "\n" not in text and len(text) < 1000
    return [part for part in (text, *text.split(":", 1)) if part] if usable else []


def _walk(folder: Path) -> list[Path]:
    """All files below a folder, sorted, without hidden ones and bytecode."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
        found += [Path(where) / name for name in sorted(files) if not name.startswith(".")]
    return sorted(found)
