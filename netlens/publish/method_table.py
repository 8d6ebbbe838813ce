"""Write what every method of explanation says of itself into the page of methods, read from the source without importing it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import netlens
from netlens.errors import RunError

OPERATION = "netlens build"
PACKAGE = Path(netlens.__file__).parent / "explain"
PAGE = "book/methods.md"
TABLE = "% netlens: the table of methods is inserted here"
FACTS = re.compile(r"^% netlens: the facts of (\w+) are inserted here$", re.MULTILINE)
WIDTHS = ":widths: 20 22 26 32"
SAID = ("name", "family", "needs", "cost", "gives")


@dataclass(frozen=True)
class Method:
    """A class of the registry: where it is defined, and the class variables that every method has."""

    kind: str
    module: str
    name: str
    family: str
    needs: str
    cost: str
    gives: str


def methods(package: Path = PACKAGE) -> dict[str, Method]:
    """The registered methods by their keys, families together, in the order of the registry.

    Raises
    ------
    RunError : the registry, or what a method says of itself, cannot be read.
    """
    tree = _parsed(package / "__init__.py")
    modules = {alias.name: str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    found = [_method(kind, modules[kind], package) for kind in _registered(tree)]
    families = list(dict.fromkeys(method.family for method in found))
    return {method.name: method for method in sorted(found, key=lambda method: families.index(method.family))}


def write_methods(staged: Path) -> None:
    """Replace the markers of the staged page of methods, where there is such a page.

    Raises
    ------
    RunError : the page asks for the facts of a method that is not registered.
    """
    page = staged / PAGE
    if not page.is_file():
        return
    known = methods()
    text = page.read_text(encoding="utf-8").replace(TABLE, table(known))
    page.write_text(FACTS.sub(lambda match: facts(_known(match[1], known)), text), encoding="utf-8")


def table(known: dict[str, Method]) -> str:
    """One row a method, below its family, linked to its section, the label of which is `method-KEY`."""
    lines = [":::{table}", WIDTHS, "", "| method | needs | cost for one input | gives |", "| --- | --- | --- | --- |"]
    family = ""
    for key, method in known.items():
        if method.family != family:
            family = method.family
            lines.append(f"| **{family}** | | | |")
        said = (_marked(text) for text in (method.needs, method.cost, method.gives))
        lines.append(f"| [`{key}`](#method-{key}) | {' | '.join(said)} |")
    return "\n".join([*lines, ":::"])


def facts(method: Method) -> str:
    """What a method needs, costs and gives, and where its reference is."""
    label = f"{method.module}.{method.kind}-class".lower()
    said = f"**Needs** {method.needs}. **Cost** {method.cost}. **Gives** {method.gives}."
    return f"**Class** [`{method.kind}`](#{label}). {_marked(said)}"


def _marked(text: str) -> str:
    """Set names of parameters, which hold an underscore, as code."""
    return re.sub(r"\w+_\w+", r"`\g<0>`", text)


def _known(key: str, known: dict[str, Method]) -> Method:
    if key not in known:
        problem = f"{PAGE} asks for the facts of '{key}', which is no registered method"
        raise RunError(OPERATION, problem, expected=f"one of {', '.join(known)}")
    return known[key]


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _registered(tree: ast.Module) -> Iterator[str]:
    """The names of the classes in `EXPLAINERS`, a comprehension over a tuple of them."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "EXPLAINERS" and isinstance(node.value, ast.DictComp):
            yield from (
                ast.unparse(entry) for entry in ast.iter_child_nodes(node.value.generators[0].iter) if isinstance(entry, ast.Name)
            )
            return
    raise RunError(OPERATION, "netlens/explain/__init__.py has no EXPLAINERS that is a comprehension over a tuple of classes")


def _method(kind: str, module: str, package: Path) -> Method:
    """Read the class variables of one class."""
    path = package / f"{module.rpartition('.')[2]}.py"
    for node in _parsed(path).body:
        if isinstance(node, ast.ClassDef) and node.name == kind:
            fields = [part for part in node.body if isinstance(part, ast.AnnAssign) and isinstance(part.value, ast.Constant)]
            said = {ast.unparse(part.target): str(ast.literal_eval(part.value)) for part in fields if part.value is not None}
            missing = [name for name in SAID if name not in said]
            if missing:
                raise RunError(OPERATION, f"{kind} in {path.name} does not say its {', '.join(missing)}")
            return Method(kind, module, **{name: said[name] for name in SAID})
    raise RunError(OPERATION, f"{path.name} defines no class {kind}, which the registry of methods lists")
