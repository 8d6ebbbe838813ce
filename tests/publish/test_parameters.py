"""The parameters cell, and the values that a user gives."""

import json
from pathlib import Path

import pytest

from netlens.errors import UsageError
from netlens.publish.parameters import convert, merge, read_cell, resolve, split

CELL = '''"""What can be changed."""
lr: float = 1e-3  # step size, per batch
n: "int | None" = None  # images; none for all
flag: bool = True
methods: list[str] = ["a", "b"]  # which
sizes: list[int] = []
kind: Literal["x", "y"] = "x"
model: str = "mnist-cnn"  # name # or path
'''
KNOWN = read_cell(CELL, "test")


def test_the_cell_gives_names_types_defaults_and_help():
    assert {name: one.default for name, one in KNOWN.items()} == {
        "lr": 0.001, "n": None, "flag": True, "methods": ["a", "b"], "sizes": [], "kind": "x", "model": "mnist-cnn",
    }  # fmt: skip
    assert [str(one.kind) for one in KNOWN.values()] == [
        "float", "int | None", "bool", "list[str]", "list[int]", "Literal['x', 'y']", "str",
    ]  # fmt: skip
    assert KNOWN["lr"].help == "step size, per batch"
    assert KNOWN["model"].help == "name # or path"
    assert KNOWN["flag"].help == ""


def test_an_int_default_of_a_float_is_a_float():
    default = read_cell("x: float = 1", "test")["x"].default
    assert isinstance(default, float)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("lr", "1e-4", 1e-4),
        ("lr", "2", 2.0),
        ("n", "3", 3),
        ("n", "none", None),
        ("flag", "False", False),
        ("flag", "true", True),
        ("methods", "[a, b]", ["a", "b"]),
        ("methods", "a,b", ["a", "b"]),
        ("methods", '["a,b"]', ["a,b"]),
        ("methods", "", []),
        ("sizes", "[1, 2]", [1, 2]),
        ("sizes", "7", [7]),
        ("kind", "y", "y"),
        ("model", "none", "none"),
        ("model", "1", "1"),
    ],
)
def test_a_text_becomes_a_value_of_the_declared_type(name, text, value):
    found = convert(KNOWN[name], text, "test")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("lr", "fast", "Expected a float such as 1e-4"),
        ("lr", "nan", "Expected a float"),
        ("n", "1.5", "Expected an int such as 3, or none"),
        ("n", "true", "Expected an int"),
        ("flag", "1", "Expected a bool: true or false"),
        ("sizes", "[1, a]", r"Expected a list such as \[a, b\], each an int"),
        ("kind", "z", "Expected one of: x, y"),
    ],
)
def test_a_text_of_another_type_is_refused(name, text, expected):
    with pytest.raises(UsageError, match=rf"parameter '{name}' got .*{expected}.* Its default is"):
        convert(KNOWN[name], text, "test")


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("x = 1", r"line 1 of the parameters cell is 'x = 1'\. Expected name: type = literal"),
        ("x: int = y", "parameter 'x' has the default y. Expected an int"),
        ("x: int = 'a'", "parameter 'x' has the default 'a'. Expected an int"),
        ("x: int = True", "parameter 'x' has the default True"),
        ("x: dict = {}", "parameter 'x' has the type 'dict'"),
        ("x: int", "line 1 of the parameters cell"),
        ("import os", "line 1 of the parameters cell is 'import os'"),
        ("x: int = ", "is not Python: line 1"),
    ],
)
def test_a_cell_of_anything_but_annotated_literals_is_refused(cell, problem):
    with pytest.raises(UsageError, match=problem):
        read_cell(cell, "test")


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"no parameter 'model_'\. Did you mean 'model'\? Known: lr, n,"):
        resolve(Path("one.ipynb"), KNOWN, {"model_": "x"}, "test")


def test_assignments_are_split_at_the_first_equals_sign():
    assert split(["a=b=c", " x = 1 "], "test") == {"a": "b=c", "x": "1"}


@pytest.mark.parametrize(
    ("texts", "problem"),
    [(["seed"], "-p got 'seed'. Expected NAME=VALUE"), (["=1"], "-p got '=1'"), (["a=1", "a=2"], "parameter 'a' is given twice")],
)
def test_malformed_assignments_are_refused(texts, problem):
    with pytest.raises(UsageError, match=problem):
        split(texts, "test")


def test_an_option_and_an_assignment_of_one_name_are_refused():
    assert merge(["seed=1"], {"dataset": "digits", "device": None}, "test") == {"seed": "1", "dataset": "digits"}
    with pytest.raises(UsageError, match="'data_root' is given with -p and with --data-root"):
        merge(["data_root=a"], {"data_root": "b"}, "test")


def test_a_file_that_is_no_notebook_is_refused(project):
    from netlens.publish.parameters import declared

    path = project.add("broken")
    path.write_text(json.dumps(["no", "notebook"]))
    with pytest.raises(UsageError, match="is no notebook: it has no cells"):
        declared(path)
    path.write_text(path.read_text()[:5])
    with pytest.raises(UsageError, match="is no notebook: "):
        declared(path)


def test_a_notebook_without_a_parameters_cell_has_none(project):
    from netlens.publish.parameters import declared

    assert declared(project.add("plain", "1", parameters="")) == {}
