"""A project of tiny notebooks that need no torch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PARAMETERS = 'seed: int = 0  # any integer\nlr: float = 1e-3  # step size\nword: str = "a"'


def notebook(*cells: str, parameters: str = PARAMETERS, title: str = "What is it?") -> dict[str, Any]:
    """A notebook without outputs: a title, the parameters, code cells."""
    made: list[dict[str, Any]] = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": f"# {title}"}]
    if parameters:
        made.append(_code(parameters, "parameters", ["parameters"]))
    made += [_code(source, f"code-{number}", []) for number, source in enumerate(cells)]
    return {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def _code(source: str, identity: str, tags: list[str]) -> dict[str, Any]:
    metadata = {"tags": tags} if tags else {}
    return {"cell_type": "code", "id": identity, "metadata": metadata, "source": source, "outputs": [], "execution_count": None}


@dataclass(frozen=True)
class Project:
    """A folder that netlens takes for a project."""

    root: Path

    def add(self, name: str, *cells: str, parameters: str = PARAMETERS) -> Path:
        """Write a notebook; say where."""
        path = self.root / "notebooks" / f"{name}.ipynb"
        path.write_text(json.dumps(notebook(*cells, parameters=parameters), indent=1))
        return path

    def runs(self, name: str) -> list[Path]:
        """The stored runs of a notebook."""
        return sorted(path for path in (self.root / "_build" / "runs" / name).glob("*") if path.is_dir())

    def leftovers(self) -> list[Path]:
        """What unfinished work left behind."""
        return list((self.root / "_build").rglob(".tmp-*"))


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all projects, so that the list of fonts is made once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def project(tmp_path: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """An empty project that is the current folder."""
    root = tmp_path / "project"
    (root / "notebooks").mkdir(parents=True)
    (root / "_toc.yml").write_text("root: index\n")
    monkeypatch.setenv("NETLENS_CACHE", str(shared_cache))
    monkeypatch.delenv("NETLENS_DATA", raising=False)
    monkeypatch.chdir(root)
    return Project(root)


REPOSITORY = Path(__file__).parents[2]
SOURCES = ("_config.yml", "_toc.yml", "pyproject.toml", "README.md", "book", "notebooks", "netlens")


def netlens(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line of a copy of the project, as a reader would: with no cache and no data but the project's own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NETLENS_")}
    command = [sys.executable, "-c", "from netlens.cli import main; main()", *arguments]
    return subprocess.run(
        command, cwd=root, capture_output=True, text=True, check=False, env={**inherited, "PYTHONPATH": str(root), **environment}
    )


@pytest.fixture(scope="session")
def built_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this project, built by `netlens build` from nothing."""
    root = tmp_path_factory.mktemp("whole") / "netlens"
    root.mkdir()
    for name in SOURCES:
        source = REPOSITORY / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns(".*", "__pycache__"))
        else:
            shutil.copy2(source, root / name)
    done = netlens(root, "build")
    assert done.returncode == 0, done.stderr + done.stdout
    return root
