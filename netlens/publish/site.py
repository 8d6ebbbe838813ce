"""Build the site: stage, Jupyter Book with warnings as errors, reports, checks; only then does it take the old one's place."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path

from netlens.errors import RunError
from netlens.publish import atomic
from netlens.publish.site_check import check_site
from netlens.publish.stage import OPERATION, stage, toc_pages

STAMP = ".netlens-site.json"
SHOWN = 3
MAKERS = ("jupyter-book", "myst-nb", "pydata-sphinx-theme", "sphinx", "sphinx-book-theme", "sphinxcontrib-bibtex")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
REPORT_FILES = ("audit.pdf", "audit.html", "audit.json", "audit.ipynb")


def build_site(project: Path, executed: Mapping[str, Path], html: Path, *, reports: Mapping[str, Path]) -> Path:
    """Build the site into the folder `html`; nothing happens when it already shows exactly this.

    Parameters
    ----------
    project : the folder with `_config.yml`, `_toc.yml`, `book/` and `notebooks/`.
    executed : notebook name -> its executed copy.
    html : the folder of the site. It keeps the old site until the new one is whole and has passed its checks.
    reports : model -> the folder that holds its report.

    Returns
    -------
    The first page.

    Raises
    ------
    UsageError : a page of the table of contents is missing.
    RunError : Jupyter Book gave a warning, or a page failed a check. The message quotes it.

    Notes
    -----
    Two builds of one project at once are the caller's to prevent.
    """
    build = html.parent
    atomic.sweep(build)
    staged = build / "stage"
    stage(project, executed, staged, reports=reports)
    stamp = _digest(staged, reports)
    if _stamp(html) == stamp:
        return html / "index.html"
    with atomic.writing(OPERATION, html), tempfile.TemporaryDirectory(dir=build, prefix=atomic.PREFIX) as work:
        fresh = _jupyter_book(staged, Path(work), build / "logs" / "jupyter-book.log", project)
        (fresh / "index.html").write_text(_front_door(toc_pages(project)[0]), encoding="utf-8")
        _copy_reports(reports, fresh / "reports")
        _require_sound(fresh, build / "html-rejected")
        (fresh / STAMP).write_text(json.dumps({"made_from": stamp, "holds": _listing(fresh)}), encoding="utf-8")
        atomic.swap(fresh, html)
    return html / "index.html"


def _jupyter_book(staged: Path, work: Path, log: Path, project: Path) -> Path:
    """Run Jupyter Book; what it says goes into `log`."""
    program = "import sys; from jupyter_book.cli.main import main; sys.argv[0] = 'jupyter-book'; main()"
    options = ["-W", "-n", "--keep-going", "--path-output", str(work), "--toc", str(staged / "_toc.yml")]
    command = [sys.executable, "-c", program, "build", str(staged), *options]
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONHASHSEED": "0", "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", errors="replace", env=environment, check=False
    )
    said = COLOUR.sub("", done.stdout + done.stderr)
    atomic.write(log, said, OPERATION)
    html = work / "_build" / "html"
    if done.returncode != 0 or not html.is_dir():
        shown = log.relative_to(project) if log.is_relative_to(project) else log
        raise RunError(
            OPERATION,
            f"Jupyter Book gave {_complaints(said, staged) or f'exit code {done.returncode}'}",
            expected="a book without a warning",
            remedy=f"Mend the page and build again. All that was said: {shown}",
        )
    return html


def _complaints(said: str, staged: Path) -> str:
    """The first warnings, with the files named as they are in the project."""
    lines = [line for line in said.splitlines() if re.search(r"\b(WARNING|ERROR|CRITICAL|Error)\b:?", line)]
    plain = [line.replace(f"{staged}{os.sep}", "").strip() for line in lines if "treated as errors" not in line]
    unique = list(
        dict.fromkeys(re.sub(r"^(\S+\.ipynb):(\d+)", lambda found: _cell(staged, *found.groups()), line) for line in plain)
    )
    more = f" and {len(unique) - SHOWN} more" if len(unique) > SHOWN else ""
    return f"{'; '.join(unique[:SHOWN])}{more}" if unique else ""


def _cell(staged: Path, name: str, number: str) -> str:
    """Say where a notebook's warning is: MyST-NB counts 10,000 lines a cell, from the first."""
    index, line = divmod(int(number), 10_000)
    cells = json.loads((staged / name).read_text(encoding="utf-8"))["cells"]
    return f"{name}, cell '{cells[index - 1]['id']}', line {line}" if 0 < index <= len(cells) else name


def _front_door(first: str) -> str:
    """A page that leads to the first page, for browsers with and without redirection."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={first}.html">
<title>netlens</title>
<link rel="canonical" href="{first}.html">
</head>
<body><p><a href="{first}.html">netlens</a></p></body>
</html>
"""


def _copy_reports(reports: Mapping[str, Path], target: Path) -> None:
    for model, folder in reports.items():
        (target / model).mkdir(parents=True)
        for name in REPORT_FILES:
            if (folder / name).is_file():
                shutil.copy2(folder / name, target / model / name)


def _require_sound(site: Path, rejected: Path) -> None:
    """Refuse a site that fails a check; it is kept aside so that one can look."""
    problems = check_site(site)
    if not problems:
        shutil.rmtree(rejected, ignore_errors=True)
        return
    atomic.swap(site, rejected)
    more = f"\n  and {len(problems) - 5} more" if len(problems) > 5 else ""
    shown = "".join(f"\n  {problem}" for problem in problems[:5])
    raise RunError(OPERATION, f"the built pages failed {len(problems)} checks:{shown}{more}\nThe pages are in {rejected}")


def _digest(staged: Path, reports: Mapping[str, Path]) -> str:
    """A fingerprint of all that the site is made from: what is staged, the reports, this program."""
    digest = hashlib.sha256("".join(f"{name} {metadata.version(name)}\n" for name in MAKERS).encode())
    for label, path in _sources(staged, reports):
        content = path.read_bytes()
        digest.update(f"{label} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _sources(staged: Path, reports: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    for path in sorted(staged.rglob("*")):
        if path.is_file():
            yield path.relative_to(staged).as_posix(), path
    for model, folder in sorted(reports.items()):
        yield from ((f"{model}/{name}", folder / name) for name in REPORT_FILES if (folder / name).is_file())
    yield from ((path.name, path) for path in sorted(Path(__file__).parent.glob("site*.py")))


def _stamp(html: Path) -> str:
    """What the site at `html` was made from, or "" when there is none or files of it were lost."""
    path = html / STAMP
    if not path.is_file():
        return ""
    try:
        stamp = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:  # damaged, so nothing is known of the site: build it again
        return ""
    return str(stamp["made_from"]) if stamp["holds"] == _listing(html) else ""


def _listing(site: Path) -> dict[str, int]:
    """The size of each file of a site."""
    files = (path for path in sorted(site.rglob("*")) if path.is_file() and path.name != STAMP)
    return {path.relative_to(site).as_posix(): path.stat().st_size for path in files}
