"""The pages of a report: whether notebook, PDF and web page speak of the numbers beside them."""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from netlens.errors import DataError
from netlens.publish import notebook as nb
from netlens.publish.verified import NAME, OPERATION, Verified, judged, now

TYPESETTERS = ("netlens", "typst", "nbconvert")  # another version may set another page
SCHEMA = b'"netlens-audit/'
MOST = 256 * 2**20  # bytes of a stream that are unpacked


def pages(folder: Path, content: Mapping[str, Any]) -> Iterator[Verified]:
    """The notebook speaks of these numbers, and the PDF and the page are what is typeset from it."""
    if not (folder / f"{NAME}.ipynb").is_file():
        yield Verified("PDF", "not checked", "the notebook that it was set from is missing")
        return
    notebook = nb.read(folder / f"{NAME}.ipynb", OPERATION)
    said = notebook["metadata"].get("netlens", {}).get("report")
    yield judged(
        "title page", [] if said == content["report"] else ["it is not that of the numbers"], "it is that of the numbers"
    )
    shown = _text(notebook)
    silent = [code for code, finding in content["findings"].items() if _plain(finding["sentence"]) not in shown]
    yield judged("sentences", silent, f"the notebook says what each of {len(content['findings'])} findings says")
    path, numbers = folder / f"{NAME}.pdf", (folder / f"{NAME}.json").read_bytes()
    inside = path.is_file() and numbers in _streams(path.read_bytes())
    yield judged("numbers in the PDF", [] if inside else ["they are not those beside it"], "they are those beside it")
    other = [f"{name} {version(name)}" for name in TYPESETTERS if content["provenance"].get(name) != version(name)]
    if other:
        yield Verified("PDF", "not checked", f"it was set with other versions; here: {', '.join(other)}")
        return
    from netlens.publish.pdf import pdf_bytes
    from netlens.publish.report_page import page

    attached = {f"{NAME}.json": numbers}
    wrong = [] if path.is_file() and path.read_bytes() == pdf_bytes(notebook, attached=attached) else [now(path)]
    yield judged("PDF", wrong, "set again, it is the same byte for byte")
    html = folder / f"{NAME}.html"
    wrong = [] if html.is_file() and html.read_text(encoding="utf-8") == page(notebook) else [now(html)]
    yield judged("page", wrong, "written again, it is the same byte for byte")


def embedded(path: Path) -> str:
    """The numbers inside of a PDF, as text.

    Raises
    ------
    DataError : it cannot be read, or holds none.
    """
    remedy = "Give the PDF of an audit, as netlens wrote it."
    try:
        pdf = path.read_bytes()
    except OSError as error:
        raise DataError(OPERATION, f"'{path}' cannot be read ({type(error).__name__})", remedy=remedy) from error
    found = (stream for stream in _streams(pdf) if stream.startswith(b"{") and SCHEMA in stream)
    numbers = next(found, None)
    if numbers is None:
        raise DataError(OPERATION, f"'{path.name}' holds no numbers of an audit", remedy=remedy)
    return numbers.decode(errors="replace")


def _streams(pdf: bytes) -> Iterator[bytes]:
    """The compressed streams of a PDF."""
    for start in re.finditer(rb"stream\r?\n", pdf):
        try:
            yield zlib.decompressobj().decompress(pdf[start.end() :], MOST)
        except zlib.error:
            continue  # a stream of another kind


def _text(notebook: nb.Notebook) -> str:
    """All that a notebook shows in words."""
    outputs = [output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", [])]
    shown = [nb.text(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    shown += [nb.text(data["text/markdown"]) for data in outputs if "text/markdown" in data]
    shown += [html.unescape(re.sub(r"<[^>]+>", " ", nb.text(data["text/html"]))) for data in outputs if "text/html" in data]
    return _plain(" ".join(shown))


def _plain(text: str) -> str:
    return " ".join(text.split())
