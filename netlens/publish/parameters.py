"""The parameters that a notebook declares, and the values that a user gives them.

The cell tagged `parameters` holds one annotated literal a line, `name: type = literal  # help`. It is read with `ast`, never run.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from netlens.errors import UsageError, unknown
from netlens.publish import notebook as nb
from netlens.publish.kinds import Kind, Value, kind_of

TAG = "parameters"


@dataclass(frozen=True)
class Parameter:
    """One declared parameter: its name, type, default and the comment that explains it."""

    name: str
    kind: Kind
    default: Value
    help: str = ""


def declared(path: Path, operation: str = "netlens") -> dict[str, Parameter]:
    """Read the parameters that a notebook declares; none when no cell is tagged `parameters`.

    Raises
    ------
    UsageError : the cell holds something else than annotated literals.
    """
    cells = [cell for cell in nb.read(path, operation)["cells"] if cell["cell_type"] == "code" and TAG in nb.tags(cell)]
    if not cells:
        return {}
    return read_cell(nb.text(cells[0]["source"]), f"{operation}: notebook '{path.stem}'")


def read_cell(source: str, operation: str) -> dict[str, Parameter]:
    """Read the source of a parameters cell."""
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        problem = f"the parameters cell is not Python: line {error.lineno}: {error.msg}"
        raise UsageError(operation, problem) from error
    comments = _comments(source)
    found = (_parameter(statement, comments, operation) for statement in statements if not _is_docstring(statement))
    return {parameter.name: parameter for parameter in found}


def split(assignments: Iterable[str], operation: str) -> dict[str, str]:
    """Split `NAME=VALUE` texts.

    Raises
    ------
    UsageError : a text has no `=`, or a name comes twice.
    """
    given: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            raise UsageError(operation, f"-p got '{assignment}'", expected="NAME=VALUE", remedy="For example: -p seed=1")
        if name.strip() in given:
            raise UsageError(operation, f"parameter '{name.strip()}' is given twice", expected="one value a parameter")
        given[name.strip()] = value.strip()
    return given


def merge(assignments: Iterable[str], named: Mapping[str, str | None], operation: str) -> dict[str, str]:
    """Put `-p` assignments and the options that name a parameter, such as --dataset, together.

    Raises
    ------
    UsageError : a parameter is given in both ways.
    """
    given = split(assignments, operation)
    for name, value in named.items():
        if value is not None and name in given:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(operation, f"'{name}' is given with -p and with {option}", expected="one of the two")
    return given | {name: value for name, value in named.items() if value is not None}


def resolve(path: Path, known: Mapping[str, Parameter], given: Mapping[str, str], operation: str) -> dict[str, Value]:
    """Turn given texts into values of the declared types.

    Raises
    ------
    UsageError : the notebook has no such parameter, or a value is not of its type.
    """
    values: dict[str, Value] = {}
    for name, text in given.items():
        if name not in known:
            raise unknown(f"{operation}: notebook '{path.stem}'", "parameter", name, known)
        values[name] = convert(known[name], text, operation)
    return values


def convert(parameter: Parameter, text: str, operation: str) -> Value:
    """Turn one text into a value of the declared type.

    Raises
    ------
    UsageError : it is not of that type.
    """
    try:
        return parameter.kind.parse(text)
    except ValueError as error:
        remedy = f"Its default is {parameter.default!r}" + (f": {parameter.help}." if parameter.help else ".")
        problem = f"parameter '{parameter.name}' got '{text}'"
        raise UsageError(operation, problem, expected=parameter.kind.expected, remedy=remedy) from error


def _parameter(statement: ast.stmt, comments: Mapping[int, str], operation: str) -> Parameter:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
            pass
        case _:
            problem = f"line {statement.lineno} of the parameters cell is '{ast.unparse(statement)}'"
            raise UsageError(operation, problem, expected="name: type = literal  # help")
    kind = kind_of(annotation)
    if kind is None:
        problem = f"parameter '{name}' has the type '{ast.unparse(annotation)}'"
        raise UsageError(operation, problem, expected="str, int, float, bool, list[...], Literal[...] or one of these | None")
    try:
        default = kind.check(ast.literal_eval(value))
    except ValueError as error:
        problem = f"parameter '{name}' has the default {ast.unparse(value)}"
        raise UsageError(operation, problem, expected=kind.expected) from error
    lines = range(statement.lineno, (statement.end_lineno or statement.lineno) + 1)
    return Parameter(name, kind, default, " ".join(comments[line] for line in lines if line in comments))


def _comments(source: str) -> dict[int, str]:
    """Map line numbers to the comments there."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ").rstrip() for token in tokens if token.type == tokenize.COMMENT}


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
