"""The stored runs: executed copies without anything that changes from run to run, and a record of what made them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from netlens.publish import notebook as nb
from netlens.publish.fingerprints import of_file
from netlens.publish.plan import Plan

COPY = "notebook.ipynb"
RECORD = "run.json"
FAILED = "failed.ipynb"
INJECTED = "injected-parameters"
KEPT_RUNS = 4
NAMED = (
    "netlens",
    "torch",
    "torchvision",
    "numpy",
    "pandas",
    "matplotlib",
    "shap",
    "lime",
    "scikit-learn",
    "papermill",
)


def damage(folder: Path) -> str:
    """What is wrong with a stored run; "" when it is whole."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        files: dict[str, str] = record["files"]
    except FileNotFoundError:
        return f"{RECORD} is missing"
    except (ValueError, KeyError, TypeError):
        return f"{RECORD} cannot be read"
    if COPY not in files:
        return f"{RECORD} names no {COPY}"
    for name, digest in files.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if of_file(path) != digest:
            return f"{name} has changed"
    return ""


def record(plan: Plan, folder: Path, seconds: float) -> None:
    """Write the record of a run beside its results; it comes last and makes the run whole."""
    files = {path.relative_to(folder).as_posix(): of_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    facts = {
        "notebook": plan.name,
        "key": plan.key,
        "parameters": plan.parameters,
        "values": plan.values,
        "device": plan.device,
        "inputs": plan.inputs,
        "versions": versions(),
        "seconds": round(seconds, 3),
        "files": files,
    }
    (folder / RECORD).write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a whole run."""
    facts: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    return facts


def versions() -> dict[str, str]:
    """The installed versions of the packages that results depend on most."""
    found = {}
    for name in NAMED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def settle(copy: Path, source: Path, operation: str) -> None:
    """Take out of an executed copy what changes from run to run: times, paths, random identities."""
    executed = nb.read(copy, operation)
    known = {cell.get("id") for cell in nb.read(source, operation)["cells"]}
    executed["metadata"].pop("papermill", None)
    for index, cell in enumerate(executed["cells"]):
        for volatile in ("papermill", "execution"):
            cell["metadata"].pop(volatile, None)
        if INJECTED in nb.tags(cell):
            cell["id"] = INJECTED
        elif cell.get("id") not in known:
            cell["id"] = f"cell-{index}"
    copy.write_text(json.dumps(executed, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def prune(plans: Sequence[Plan]) -> None:
    """Keep the latest runs of each notebook, and those of these plans however many they are; the others go."""
    wanted = {plan.folder for plan in plans}
    for runs in sorted({plan.runs for plan in plans}):
        folders = [path for path in runs.iterdir() if path.is_dir() and (path / RECORD).is_file() and path not in wanted]
        room = max(0, KEPT_RUNS - sum(folder.parent == runs for folder in wanted))
        for old in sorted(folders, key=lambda path: (path / RECORD).stat().st_mtime, reverse=True)[room:]:
            shutil.rmtree(old, ignore_errors=True)
