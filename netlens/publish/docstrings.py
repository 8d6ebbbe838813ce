"""Turn a docstring in the house's style (numpydoc headings, Markdown prose) into Markdown."""

import inspect
import re

SECTIONS = ("Parameters", "Attributes", "Returns", "Yields", "Raises", "Notes", "Examples", "References")
LISTED = ("Parameters", "Attributes", "Raises")
ENTRY = re.compile(r"^(\S[^:\n]*?) : (.*)$")


def markdown(docstring: str) -> str:
    """The docstring as Markdown: sections become bold lines, `name : text` becomes a definition."""
    text = inspect.cleandoc(docstring)
    titles = "|".join(SECTIONS)
    pieces = re.split(rf"^({titles})\n-{{3,}}\n?", text, flags=re.MULTILINE)
    parts = [_prose(pieces[0])]
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        parts.append(f"**{title}**")
        parts.append(_definitions(body) if title in LISTED else _prose(body))
    return "\n\n".join(part for part in parts if part)


def _definitions(body: str) -> str:
    """A definition list from lines `name : text`, each followed by its indented continuation."""
    entries: list[tuple[str, list[str]]] = []
    for line in body.strip().splitlines():
        if match := ENTRY.match(line):
            entries.append((match[1], [match[2]]))
        elif entries:
            entries[-1][1].append(line.strip())
        else:
            return _prose(body)
    return "\n\n".join(f"`{name}`\n: {_escape(' '.join(words).strip())}" for name, words in entries)


def _prose(body: str) -> str:
    """Paragraphs as they are; sessions that begin with a prompt become code."""
    blocks = [block for block in re.split(r"\n\s*\n", body.strip()) if block.strip()]
    return "\n\n".join(_session(block) if block.lstrip().startswith(">>>") else _escape(block) for block in blocks)


def _session(block: str) -> str:
    return f"```pycon\n{block}\n```"


def _escape(text: str) -> str:
    """Keep signs that mean something to MyST from meaning it, except inside code."""
    pieces = re.split(r"(``[^`]+``|`[^`]+`)", text)
    return "".join(piece if piece.startswith("`") else re.sub(r"([<${\\|])", r"\\\1", piece) for piece in pieces)
