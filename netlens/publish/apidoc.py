"""Write the reference of the package from its sources, without importing them: what is public, its signature, its docstring."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import netlens
from netlens.publish.docstrings import markdown

PACKAGE = Path(netlens.__file__).parent
WIDTH = 92
BUILT_FROM_FIELDS = {"BaseModel", "NamedTuple", "TypedDict"}
LEFT_OUT = ("netlens.cli",)  # `netlens --help` describes the commands
Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def api_pages(package: Path = PACKAGE) -> dict[str, str]:
    """The pages of the reference: file name -> Markdown, one for the modules at the top and one for each package below.

    A module without a docstring is left out, and so is what has none inside a module.
    """
    pages: dict[str, list[str]] = {}
    for path in _modules(package):
        if section := _module(path, package):
            pages.setdefault(_page(path, package), []).append(section)
    return {name: "\n\n".join([f"({name})=\n# `{name}`", *sections]) + "\n" for name, sections in pages.items()}


def api_overview(package: Path = PACKAGE) -> str:
    """A list of the modules with what each is for, linked to its entry."""
    lines = ["| module | what it is for |", "| --- | --- |"]
    for path in _modules(package):
        if docstring := _docstring(path, package):
            name = _dotted(path, package)
            summary = " ".join(markdown(docstring.partition("\n\n")[0]).split())
            lines.append(f"| [`{name}`](#{name}) | {re.split(r'(?<=[.?!]) ', summary)[0]} |")
    return "\n".join(lines)


def _modules(package: Path) -> Iterator[Path]:
    """The public modules, in the order of their dotted names."""
    paths = [path for path in package.rglob("*.py") if not path.name.startswith("_") or path.name == "__init__.py"]
    yield from sorted(paths, key=lambda path: _dotted(path, package))


def _dotted(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _page(path: Path, package: Path) -> str:
    folders = path.relative_to(package.parent).parent.parts
    return ".".join(folders[:2])


def _docstring(path: Path, package: Path) -> str:
    left_out = _dotted(path, package) in LEFT_OUT
    return "" if left_out else ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _module(path: Path, package: Path) -> str:
    docstring = _docstring(path, package)
    if not docstring:
        return ""
    name = _dotted(path, package)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    entries = [_entry(node, name) for node in tree.body if isinstance(node, Documented) and _public(node)]
    heading = [] if name == _page(path, package) else [f"({name})=\n## `{name}`"]
    return "\n\n".join([*heading, markdown(docstring), *entries])


def _public(node: Documented) -> bool:
    return not node.name.startswith("_") and ast.get_docstring(node) is not None


def _entry(node: Documented, module: str) -> str:
    kind = "-class" if isinstance(node, ast.ClassDef) else ""  # labels ignore case, and a `plan` may make a `Plan`
    parts = [
        f"({module}.{node.name}{kind})=\n### `{node.name}`",
        _code(_signature(node)),
        markdown(ast.get_docstring(node) or ""),
    ]
    if isinstance(node, ast.ClassDef):
        methods = [part for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)]
        parts += [_method(part) for part in methods if _public(part) or (part.name == "__call__" and ast.get_docstring(part))]
    return "\n\n".join(parts)


def _method(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    signature = _code(_signature(node, drop_first="staticmethod" not in _decorators(node)))
    return f":::{{div}} api-method\n{signature}\n\n{markdown(ast.get_docstring(node) or '')}\n:::"


def _decorators(node: Documented) -> set[str]:
    """The last word of each decorator, without its arguments."""
    return {ast.unparse(decorator).split("(")[0].rpartition(".")[2] for decorator in node.decorator_list}


def _code(signature: str) -> str:
    return f"```python\n{signature}\n```"


def _signature(node: Documented, *, drop_first: bool = False) -> str:
    """The call as it is written, broken into one argument a line when it is long."""
    if isinstance(node, ast.ClassDef):
        arguments, result = _constructor(node), ""
    else:
        arguments = _arguments(node.args)[1 if drop_first else 0 :]
        result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    if _decorators(node) & {"property", "cached_property"}:
        return f"{node.name}{result.replace(' ->', ':')}"
    line = f"{node.name}({', '.join(arguments)}){result}"
    if len(line) <= WIDTH:
        return line
    body = "".join(f"    {argument},\n" for argument in arguments)
    return f"{node.name}(\n{body}){result}"


def _constructor(node: ast.ClassDef) -> list[str]:
    """The arguments of a class: those of `__init__`, else the fields of a dataclass or of one that is built like it."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return _arguments(part.args)[1:]
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    if "dataclass" not in _decorators(node) and not bases & BUILT_FROM_FIELDS:
        return []
    fields = [part for part in node.body if isinstance(part, ast.AnnAssign) and not ast.unparse(part.target).startswith("_")]
    return [_argument(ast.unparse(field.target), field.annotation, field.value) for field in fields]


def _arguments(arguments: ast.arguments) -> list[str]:
    ordinary = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(ordinary) - len(arguments.defaults)) + list(arguments.defaults)
    shown = [_argument(arg.arg, arg.annotation, default) for arg, default in zip(ordinary, defaults, strict=True)]
    if arguments.vararg:
        shown.append("*" + _argument(arguments.vararg.arg, arguments.vararg.annotation, None))
    elif arguments.kwonlyargs:
        shown.append("*")
    shown += [
        _argument(arg.arg, arg.annotation, default)
        for arg, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg:
        shown.append("**" + _argument(arguments.kwarg.arg, arguments.kwarg.annotation, None))
    return shown


def _argument(name: str, annotation: ast.expr | None, default: ast.expr | None) -> str:
    typed = f"{name}: {ast.unparse(annotation)}" if annotation else name
    if default is None:
        return typed
    return f"{typed} = {ast.unparse(default)}" if annotation else f"{typed}={ast.unparse(default)}"
