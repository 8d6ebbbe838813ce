"""Turn what a worker process reports of a failed run into one clear error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netlens import errors
from netlens.errors import NetlensError, RunError
from netlens.publish import notebook as nb
from netlens.publish.atomic import refusal
from netlens.publish.plan import Plan
from netlens.publish.stored import INJECTED

LONGEST_LINE = 80


def cell_number(cells: list[nb.Cell], index: int) -> int:
    """The number of a cell, from 1, as the reader of the source counts."""
    return index + 1 - sum(INJECTED in nb.tags(cell) for cell in cells[:index])


def of_cell(facts: dict[str, Any], plan: Plan, kept: Path, operation: str) -> NetlensError:
    """Make the error for a cell that raised; one that netlens itself raised for bad input keeps its kind and its words."""
    injected = bool(plan.parameters) and facts["index"] > _parameters_cell(plan, operation)
    number = facts["index"] + (0 if injected else 1)
    where = f"notebook '{plan.name}' stopped at cell {number} ({_first_line(facts['source'])})"
    copy = f"The copy with the failing cell marked is '{kept}'."
    if kind := bad_input(facts["name"]):
        error = kind(*facts["value"].partition(": ")[::2])
        error.args = (facts["value"],)  # verbatim
        error.add_note(f"{where}. {copy}")
        return error
    return RunError(operation, f"{where}: {facts['name']}: {facts['value']}".rstrip(": "), remedy=copy)


def bad_input(name: str) -> type[NetlensError] | None:
    """The kind of error that netlens raises for bad input under this name."""
    kind = getattr(errors, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, NetlensError) and kind.exit_code == 2 else None


def of_process(facts: dict[str, Any], plan: Plan, stderr: str, operation: str) -> NetlensError:
    """Make the error for a run that ended without a result."""
    if facts.get("dead"):
        problem = f"the kernel of notebook '{plan.name}' died"
        return RunError(operation, problem, remedy="Often memory was full: try a smaller sample, or --jobs 1.")
    if refused := facts.get("refused"):
        if clear := refusal(operation, Path(refused["path"]), refused["number"]):
            return clear
        stderr = refused["text"]
    last = stderr.strip().splitlines()[-1:] or ["it said nothing"]
    error = RunError(operation, f"the process that ran notebook '{plan.name}' broke: {last[0]}", remedy="Try --debug.")
    error.__cause__ = RuntimeError(stderr)
    return error


def _parameters_cell(plan: Plan, operation: str) -> int:
    """The position of the cell that parameters are injected after; -1 when there is none."""
    for index, cell in enumerate(nb.read(plan.notebook, operation)["cells"]):
        if "parameters" in nb.tags(cell):
            return index
    return -1


def _first_line(source: str) -> str:
    line = next((line.strip() for line in source.splitlines() if line.strip() and not line.startswith("#")), "empty")
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"
