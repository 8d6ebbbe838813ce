"""The reference is read from the source: what is public appears as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from netlens.publish.apidoc import api_overview, api_pages
from netlens.publish.docstrings import markdown

MODULE = '''
"""Count things. It is simple."""
from dataclasses import dataclass

@dataclass(frozen=True)
class Box:
    """Holds things."""
    size: int
    label: str = "none"
    _secret: int = 0

    @property
    def full(self) -> bool:
        """Whether nothing more fits."""

    def add(self, *things: str, twice: bool = False, **more: int) -> "Box":
        """Add things.

        Parameters
        ----------
        things : what to add; costs $2 and
            {a}`lot` < more.
        """

    def _hidden(self):
        """Not shown."""

def box(size, /, label="x"):
    """Make a box."""

def undocumented(): ...
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "things"
    (root / "inner").mkdir(parents=True)
    (root / "__init__.py").write_text('"""Things."""\n')
    (root / "count.py").write_text(MODULE)
    (root / "_private.py").write_text('"""Private."""\n')
    (root / "inner" / "__init__.py").write_text("")
    (root / "inner" / "deep.py").write_text('"""Deep."""\n')
    return root


def test_a_page_for_the_top_and_one_for_each_package(package: Path) -> None:
    assert list(api_pages(package)) == ["things", "things.inner"]


def test_signatures_are_as_written(package: Path) -> None:
    page = api_pages(package)["things"]
    for signature in (
        "Box(size: int, label: str = 'none')",
        "full: bool",
        "add(*things: str, twice: bool = False, **more: int) -> 'Box'",
        "box(size, label='x')",
    ):
        assert f"```python\n{signature}\n```" in page


def test_what_is_private_or_says_nothing_is_left_out(package: Path) -> None:
    page = api_pages(package)["things"]
    assert not any(word in page for word in ("_hidden", "undocumented", "_private", "_secret"))


def test_a_class_and_a_function_of_one_name_have_labels_of_their_own(package: Path) -> None:
    page = api_pages(package)["things"]
    assert "(things.count.Box-class)=" in page
    assert "(things.count.box)=" in page


def test_the_overview_gives_one_sentence_a_module(package: Path) -> None:
    assert api_overview(package).splitlines()[2:] == [
        "| [`things`](#things) | Things. |",
        "| [`things.count`](#things.count) | Count things. |",
        "| [`things.inner.deep`](#things.inner.deep) | Deep. |",
    ]


def test_sections_become_definitions_and_signs_of_myst_are_escaped() -> None:
    given = "Do it.\n\nParameters\n----------\nx : costs $2 and\n    `{a}` < more.\n\nExamples\n--------\n>>> f(1)\n2\n"
    assert markdown(given) == (
        "Do it.\n\n**Parameters**\n\n`x`\n: costs \\$2 and `{a}` \\< more.\n\n**Examples**\n\n```pycon\n>>> f(1)\n2\n```"
    )


def test_the_real_package_is_described() -> None:
    pages = api_pages()
    assert "### `NetlensError`" in pages["netlens"]
    assert "### `build_site`" in pages["netlens.publish"]
