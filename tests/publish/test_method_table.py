"""The table of methods says what the registry says, without importing it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from netlens.errors import RunError
from netlens.publish.method_table import FACTS, TABLE, facts, methods, table, write_methods

REGISTRY = """
from things.box import Box
from things.lid import Lid
EXPLAINERS: dict[str, type] = {explainer.name: explainer for explainer in (Lid, Box)}
"""
BOX = '''
class Box:
    """Holds."""
    name: ClassVar[str] = "box"
    family: ClassVar[str] = "wood"
    needs: ClassVar[str] = "a " "plank"
    cost: ClassVar[str] = "n_nails hits"
    gives: ClassVar[str] = "room"
    size: int = 3
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    root = tmp_path / "things"
    root.mkdir()
    (root / "__init__.py").write_text(REGISTRY)
    (root / "box.py").write_text(BOX)
    (root / "lid.py").write_text(BOX.replace("Box", "Lid").replace('"box"', '"lid"'))
    return root


def test_it_says_what_the_registry_says() -> None:
    from netlens.explain import EXPLAINERS

    read = methods()
    assert set(read) == set(EXPLAINERS)
    for key, explainer in EXPLAINERS.items():
        said = (explainer.family, explainer.needs, explainer.cost, explainer.gives)
        assert (read[key].family, read[key].needs, read[key].cost, read[key].gives) == said
        assert (read[key].module, read[key].kind) == (explainer.__module__, explainer.__name__)


def test_families_stay_together_in_the_order_of_the_registry() -> None:
    from netlens.explain import EXPLAINERS

    families = [method.family for method in methods().values()]
    assert len(set(families)) == sum(one != other for one, other in zip([None, *families], families, strict=False))
    assert list(dict.fromkeys(families)) == list(dict.fromkeys(explainer.family for explainer in EXPLAINERS.values()))


def test_a_row_links_the_section_and_sets_parameters_as_code(package: Path) -> None:
    rows = table(methods(package)).splitlines()
    assert rows[5:] == [
        "| **wood** | | | |",
        "| [`lid`](#method-lid) | a plank | `n_nails` hits | room |",
        "| [`box`](#method-box) | a plank | `n_nails` hits | room |",
        ":::",
    ]


def test_the_facts_link_the_reference(package: Path) -> None:
    said = facts(methods(package)["box"])
    assert said == "**Class** [`Box`](#things.box.box-class). **Needs** a plank. **Cost** `n_nails` hits. **Gives** room."


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("__init__.py", "EXPLAINERS", "METHODS", "no EXPLAINERS"),
        ("box.py", "cost: ", "price: ", "Box in box.py does not say its cost"),
        ("box.py", "class Box", "class Crate", "box.py defines no class Box"),
    ],
)
def test_what_cannot_be_read_is_named(package: Path, file: str, old: str, new: str, problem: str) -> None:
    path = package / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(RunError, match=problem):
        methods(package)


def test_the_markers_of_a_page_are_replaced(tmp_path: Path) -> None:
    page = tmp_path / "book" / "methods.md"
    page.parent.mkdir()
    page.write_text(f"# M\n\n{TABLE}\n\n% netlens: the facts of lime are inserted here\n\nend\n")
    write_methods(tmp_path)
    text = page.read_text()
    assert "| [`saliency`](#method-saliency) |" in text
    assert re.search(r"^\*\*Class\*\* \[`LIME`\]", text, flags=re.MULTILINE)
    assert "% netlens" not in text
    assert text.endswith("\n\nend\n")


def test_facts_of_an_unknown_method_are_refused(tmp_path: Path) -> None:
    page = tmp_path / "book" / "methods.md"
    page.parent.mkdir()
    page.write_text("% netlens: the facts of astrology are inserted here\n")
    with pytest.raises(RunError, match="the facts of 'astrology', which is no registered method"):
        write_methods(tmp_path)
    assert FACTS.search(page.read_text())


def test_a_book_without_such_a_page_is_left_alone(tmp_path: Path) -> None:
    write_methods(tmp_path)
    assert not list(tmp_path.iterdir())
