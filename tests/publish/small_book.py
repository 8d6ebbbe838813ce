"""A small book with one executed notebook that shows everything a page may hold."""

from __future__ import annotations

import base64
import json
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import netlens

ROOT = Path(netlens.__file__).parent.parent
NAME = "01_small"
ALT = 'A grey square: it says "here" # and no more.'
CAPTION = "A square, scaled by $x^2$. Notice that it is *grey*."
PROSE = "A page of the small book, long enough to be read, with a [link](second.md) to another page.\n"


def png(width: int = 400, height: int = 200) -> str:
    """A grey picture in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\x00" + b"\x80" * width) * height)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")).decode()


def figure(alt: str = ALT, caption: str = CAPTION) -> dict[str, Any]:
    """A figure output as the views write it."""
    return shown({"image/png": png(), "image/svg+xml": "<svg/>", "text/plain": "<Figure>"}, alt=alt, caption=caption)


def shown(data: dict[str, str], **facts: Any) -> dict[str, Any]:
    """A display output with metadata of netlens."""
    return {"output_type": "display_data", "data": data, "metadata": {"netlens": facts} if facts else {}}


def markdown(source: str, identity: str = "title") -> dict[str, Any]:
    """A Markdown cell."""
    return {"cell_type": "markdown", "id": identity, "metadata": {}, "source": source}


def code(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = (), identity: str = "cell") -> dict[str, Any]:
    """A code cell that has run."""
    metadata = {"tags": list(tags)} if tags else {}
    return {
        "cell_type": "code", "id": identity, "metadata": metadata, "source": source, "outputs": list(outputs), "execution_count": 1,
    }  # fmt: skip


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    """A notebook with these cells."""
    language = {"name": "python", "version": "3.11.9"}
    return {"cells": list(cells), "metadata": {"language_info": language}, "nbformat": 4, "nbformat_minor": 5}


TABLE = (
    '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>n</th><th>word</th></tr>'
    "<tr><th>class</th><th></th><th></th></tr></thead><tbody><tr><th>0</th><td>98</td><td>six</td></tr></tbody></table>"
)
PARAMETERS = 'model: str = "mnist-cnn"  # a name or a card\nout: str = ""  # a folder\nseed: int = 0  # any integer\nlr: float = 1e-3  # step'


def executed() -> dict[str, Any]:
    """An executed notebook that shows everything a page may hold."""
    return notebook(
        markdown("# Does the small book work?\n\nThe formula is $p = 1/2$."),
        code(PARAMETERS, tags=("parameters",), identity="parameters"),
        code('# Parameters\nseed = 7\nout = "/somewhere/private"\n', tags=("injected-parameters",), identity="injected"),
        code("import math", identity="imports"),
        markdown("## What do we see?", "question"),
        code(
            "show()",
            {"output_type": "stream", "name": "stdout", "text": "one line\n"},
            figure(),
            shown({"text/markdown": "We see **98.1 %**.", "text/plain": "We see"}, claim=True),
            figure("A second square.", "Another one."),
            shown({"text/html": TABLE, "text/plain": "n"}, caption="Numbers *per class*."),
            shown({"text/plain": "0.5"}),
            identity="figures",
            tags=("figure:square",),
        ),
    )


def write_book(root: Path) -> dict[str, Path]:
    """Write the project of the small book below `root`; say where its executed notebook is."""
    (root / "notebooks").mkdir(parents=True)
    run = root / "_build" / "runs" / NAME / "key"
    run.mkdir(parents=True)
    shutil.copy(ROOT / "_config.yml", root)
    shutil.copytree(ROOT / "book" / "_static", root / "book" / "_static")
    shutil.copy(ROOT / "book" / "api.md", root / "book")
    pages = [{"file": "book/second"}, {"file": f"notebooks/{NAME}"}, {"file": "book/reports"}, {"file": "book/api"}]
    (root / "_toc.yml").write_text(json.dumps({"format": "jb-book", "root": "book/intro", "chapters": pages}))
    (root / "book" / "intro.md").write_text(
        f"# A small book\n\n```{{include}} figures/square.md\n```\n\n{PROSE}\n:::{{note}}\nA note.\n:::\n\n```python\nx = 1\n```\n"
    )
    (root / "book" / "second.md").write_text("# The second page\n\nSee {cite:t}`someone`.\n\n```{bibliography}\n```\n")
    (root / "book" / "references.bib").write_text(
        "@book{someone, author={Some, One}, title={Book}, publisher={P}, year={1998}}\n"
    )
    sources = [cell for cell in executed()["cells"] if cell["id"] != "injected"]
    (root / "notebooks" / f"{NAME}.ipynb").write_text(json.dumps(notebook(*[{**cell, "outputs": []} for cell in sources])))
    (run / "notebook.ipynb").write_text(json.dumps(executed()))
    (run / "run.json").write_text(
        json.dumps({"seconds": 8.7, "device": "cpu", "versions": {"torch": "2.9.0", "papermill": "2.7"}})
    )
    return {NAME: run / "notebook.ipynb"}


def write_report(folder: Path) -> Path:
    """Write a report as an audit leaves it."""
    folder.mkdir(parents=True)
    (folder / "audit.pdf").write_bytes(b"%PDF-1.7\n")
    findings = {f"NL{place}": {"verdict": verdict} for place, verdict in enumerate(("PASS", "WARN", "PASS"))}
    (folder / "audit.json").write_text(
        json.dumps({"report": {"title": "Audit", "subtitle": "98.1 % of 1,000 images are recognised"}, "findings": findings})
    )
    (folder / "audit.html").write_text(
        '<!DOCTYPE html><html lang="en"><head><title>Audit</title></head><body><h1>Audit</h1></body></html>'
    )
    return folder
