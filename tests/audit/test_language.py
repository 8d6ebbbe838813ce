"""Another language is one file."""

import ast
from pathlib import Path

import pytest

import netlens.audit
from netlens.audit import language
from netlens.audit.checks.repeatable import sentence
from netlens.errors import DataError, UsageError

ENGLISH = "Asked twice about the same {few}, the model gave the same numbers."


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(language, "FOLDER", tmp_path)
    return tmp_path


def test_a_sentence_comes_out_in_the_other_language(folder):
    (folder / "de.toml").write_text(f'"{ENGLISH}" = "Zweimal nach {{few}} gefragt, gab das Modell dieselben Zahlen."')
    with language.speaking("de"):
        assert sentence(0, "9 Bildern") == "Zweimal nach 9 Bildern gefragt, gab das Modell dieselben Zahlen."
        assert sentence(1, "9") == "Asked twice about the same 9, the model changed an output by 1."
    assert sentence(0, "9 images").startswith("Asked twice")
    assert language.languages() == ["de", "en"]


def test_a_translation_that_drops_a_number_is_refused(folder):
    (folder / "de.toml").write_text(f'"{ENGLISH}" = "Immer gleich."')
    with pytest.raises(DataError, match="does not name the values"), language.speaking("de"):
        pass


def test_a_language_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="there is no language 'xx'"), language.speaking("xx"):
        pass


def test_every_sentence_can_be_listed_for_a_translator():
    found = language.templates()
    assert ENGLISH in found
    assert len(found) > 100


def test_no_sentence_hides_from_the_translator():
    for path in sorted(Path(netlens.audit.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say":
                assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno} says something computed"
