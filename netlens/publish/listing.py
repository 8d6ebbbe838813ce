"""What netlens knows by name: notebooks with their parameters, methods, data sets, models, checks."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from netlens import paths
from netlens.publish import columns
from netlens.publish import notebook as nb
from netlens.publish.hyperparameters import hyperparameters
from netlens.publish.parameters import declared

OPERATION = "netlens list"
WIDTH = 24
METHOD = ("family", "needs", "cost", "gives", "paper")  # the columns of the table of methods
UNKNOWN_TERMINAL = (120, 24)
Rows = dict[str, dict[str, Any]]


def parameters(path: Path) -> list[dict[str, Any]]:
    """The parameters of a notebook, as plain values."""
    known = declared(path, OPERATION).values()
    return [{"name": one.name, "type": str(one.kind), "default": one.default, "help": one.help} for one in known]


def parameter_lines(path: Path) -> list[str]:
    """The parameters of a notebook, for people."""
    rows = [(f"{one['name']}: {one['type']} = {one['default']!r}", one["help"]) for one in parameters(path)]
    width = max((len(declaration) for declaration, _ in rows), default=0)
    return [f"{declaration:<{width}}  {help}".rstrip() for declaration, help in rows] or ["it has no parameters"]


def rows(what: str) -> Rows:
    """All of one sort: `notebooks`, `methods`, `datasets`, `models` or `checks`."""
    if what == "notebooks":
        return notebooks(paths.project(OPERATION))
    return {"methods": methods, "datasets": datasets, "models": models, "checks": checks}[what]()


def lines(what: str, rows: Rows) -> list[str]:
    """The rows for people: methods as a table; else name, summary, and the parameters of a notebook below it."""
    if what == "methods":
        return columns.lines(("name", *METHOD), [[name, *(row[key] for key in METHOD)] for name, row in rows.items()], terminal())
    shown = []
    for name, row in rows.items():
        shown.append(f"{name:<{WIDTH}}  {row['summary']}")
        shown += [
            f"    -p {one['name']}={one['default']}".ljust(WIDTH + 8) + f"  {one['type']}; {one['help']}".rstrip("; ")
            for one in row.get("parameters", [])
        ]
    return shown


def terminal() -> int:
    """How many characters a line of the terminal holds."""
    return shutil.get_terminal_size(UNKNOWN_TERMINAL).columns


def notebooks(project: Path) -> Rows:
    """The project's notebooks: title and parameters."""
    return {
        path.stem: {"summary": nb.title(nb.read(path, OPERATION)), "parameters": parameters(path)}
        for path in nb.all_notebooks(project)
    }


def methods() -> Rows:
    """The explanation methods: what each does, needs, costs and gives, its paper, and its hyper-parameters."""
    from netlens.explain import EXPLAINERS

    return {
        name: {
            "summary": (kind.__doc__ or "").strip().splitlines()[0],
            "family": kind.family,
            "needs": kind.needs,
            "cost": kind.cost,
            "gives": kind.gives,
            "paper": kind.reference,
            "parameters": [
                {"name": one.name, "type": one.type, "default": one.default, "help": one.help}
                for one in hyperparameters(kind).values()
            ],
        }
        for name, kind in EXPLAINERS.items()
    }


def datasets() -> Rows:
    """The data sets."""
    from netlens.data.catalogue import DATASETS

    return {name: asdict(entry) for name, entry in DATASETS.items()}


def models() -> Rows:
    """The tutorial's models."""
    from netlens.models.tutorial import TUTORIAL_MODELS

    return {name: asdict(entry) for name, entry in TUTORIAL_MODELS.items()}


def checks() -> Rows:
    """The checks of an audit: what each asks, needs and costs, and its usual thresholds."""
    from netlens.audit import CHECKS, PROFILES

    return {
        code: {
            "summary": f"{check.title} ({check.area})",
            "what": check.what,
            "needs": list(check.needs),
            "passes for 1,000 samples": {profile: check.cost(profile, 1000) for profile in PROFILES},
            "limits": {name: {"value": limit.value, "reason": limit.reason} for name, limit in check.limits.items()},
        }
        for code, check in CHECKS.items()
    }
