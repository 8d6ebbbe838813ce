"""Paths: what each variable and each folder decides."""

from pathlib import Path

import pytest

from netlens import paths
from netlens.errors import UsageError


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in (paths.CACHE_VARIABLE, paths.DATA_VARIABLE):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def root(tmp_path):
    """An empty project."""
    folder = tmp_path / "project"
    (folder / "notebooks").mkdir(parents=True)
    (folder / "_toc.yml").touch()
    return folder


def test_the_project_is_found_from_inside(root, monkeypatch):
    deep = root / "notebooks" / "deep"
    deep.mkdir()
    monkeypatch.chdir(deep)
    assert paths.find_project() == paths.project() == root
    assert paths.find_project(root) == root


@pytest.mark.parametrize("missing", ["_toc.yml", "notebooks"])
def test_half_a_project_is_none(root, missing):
    path = root / missing
    path.unlink() if path.is_file() else path.rmdir()
    assert paths.find_project(root) is None


def test_outside_a_project_the_error_names_the_folder_and_the_operation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=rf"^netlens build: '{tmp_path}' is in no netlens project\. Expected .*_toc\.yml"):
        paths.project("netlens build")


def test_the_cache_is_the_variable_then_the_project_then_the_users(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert paths.cache() == paths.user_cache()
    monkeypatch.chdir(root)
    assert paths.cache() == root / "_build" / "cache"
    monkeypatch.setenv(paths.CACHE_VARIABLE, str(tmp_path / "own"))
    assert paths.cache() == tmp_path / "own"


def test_the_data_are_where_the_argument_says_then_the_variable_then_the_users_cache(tmp_path, monkeypatch):
    assert paths.data() == paths.user_cache() / "data"
    monkeypatch.setenv(paths.DATA_VARIABLE, str(tmp_path))
    assert paths.data() == tmp_path
    assert paths.data("elsewhere") == Path("elsewhere")
    assert paths.data("~/elsewhere") == Path.home() / "elsewhere"


def test_the_users_cache_is_named_for_netlens():
    assert "netlens" in paths.user_cache().parts
