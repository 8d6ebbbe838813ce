"""Write a card: look at the weights and the data, ask for what they do not tell, and keep only a card that runs."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlens.card import FORMS, DataTable, DeclaredTable, ModelTable, parse_card
from netlens.errors import OutputError, UsageError, unknown
from netlens.explain.wording import joined
from netlens.publish.atomic import write, writing
from netlens.publish.card_check import Checked, examined

OPERATION = "netlens card new"
Ask = Callable[[str, str], str]
Tables = dict[str, dict[str, Any]]
TABLES: dict[str, Any] = {"model": ModelTable, "data": DataTable, "declared": DeclaredTable}
KINDS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".jsonl": "jsonl", ".npz": "npz"}
PATHS = ("weights", "torchscript", "exported", "vocabulary")  # keys whose text is a path
ASKED = ("purpose", "out_of_scope", "provenance", "oversight", "contact", "version")  # facts that a new card has a line for
FLAGS = {"source": "data"}  # options that are not called as the key is
NAMES = ("classes", "features", "groups")  # keys that hold lists of names
TYPES = {key: str(field.annotation) for kind in TABLES.values() for key, field in kind.model_fields.items()}
TEXTS = {key for key, said in TYPES.items() if said == "<class 'str'>" or "Literal" in said}
LISTS = {key for key, said in TYPES.items() if said.startswith("list")}


@dataclass(frozen=True)
class Written:
    """A new card, what its check found, and what was found out while it was written."""

    path: Path
    checked: Checked
    notes: tuple[str, ...]


def new(
    path: Path,
    given: Mapping[str, str],
    ask: Ask | None = None,
    *,
    device: str = "auto",
    data_root: str = "",
    force: bool = False,
) -> Written:
    """Write a card to `path`, if it runs.

    Parameters
    ----------
    given : texts by key of `[model]`, `[data]` and `[declared]`; values other than texts as in TOML, the brackets of a list may be left
        out. Paths start at the current folder.
    ask : asks a person a question, with a default; None where nobody is there to answer.
    force : replace an older card.

    Raises
    ------
    UsageError : something is missing and nobody can be asked, or a key does not exist.
    OutputError : there is a file already.
    NetlensError : the card does not run; then nothing is written.
    """
    if path.suffix != ".toml":
        raise UsageError(OPERATION, f"'{path}' is no name for a card", expected="a name that ends in .toml")
    if path.exists() and not force:
        raise OutputError(OPERATION, f"there is '{path}' already", remedy="Choose another name, or add --force to replace it.")
    known = _asked({key: value for key, value in given.items() if value}, ask)
    tables, outside = _tables(known, path.resolve().parent)
    checked = examined(parse_card(text(tables, outside), path.resolve()), data_root=data_root, device=device)
    notes, better = [], checked.better
    if better is not None and "mean" in better.data and not {"mean", "std"} & known.keys():
        was = checked.accuracy.value
        also = f"; {joined(better.also)} would fit as well" if better.also else ""
        tables["data"] |= better.data
        checked = examined(parse_card(text(tables, outside), path.resolve()), data_root=data_root, device=device)
        notes.append(
            f"{100 * was:.0f} % were right without `mean` and `std`, and {100 * better.accuracy:.0f} % with {better.what}, which the card now has{also}"
        )
    with writing(OPERATION, path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write(path, text(tables, outside), OPERATION)
    return Written(path, checked, tuple(notes))


def text(tables: Tables, outside: bool) -> str:
    """A card as TOML, with a comment on each key."""
    lines = ["# A model card. `netlens card check` says whether it runs. Paths are relative to this file.", ""]
    if outside:
        lines += ["outside = true # paths may lead out of this folder", ""]
    for name, kind in TABLES.items():
        values = tables.get(name, {})
        shown = [key for key in kind.model_fields if key in values or (name == "declared" and key in ASKED)]
        lines.append(f"[{name}]")
        for key in shown:
            lines += [f"# {kind.model_fields[key].description}", f"{key} = {_toml(values.get(key, ''))}"]
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    """A value in TOML, which writes texts, numbers, truths and lists as JSON does."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def _asked(known: dict[str, str], ask: Ask | None) -> dict[str, str]:
    """What was given, and what a person answers to the rest."""
    choices = [key for kind in TABLES.values() for key in kind.model_fields]
    for key in known:
        if key not in choices:
            raise unknown(OPERATION, "key of a card", key, choices)

    def need(key: str, question: str, default: str = "", *, optional: bool = False) -> None:
        if known.get(key):
            return
        answer = ask(question, default).strip() if ask else default
        if not answer and not optional:
            raise UsageError(
                OPERATION,
                f"nothing says the {key}",
                expected=question.rstrip("?").lower(),
                remedy=f"Give --{FLAGS.get(key, key)}.",
            )
        if answer:
            known[key] = answer

    if not any(known.get(form) for form in FORMS):
        need("weights", "The file of the network or of its weights?")
        if (form := _form(Path(known["weights"]).expanduser())) != "weights":
            known[form] = known.pop("weights")
        elif known.get("unpickle") != "true":
            need("factory", "What makes the network, file.py:function?")
    need("source", "The data to test on: a folder of images, a file, or the name of a data set?")
    form = next((form for form in FORMS if known.get(form)), "weights")
    need("name", "A name for the model?", Path(known.get("weights") or known[form]).stem.replace("_", " "))
    need("purpose", "What is it for, in a sentence?", optional=True)
    return known


