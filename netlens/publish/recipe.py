"""Say how a page was made and how to make it again: parameters, command, time, versions."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netlens.publish.notebook import Notebook, tags, text
from netlens.publish.parameters import read_cell

PARAMETERS, INJECTED = "parameters", "injected-parameters"
PLACES = ("out", "data_root")  # where files lie on this machine: no part of the result
LIBRARIES = ("netlens", "torch", "torchvision", "numpy", "matplotlib")
AUDIT = "audit"


def declared(source: str) -> dict[str, Any]:
    """The names that a parameters cell assigns, and their literal values."""
    return {name: value for name, value, _ in _assignments(source)}


def used(executed: Notebook) -> dict[str, Any]:
    """The value of each parameter in this run: the default, or what papermill put in its place."""
    return declared(_source(executed, PARAMETERS)) | declared(_source(executed, INJECTED))


def shown_parameters(executed: Notebook) -> str:
    """The parameters cell with the values of this run in place of the defaults; annotations and comments stay."""
    source, values = _source(executed, PARAMETERS), declared(_source(executed, INJECTED))
    lines = source.splitlines()
    for name, value, node in sorted(_assignments(source), key=lambda item: -item[2].lineno):
        if name in PLACES or name not in values or values[name] == value:
            continue
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        start, end = _columns(lines, node)
        lines[first : last + 1] = [lines[first][:start] + repr(values[name]) + lines[last][end:]]
    return "\n".join(lines)


def _columns(lines: list[str], node: ast.expr) -> tuple[int, int]:
    """Where an expression starts and ends, in characters; `ast` counts bytes."""
    first, last = lines[node.lineno - 1].encode(), lines[(node.end_lineno or node.lineno) - 1].encode()
    return len(first[: node.col_offset].decode()), len(last[: node.end_col_offset].decode())


def _source(notebook: Notebook, tag: str) -> str:
    return next((text(cell["source"]) for cell in notebook["cells"] if tag in tags(cell)), "")


def _assignments(source: str) -> Iterator[tuple[str, Any, ast.expr]]:
    for statement in ast.parse(source).body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) | ast.Assign([ast.Name(id=name)], value):
                yield name, ast.literal_eval(value), value


@dataclass(frozen=True)
class Recipe:
    """What a reader needs to make a page again.

    Parameters
    ----------
    name : the notebook's name.
    defaults, values : the parameters as declared, and as used in this run.
    seconds : how long the run took, or None when that is not known.
    device : where it ran, or "" when that is not known.
    versions : library -> version.
    takes_card : whether the notebook runs on a reader's own model; the comment of its parameter `model` then speaks of a card.
    """

    name: str
    defaults: dict[str, Any]
    values: dict[str, Any]
    seconds: float | None
    device: str
    versions: dict[str, str]
    takes_card: bool

    @classmethod
    def of(cls, executed: Notebook, name: str, record: Mapping[str, Any]) -> Recipe:
        """Read the recipe from an executed copy and the record that its run left (`netlens.publish.stored`)."""
        values = used(executed)
        python = executed["metadata"].get("language_info", {}).get("version", "")
        recorded = record.get("versions", {})
        versions = {"Python": python} | {library: recorded[library] for library in LIBRARIES if library in recorded}
        device = str(record.get("device") or values.get("device", ""))
        source = _source(executed, PARAMETERS)
        known = read_cell(source, name)
        takes_card = "model" in known and "card" in known["model"].help
        return cls(name, declared(source), values, record.get("seconds"), device, versions, takes_card)

    def command(self) -> str:
        """The command that makes this page's numbers again."""
        changed = [
            f"-p {name}={shlex.quote(str(value))}"
            for name, value in self.values.items()
            if name not in PLACES and value != self.defaults.get(name)
        ]
        return " ".join(["netlens run", self.name, *changed])

    def strip(self) -> str:
        """The box near the top of a page: the command, what may be changed, the notebook itself."""
        own = ""
        if self.takes_card:
            command = f"netlens audit {OWN_CARD}" if self.name == AUDIT else f"netlens run {self.name} --model {OWN_CARD}"
            own = f"With a model of your own: `{command}`. "
        names = ", ".join(f"`{name}`" for name in self.values if name not in PLACES)
        change = f"`-p NAME=VALUE` changes {names}. " if names else ""
        return STRIP.format(command=self.command(), change=change, own=own, notebook=f"{self.name}.ipynb")

    def footer(self) -> str:
        """The box at the end of a page: seed, device, time, versions."""
        facts = [("Command", f"`{self.command()}`")]
        if "seed" in self.values:
            facts.append(("Seed", str(self.values["seed"])))
        if self.device:
            facts.append(("Device", self.device))
        if self.seconds is not None:
            facts.append(("Run time", f"{max(1, round(self.seconds))} s"))
        facts.append(("Versions", ", ".join(f"{library} {version}" for library, version in self.versions.items() if version)))
        return FOOTER.format(facts="\n".join(f"{label}\n: {value}\n" for label, value in facts))


OWN_CARD = "my_model.toml"

STRIP = """\
::::{{admonition}} Run this yourself
:class: run-this
```text
$ {command}
```
{change}{own}Or open {{download}}`the notebook <sources/{notebook}>` in Jupyter and run it from top to bottom.
::::
"""

FOOTER = """\
:::{{admonition}} How this page was made
:class: made-by

{facts}
:::
"""
