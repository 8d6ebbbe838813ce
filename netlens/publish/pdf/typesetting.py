"""Run Typst: fonts, standards, and a message that says what could not be set."""

from __future__ import annotations

import logging
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from netlens.errors import RunError
from netlens.fonts import ASIAN, ASIAN_FONTS
from netlens.publish.pdf.document import OPERATION, Document

log = logging.getLogger(__name__)

FIXED_TIME = 946684800  # 1 January 2000, UTC: the date in a PDF's metadata when SOURCE_DATE_EPOCH names none
UNSHOWN = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)


def typeset(document: Document) -> bytes:
    """Set a document as PDF/A-2a and PDF/UA-1; as PDF/A-3a when files are attached.

    A character that no font here has is written as its number, such as (U+1F680), and a warning names it.

    Raises
    ------
    RunError : Typst refuses it: a broken picture, or text that cannot be set.
    """
    import typst

    texts = {"main.typ": document.source, "head.json": document.files["head.json"].decode()}
    fonts, asian = _fonts(any(ASIAN.search(text) for text in texts.values()))
    options: dict[str, Any] = {
        "format": "pdf",
        "ignore_system_fonts": True,
        "pdf_standards": ["a-3a" if document.attached else "a-2a", "ua-1"],
        "timestamp": int(os.environ.get("SOURCE_DATE_EPOCH", FIXED_TIME)),
        "sys_inputs": {"asian": asian},
    }
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "fonts").mkdir()
        for font in fonts:
            shutil.copy2(font, Path(folder) / "fonts" / font.name)
        options["font_paths"] = [str(Path(folder) / "fonts")]
        for name, content in document.files.items():
            (Path(folder) / name).write_bytes(content)
        while True:
            for name, text in texts.items():
                (Path(folder) / name).write_text(text, encoding="utf-8")
            try:
                made, warnings = typst.compile_with_warnings(str(Path(folder) / "main.typ"), root=folder, **options)
            except typst.TypstError as error:
                texts = _spelt_out(texts, error)
                continue
            for warning in warnings:
                log.warning("typst: %s", warning)
            return bytes(made)


def _spelt_out(texts: dict[str, str], error: Any) -> dict[str, str]:
    """Replace the characters that no font has by their numbers; any other error, or one that this does not mend, is raised."""
    missing = {sign for found in UNSHOWN.findall(error.diagnostic) for sign in found if ord(sign) > 127}
    numbers = {ord(sign): f"(U+{ord(sign):04X})" for sign in missing}
    mended = {name: text.translate(numbers) for name, text in texts.items()}
    if mended == texts:
        where = " ".join(error.diagnostic.split()[:60])
        problem = f"the PDF could not be set: {error.message}"
        raise RunError(OPERATION, problem, remedy=f"Look at the figure or text that Typst names: {where}") from error
    names = ", ".join(sorted(numbers.values()))
    log.warning("no font here has %s; for Chinese, Japanese and Korean install Noto Sans CJK", names)
    return mended


def _fonts(needs_asian: bool) -> tuple[list[Path], str]:
    """Font files: the family that matplotlib's SVG figures use, and one for Chinese, Japanese and Korean text if needed.

    matplotlib's font of last resort is left out: it draws a box for any character, so that nobody would learn of a missing one.
    """
    import matplotlib
    from matplotlib import font_manager

    own = sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("DejaVu*.ttf"))
    if not needs_asian:
        return own, ""
    files = {entry.name: Path(entry.fname) for entry in font_manager.fontManager.ttflist}
    files |= {
        font_manager.get_font(path).family_name: Path(path) for path in sorted(font_manager.findSystemFonts()) if "CJK" in path
    }
    name = next((name for name in ASIAN_FONTS if name in files), "")
    return ([*own, files[name]], name) if name else (own, "")
