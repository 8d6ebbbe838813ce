"""The floors of the house: a module imports only from floors below it, and heavy libraries only where they belong."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import netlens

PACKAGE = Path(netlens.__file__).parent
# Ascending. Parts that share a line share a floor of the design; there, too, only the later may import the earlier.
ORDER = (
    ("__init__", "errors", "seeding", "paths", "fonts"),
    ("devices", "card"),
    ("data", "models", "capture"),
    ("training", "trained", "internals", "explain"),
    ("behaviour", "quality"),
    ("views",),
    ("audit",),
    ("publish",),
    ("cli_errors", "cli"),
)
HEIGHTS = {part: height for height, part in enumerate(part for floor in ORDER for part in floor)}
DRAWS = {"matplotlib", "seaborn"}
FONTS = ("netlens.publish.pdf.typesetting", {"matplotlib", "matplotlib.font_manager"})  # asks where font files are, draws nothing
LAZY = {"captum", "shap", "lime"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def part(module: str) -> str:
    """The part of the package that a dotted module name belongs to: `netlens.data.load` to `data`."""
    return module.split(".")[1] if "." in module else "__init__"


def name_of(path: Path) -> str:
    """The dotted name of a module file."""
    return ".".join(["netlens", *path.relative_to(PACKAGE).with_suffix("").parts])


def imports(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Every module that is imported, and whether that happens when the file is loaded."""
    inside = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or is_for_types(outer)
        for node in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "netlens" else [base]
        else:
            continue
        yield from ((name, id(node) not in inside) for name in names)


def is_for_types(node: ast.AST) -> bool:
    """Whether a node is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def faults(name: str, source: str) -> list[str]:
    """What a module may not import but does."""
    here = part(name)
    found = []
    for module, at_load in imports(ast.parse(source)):
        top, there = module.split(".")[0], part(module)
        if top == "netlens" and HEIGHTS.get(there, 0) > HEIGHTS[here]:
            found.append(f"{module} is above netlens.{here}")
        if top in DRAWS and here != "views" and not (name == FONTS[0] and module in FONTS[1] and not at_load):
            found.append(f"{module}: only views draw")
        if top in LAZY and at_load:
            found.append(f"{module} must be imported inside the function that uses it")
    return found


@pytest.mark.parametrize("path", MODULES, ids=[name_of(path) for path in MODULES])
def test_a_module_imports_only_from_below(path):
    assert part(name_of(path)) in HEIGHTS, "give the new part a floor"
    assert faults(name_of(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("netlens.data.load", "from netlens.training import fit", "netlens.training is above netlens.data"),
        ("netlens.data.load", "from netlens import models", "netlens.models is above netlens.data"),
        ("netlens.data.load", "def f():\n    import netlens.cli", "netlens.cli is above netlens.data"),
        ("netlens.explain.cam", "def f():\n    import matplotlib.pyplot", "matplotlib.pyplot: only views draw"),
        ("netlens.explain.shapley", "import shap", "shap must be imported inside the function that uses it"),
    ],
)
def test_each_kind_of_fault_is_found(name, source, said):
    assert faults(name, source) == [said]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (
            "netlens.data.load",
            "from netlens.data.digits import mnist\nfrom netlens import paths\nfrom netlens.errors import DataError",
        ),
        ("netlens.explain.shapley", "def f():\n    import shap"),
        ("netlens.explain.shapley", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import shap"),
        ("netlens.views.base", "import matplotlib"),
        ("netlens.paths", "from netlens.errors import UsageError"),
    ],
)
def test_what_is_allowed_is_no_fault(name, source):
    assert faults(name, source) == []
