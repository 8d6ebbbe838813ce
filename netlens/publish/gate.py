"""The gate between a run and the site: what an executed notebook must be before anybody reads it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlens.errors import RunError
from netlens.publish import notebook as nb
from netlens.publish.failure import cell_number

NOTEBOOK_BYTES = 8_000_000
OUTPUT_BYTES = 1_500_000
BARE_IMAGE = re.compile(r"<img\b(?![^>]*\balt=)", re.IGNORECASE)
TEXTS = ("text/", "image/svg+xml", "application/json", "application/javascript")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a notebook, where, and what to do about it. Cell 0 is the notebook as a whole."""

    notebook: str
    cell: int
    problem: str
    remedy: str

    def __str__(self) -> str:
        where = f"notebook '{self.notebook}'" + (f", cell {self.cell}" if self.cell else "")
        return f"{where}: {self.problem}. {self.remedy}"


def check(name: str, copy: Path, project: Path, operation: str = "netlens build") -> list[Problem]:
    """Everything that is wrong with an executed copy of the notebook `name`."""
    problems = []
    if (size := copy.stat().st_size) > NOTEBOOK_BYTES:
        remedy = "Show fewer or smaller figures."
        problems.append(
            Problem(name, 0, f"the executed copy has {size / 1e6:.1f} MB, more than {NOTEBOOK_BYTES / 1e6:g} MB", remedy)
        )
    cells = nb.read(copy, operation)["cells"]
    places = [str(place) for place in (Path.home(), project, Path(sys.prefix)) if len(place.parts) > 1]
    for index, cell in enumerate(cells):
        for output in cell.get("outputs", []):
            number = cell_number(cells, index)
            problems += [Problem(name, number, problem, remedy) for problem, remedy in _faults(output, places)]
    return problems


def enforce(problems: Sequence[Problem], operation: str) -> None:
    """Stop when there is any problem.

    Raises
    ------
    RunError : names every problem, one a line.
    """
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise RunError(operation, f"the executed notebooks are not fit to publish:\n{listed}")


def _faults(output: dict[str, Any], places: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The faults of one output: problem and remedy."""
    facts = output.get("metadata", {}).get("netlens", {})
    data = output.get("data", {})
    shown = _text_of(output)
    if output["output_type"] == "error":
        yield f"it ended in an error, {output['ename']}: {output['evalue']}", "Mend the cell."
        return
    if output["output_type"] == "stream" and output["name"] == "stderr":
        first = next(iter(shown.strip().splitlines()), "")
        yield f"it wrote to stderr: {first!r}", "Mend what causes the message, or say it in prose."
    if any(kind.startswith("image/") for kind in data) and not str(facts.get("alt", "")).strip():
        yield "a figure has no alt text", "Show it as a view of netlens.views, which describes it."
    if BARE_IMAGE.search(nb.text(data.get("text/html", ""))):
        yield "an <img> has no alt text", 'Add alt="...".'
    if facts.get("claim") is False:
        sentence = " ".join(nb.text(data.get("text/markdown", data.get("text/plain", ""))).split())
        yield f"a claim did not hold in this run: “{sentence}”", "Correct the sentence, or find out why the run differs."
    if (size := len(json.dumps(output))) > OUTPUT_BYTES:
        yield f"one output has {size / 1e6:.1f} MB, more than {OUTPUT_BYTES / 1e6:g} MB", "Show less, or at a lower resolution."
    if leaked := next((place for place in places if re.search(re.escape(place) + r"(?![\w.-])", shown)), ""):
        yield f"an output shows a folder of this machine, '{leaked}'", "Print a name or a relative path."


def _text_of(output: dict[str, Any]) -> str:
    """All text of an output that a reader, or a search engine, may see."""
    data = output.get("data", {})
    parts = [nb.text(data[kind]) for kind in data if kind.startswith(TEXTS) and isinstance(data[kind], str | list)]
    parts += [nb.text(output["text"])] if "text" in output else []
    return "\n".join([*parts, json.dumps(output.get("metadata", {}))])
