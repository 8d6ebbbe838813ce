"""Write the page of the site that lists the audit reports."""

import json
from collections import Counter
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from netlens.errors import RunError

FORMATS = (
    ("audit.pdf", "PDF", "to hand over"),
    ("audit.html", "HTML", "to read on a screen"),
    ("audit.json", "JSON", "every number"),
)

INTRODUCTION = """\
# Audit reports

An audit says what a model does on data that it has never seen, how sure we may be of it, and where it fails.
Each report below was made by the command beside it. The PDF is the one to hand over; the JSON file holds every number in it.
"""

EMPTY = """\
No model was audited for this site. `netlens audit my_model.toml` makes a report of a model of your own.
"""


def reports_page(reports: Mapping[str, Path]) -> str:
    """Markdown that lists each report with its files and one line on what it found.

    Parameters
    ----------
    reports : model -> the folder that holds `audit.pdf`, `audit.html` and `audit.json`.
    """
    if not reports:
        return f"{INTRODUCTION}\n{EMPTY}"
    return "\n".join([INTRODUCTION, *(_entry(model, folder) for model, folder in sorted(reports.items()))])


def _entry(model: str, folder: Path) -> str:
    links = " ".join(
        f'<a class="report-file" href="../reports/{escape(model)}/{file}"><strong>{label}</strong> {use}</a>'
        for file, label, use in FORMATS
        if (folder / file).is_file()
    )
    summary = _summary(folder)
    return f'## {model}\n\n{summary}\n\n```text\n$ netlens audit {model}\n```\n\n<p class="report-files">{links}</p>\n'


def _summary(folder: Path) -> str:
    """One line on the report, from the numbers that it holds."""
    path = folder / "audit.json"
    if not path.is_file():
        return ""
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise RunError("netlens build", f"{path} is not JSON: {error}", remedy="Run the audit again.") from error
    report = facts.get("report", {})
    about = str(report.get("subtitle") or report.get("title", "")).rstrip(".")
    verdicts = Counter(finding["verdict"] for finding in facts.get("findings", {}).values())
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    return f"{about}. Of {verdicts.total()} checks: {counts}." if counts else f"{about}."
