"""Plan the run of a notebook: what goes in, and the key that says whether it was done before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from netlens.publish import accelerator, fingerprints
from netlens.publish.environment import threads
from netlens.publish.kinds import Value
from netlens.publish.parameters import Parameter, declared, resolve
from netlens.publish.usual import check

BUILD = "_build"
FORMAT = 1
OUT = "out"
HERE = "."


@dataclass(frozen=True)
class Plan:
    """One run of one notebook.

    `parameters` holds the values that differ from the notebook's defaults; `inputs` the hash of everything else that can change
    the result.
    """

    project: Path
    notebook: Path
    parameters: dict[str, Value]
    values: dict[str, Value]
    device: str
    inputs: dict[str, str]

    @property
    def name(self) -> str:
        """The notebook's name."""
        return self.notebook.stem

    @cached_property
    def key(self) -> str:
        """The hash of all that goes in; equal keys, equal results."""
        return fingerprints.of_json([FORMAT, self.name, self.parameters, self.device, threads(), self.inputs])

    @property
    def runs(self) -> Path:
        """The folder of all runs of this notebook."""
        return runs_folder(self.project, self.name)

    @property
    def folder(self) -> Path:
        """The folder of this run."""
        return self.runs / self.key

    def refreshed(self) -> Plan:
        """The same plan, once data that was absent before the run has been downloaded by it."""
        absent = [name for name, digest in self.inputs.items() if digest == fingerprints.ABSENT]
        now = fingerprints.of_inputs(self.values) if absent else {}
        return replace(self, inputs=self.inputs | {name: now[name] for name in absent if name in now})


def runs_folder(project: Path, name: str) -> Path:
    """The folder of all runs of a notebook."""
    return project / BUILD / "runs" / name


def plan(project: Path, notebook: Path, given: Mapping[str, str], operation: str) -> Plan:
    """Plan a run of `notebook` with the texts `given` for some of its parameters.

    Raises
    ------
    UsageError : a parameter, or the value of one, does not exist.
    """
    known = declared(notebook, operation)
    changed = check(resolve(notebook, known, given, operation), operation)
    if OUT in known and OUT not in changed:
        changed[OUT] = HERE
    return _planned(project, notebook, known, changed, operation)


def _planned(project: Path, notebook: Path, known: Mapping[str, Parameter], changed: dict[str, Value], operation: str) -> Plan:
    defaults = {name: parameter.default for name, parameter in known.items()}
    values = defaults | changed
    source = notebook.read_bytes()
    inputs = {
        "notebook": fingerprints.of_bytes(source),
        "package": fingerprints.package(everything=b"netlens.publish" in source or b"netlens.cli" in source),
        "environment": fingerprints.environment(),
        **fingerprints.of_inputs(values),
    }
    different = {name: value for name, value in changed.items() if value != defaults[name]}
    device = accelerator.kind(str(values.get("device", "auto")), operation)
    return Plan(project, notebook, different, values, device, inputs)
