"""The Typst source of a notebook: title page and body."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from netlens.errors import RunError
from netlens.publish.pdf.pieces import Collected, Piece, collect, quoted

OPERATION = "netlens-pdf"
HERE = Path(__file__).parent
HEADING = re.compile(r"^(=+) ", re.MULTILINE)
PICTURE = re.compile(r'#inline-picture\("((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\)')


@dataclass(frozen=True)
class Document:
    """What Typst needs: the main source, the files that it names, and the names of those that are embedded."""

    source: str
    files: dict[str, bytes]
    attached: tuple[str, ...] = ()


def document(
    notebook: dict[str, Any], *, folder: Path | None, name: str, code: bool, attached: Mapping[str, bytes] = MappingProxyType({})
) -> Document:
    """Write a notebook as Typst.

    Raises
    ------
    RunError : a formula or a picture cannot be read; it names the cell.
    """
    found = collect(notebook, code=code)
    converted = _convert(found.pieces)
    report = notebook.get("metadata", {}).get("netlens", {}).get("report", {})
    first = next((title for _, title in converted if title), "")
    title = report.get("title") or first or name or "Notebook"
    body = [text for text, _ in converted]
    if first:
        body = _without_title(body)
    body = _levels(body)
    body = _kept_together(body)
    body = [_pictures(text, piece, found, folder) for text, piece in zip(body, found.pieces, strict=True)]
    head = {
        "title": title,
        "subtitle": report.get("subtitle", ""),
        "facts": [[str(part) for part in fact] for fact in report.get("facts", [])],
        "notice": report.get("notice", ""),
        "contents": "strip" not in report and sum(len(HEADING.findall(text)) for text in body) > 4,
    }
    for key in ("lead", "strip", "main", "more", "untested"):
        if key in report:
            head[key] = report[key]
    files = {
        **found.files,
        **attached,
        "template.typ": (HERE / "template.typ").read_bytes(),
        "head.json": json.dumps(head, ensure_ascii=False).encode(),
    }
    start = '#import "template.typ": *\n#show: report.with(json("head.json"))\n\n'
    start += "".join(f"#attached({quoted(name)})\n" for name in attached)
    return Document(start + "\n\n".join(body) + "\n", files, tuple(attached))


def _convert(pieces: Sequence[Piece]) -> list[tuple[str, str]]:
    """Turn every piece into Typst; with it, the title that a piece of Markdown holds."""
    texts = [piece.text for piece in pieces if piece.kind == "markdown"]
    answers = iter(_markdown(texts))
    result = []
    for piece in pieces:
        if piece.kind == "typst":
            result.append((piece.text, ""))
            continue
        answer = next(answers)
        if answer["problems"]:
            problem = f"cell {piece.cell}: {' '.join(answer['problems'][0].split())}"
            raise RunError(OPERATION, problem, remedy="Write the formula with commands that pandoc knows.")
        result.append((piece.before + answer["typst"].strip() + piece.after, answer.get("title") or ""))
    return result


@cache
def _pandoc() -> str:
    import pypandoc

    return str(pypandoc.get_pandoc_path())


def _markdown(texts: Sequence[str]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [_pandoc(), "lua", str(HERE / "markdown.lua")], input=json.dumps(list(texts)).encode(), capture_output=True, check=False
    )
    if done.returncode:
        first = done.stderr.decode(errors="replace").strip().splitlines()[:1] or ["no message"]
        raise RunError(OPERATION, f"pandoc could not read the text: {first[0]}")
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def _without_title(body: list[str]) -> list[str]:
    """Take the first heading of level 1 out: the title page shows it."""
    for place, text in enumerate(body):
        without = re.sub(r"^= .*(?:\n<[^>\n]+>)?\n?", "", text, count=1, flags=re.MULTILINE)
        if without != text:
            return [*body[:place], without, *body[place + 1 :]]
    return body


def _levels(body: list[str]) -> list[str]:
    """Make the highest heading level 1 and skip no level below it; labels, which no reader sees, go."""
    body = [re.sub(r"^(=+ .*)\n<[^>\n]+>$", r"\1", text, flags=re.MULTILINE) for text in body]
    depths = [len(marks) for text in body for marks in HEADING.findall(text)]
    highest, last = min(depths, default=1), 0

    def lift(found: re.Match[str]) -> str:
        nonlocal last
        last = min(len(found[1]) - highest + 1, last + 1)
        return "=" * last + " "

    return [HEADING.sub(lift, text) for text in body]


def _kept_together(body: list[str]) -> list[str]:
    """Keep the paragraph that introduces a figure or a table on the page of what it introduces."""
    kept = list(body)
    for place, (text, following) in enumerate(pairwise(body)):
        head, gap, last = text.rpartition("\n\n")
        title, mark, last = ("", "", last) if not last.startswith("=") else last.partition("\n")
        if following.startswith(("#picture(", "#listing(")) and last.strip() and not re.match(r"[-+#=\]]|\d+\.", last):
            kept[place] = f"{head}{gap}{title}{mark}#block(sticky: true)[{last.strip()}]"
    return kept


def _pictures(text: str, piece: Piece, found: Collected, folder: Path | None) -> str:
    """Store the pictures that a text names by a path; one on the web becomes its address, since nothing is fetched."""

    def store(match: re.Match[str]) -> str:
        source, alt = json.loads(f'"{match[1]}"'), json.loads(f'"{match[2]}"')
        alt = alt or "A picture without a description by its author."
        if re.match(r"^[a-z]+://", source):
            return f"#link({quoted(source)})[#{quoted(alt)}]"
        if source not in found.files:
            path = (folder or Path()) / source
            if not path.is_file():
                problem = f"cell {piece.cell}: there is no picture '{source}'"
                raise RunError(OPERATION, problem, remedy="Put it beside the notebook, or take it out of the text.")
            stored = f"picture-{len(found.files)}{path.suffix.lower()}"
            found.files[stored] = path.read_bytes()
            source = stored
        return f"#inline-picture({quoted(source)}, {quoted(alt)})"

    return PICTURE.sub(store, text)
