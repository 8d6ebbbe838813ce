"""The types that a notebook's parameter may have, and how a text on the command line becomes a value of one."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, replace

Scalar = str | int | float | bool
Value = Scalar | list[Scalar] | None

SCALARS: dict[str, type[Scalar]] = {"str": str, "int": int, "float": float, "bool": bool}
EXAMPLES = {"str": "a text", "int": "an int such as 3", "float": "a float such as 1e-4", "bool": "a bool: true or false"}
NOTHING = ("none", "null")


@dataclass(frozen=True)
class Kind:
    """A parameter's type: a scalar, or a list of it; perhaps only some choices; perhaps None."""

    scalar: str
    many: bool = False
    optional: bool = False
    choices: tuple[Scalar, ...] = ()

    def __str__(self) -> str:
        name = f"Literal[{', '.join(map(repr, self.choices))}]" if self.choices else self.scalar
        return (f"list[{name}]" if self.many else name) + (" | None" if self.optional else "")

    @property
    def expected(self) -> str:
        """What a value of this type looks like, in words."""
        one = f"one of: {', '.join(map(str, self.choices))}" if self.choices else EXAMPLES[self.scalar]
        return (f"a list such as [a, b], each {one}" if self.many else one) + (", or none" if self.optional else "")

    def check(self, value: object) -> Value:
        """Give back a literal of this type; an int where a float is declared becomes a float.

        Raises
        ------
        ValueError : the literal is of another type.
        """
        if value is None and self.optional:
            return None
        if self.many:
            if not isinstance(value, list):
                raise ValueError(value)
            return [self._check_one(item) for item in value]
        return self._check_one(value)

    def parse(self, text: str) -> Value:
        """Read a text of the command line.

        Raises
        ------
        ValueError : the text is no value of this type.
        """
        if self.optional and text.lower() in NOTHING:
            return None
        if not self.many:
            return self._parse_one(text)
        if text.startswith("[") and text.endswith("]"):
            try:
                return self.check(ast.literal_eval(text))
            except (ValueError, SyntaxError):
                text = text[1:-1]  # bare words between brackets
        return [self._parse_one(item.strip()) for item in text.split(",")] if text.strip() else []

    def _check_one(self, value: object) -> Scalar:
        if self.scalar == "float" and type(value) is int:
            value = float(value)
        fits = isinstance(value, SCALARS[self.scalar]) and isinstance(value, bool) == (self.scalar == "bool")
        if not fits or not isinstance(value, str | int | float) or (self.choices and value not in self.choices):
            raise ValueError(value)
        return value

    def _parse_one(self, text: str) -> Scalar:
        if self.scalar == "bool":
            return self._check_one({"true": True, "false": False}.get(text.lower()))
        value = SCALARS[self.scalar](text)
        if isinstance(value, float) and math.isnan(value):
            raise ValueError(text)
        return self._check_one(value)


def kind_of(annotation: ast.expr) -> Kind | None:
    """The type that an annotation names, or None when it is none that a parameter may have."""
    match annotation:
        case ast.Constant(value=str(quoted)):
            return kind_of(ast.parse(quoted, mode="eval").body)
        case ast.Name(id=name) if name in SCALARS:
            return Kind(name)
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            inner = kind_of(left)
            return replace(inner, optional=True) if inner else None
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            inner = kind_of(item)
            return replace(inner, many=True) if inner and not inner.many and not inner.optional else None
        case ast.Subscript(value=ast.Name(id="Literal"), slice=item):
            return _literal(item)
    return None


def _literal(item: ast.expr) -> Kind | None:
    choices = tuple(ast.literal_eval(choice) for choice in (item.elts if isinstance(item, ast.Tuple) else [item]))
    names = {type(choice).__name__ for choice in choices}
    return Kind(names.pop(), choices=choices) if len(names) == 1 and names <= set(SCALARS) else None