def _form(path: Path) -> str:
    """Which key of a card a model file belongs to."""
    from netlens.models.files import kind_of

    found = kind_of(path, f"weights '{path.name}'")
    return found if found in ("torchscript", "exported") else "weights"


def _tables(known: Mapping[str, str], home: Path) -> tuple[Tables, bool]:
    """The tables of a card in the folder `home`, and whether a path leads out of it."""
    tables: Tables = {name: {} for name in TABLES}
    outside = False
    for key, said in known.items():
        name = next(name for name, kind in TABLES.items() if key in kind.model_fields)
        value: Any = said if key in TEXTS else _value(key, said)
        if isinstance(value, str) and (found := _place(key, value)):
            before, place, after = found
            relative = os.path.relpath(place, home)
            outside = outside or relative.startswith(os.pardir)
            value = f"{before}{relative}{after}"
        tables[name][key] = value
    return tables, outside


def _place(key: str, text: str) -> tuple[str, Path, str] | None:
    """The path in a text, and what stands before and after it; None for a text that names no file."""
    if key in PATHS:
        return "", Path(text).expanduser().resolve(), ""
    head, mark, tail = text.partition(":")
    if key == "factory" or (key in ("source", "train") and head.endswith(".py")):
        return ("", Path(head).expanduser().resolve(), mark + tail) if head.endswith(".py") else None
    path = Path(tail if mark else text).expanduser()
    if key in ("source", "train"):
        kind = head if mark else "folder" if path.is_dir() else KINDS.get(path.suffix.lower(), "") if path.is_file() else ""
        return (f"{kind}:", path.resolve(), "") if kind else None
    if key in ("timm", "huggingface", "tokenizer", "groups"):
        return ("", path.resolve(), "") if path.exists() else None
    return None


def _value(key: str, said: str) -> Any:
    """A value that is no text, as TOML writes it; the brackets of a list, and the quotes of its texts, may be left out."""
    if key == "groups" and Path(said).suffix:
        return said
    forms = [f"[{said}]" if key in LISTS and not said.startswith("[") else said]
    if key in NAMES and not said.startswith("["):
        forms = [json.dumps([part.strip() for part in said.split(",")], ensure_ascii=False)]
    for form in forms:
        try:
            return tomllib.loads(f"value = {form}")["value"]
        except tomllib.TOMLDecodeError:
            continue
    raise UsageError(OPERATION, f"{key} got '{said}'", expected="a value as in TOML, such as 3, true or [0.5, 0.5]")
