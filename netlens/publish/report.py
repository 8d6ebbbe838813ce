"""Make the report of a model: run the audit notebook, then write its files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netlens.errors import UsageError
from netlens.publish import gate, stored
from netlens.publish import notebook as nb
from netlens.publish.atomic import new_folder
from netlens.publish.plan import BUILD, plan
from netlens.publish.report_cost import cost
from netlens.publish.report_files import fresh, numbers, refuse_foreign, write
from netlens.publish.run import run_all

NOTEBOOK = "audit"
OPERATION = "netlens audit"


def reports_folder(project: Path) -> Path:
    """The folder of the project's reports, one folder a model."""
    return project / BUILD / "reports"


@dataclass(frozen=True)
class Audited:
    """One model's report: its folder, and what a gate would object to in the run."""

    model: str
    folder: Path
    problems: tuple[gate.Problem, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The content of its audit.json."""
        content: dict[str, Any] = json.loads((self.folder / numbers(NOTEBOOK)).read_text(encoding="utf-8"))
        return content


def audit(
    project: Path,
    models: Sequence[str],
    given: Mapping[str, str],
    out: Path | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> list[Audited]:
    """Audit models and write a report of each.

    Parameters
    ----------
    models : names of tutorial models, or paths of cards.
    given : texts for further parameters of the audit notebook.
    out : the folder that receives one folder a model; by default the project's `_build/reports`.
    say : told what each audit will cost, before it runs.

    Raises
    ------
    UsageError : a model or a parameter does not exist, or two models would share a folder.
    OutputError : a report cannot be written.
    RunError : the audit notebook failed.
    """
    source = nb.find(project, NOTEBOOK, OPERATION)
    plans = [plan(project, source, {**given, "model": model}, OPERATION) for model in models]
    names = [slug(str(one.values["model"])) for one in plans]
    for name in names:
        if names.count(name) > 1:
            problem = f"two models would be reported in the folder '{name}'"
            raise UsageError(OPERATION, problem, remedy="Give the cards different names.")
    folders = [(out or reports_folder(project)) / name for name in names]
    for folder in folders:
        refuse_foreign(folder, NOTEBOOK, OPERATION)
    for name, one in zip(names, plans, strict=True):
        if not one.folder.is_dir() and (price := cost(one)):
            say(f"{name}: {price}")
    found = []
    for name, folder, done in zip(names, folders, run_all(plans, OPERATION), strict=True):
        if not fresh(done, folder):
            with new_folder(folder, OPERATION) as part:
                write(done, part, OPERATION)
        problems = gate.check(done.name, done.folder / stored.COPY, project, OPERATION)
        found.append(Audited(name, folder, tuple(problems)))
    return found


def slug(model: str) -> str:
    """The folder name of a model: a tutorial model's name, or the name in a card; that of its file where the name has no plain letter."""
    names = [model]
    if Path(model).suffix == ".toml":
        try:
            named = tomllib.loads(Path(model).read_text(encoding="utf-8-sig")).get("model", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(OPERATION, f"the card '{model}' is no TOML: {error}") from error
        names = [str(named.get("name", "")) if isinstance(named, dict) else "", Path(model).stem]
    plain = (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in names)
    return next(filter(None, plain), "model")
