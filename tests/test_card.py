"""Model cards: what is read, and each way of getting one wrong."""

import pytest

from netlens.card import read_card
from netlens.errors import ModelError

WHOLE = """
[model]
name = "mine"
factory = "net.py:make"
arguments = { classes = 10, wide = true, scale = 0.5, kind = "a" }
weights = "weights/mine.safetensors"

[data]
source = "digits"
classes = ["cat", "dog"]
mean = [0.5]
std = [1]

[declared]
purpose = "Tests."
"""


def write(folder, text):
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_card_is_read(tmp_path):
    card = read_card(write(tmp_path, WHOLE))
    assert card.model.arguments == {"classes": 10, "wide": True, "scale": 0.5, "kind": "a"}
    assert (card.data.source, card.data.classes, card.data.mean, card.data.std) == ("digits", ["cat", "dog"], [0.5], [1.0])
    assert card.declared.model_dump() == {
        "purpose": "Tests.", "out_of_scope": "", "provenance": "", "oversight": "", "contact": ""
    }  # fmt: skip


def test_a_card_may_leave_out_what_is_optional(tmp_path):
    card = read_card(write(tmp_path, '[model]\nname = "m"\nfactory = "a:b"\nweights = "w"\n[data]\nsource = "digits"'))
    assert (card.model.arguments, card.model.fingerprint, card.data.classes) == ({}, "", None)


def test_weights_lie_beside_the_card_wherever_it_is_read_from(tmp_path, monkeypatch):
    write(tmp_path, WHOLE)
    monkeypatch.chdir(tmp_path.parent)
    assert read_card(f"{tmp_path.name}/mine.toml").weights_path == tmp_path / "weights" / "mine.safetensors"


def test_the_digest_is_of_what_the_card_says_and_not_of_where_it_is(tmp_path):
    (tmp_path / "other").mkdir()
    here, there = read_card(write(tmp_path, WHOLE)), read_card(write(tmp_path / "other", "# a comment\n" + WHOLE))
    assert here.digest == there.digest
    assert read_card(write(tmp_path, WHOLE.replace("0.5]", "0.6]"))).digest != here.digest


WRONG = {
    "not TOML": ("[model", r"'.*mine\.toml' is not valid TOML: .* Expected a card in TOML\."),
    "no table": ("", r"\[model\]: field required\. Mend this key"),
    "no key": (WHOLE.replace('name = "mine"', ""), r"\[model\.name\]: field required\. Mend"),
    "unknown key": (
        WHOLE.replace("weights =", "weigths ="),
        r"\[model\.weigths\] is not a key of a card\. Did you mean 'weights'\? Known: name,",
    ),
    "key too much": (
        WHOLE.replace("mean =", "means ="),
        r"\[data\.means\] is not a key of a card\. Did you mean 'mean'\? Known: source, classes, mean, std\.",
    ),
    "unknown table": (
        WHOLE.replace("[declared]", "[declares]"),
        r"\[declares\] is not a key of a card\. Did you mean 'declared'\? Known: model, data, declared\.",
    ),
    "a key above the tables": (
        "path = 'x'\n" + WHOLE,
        r"\[path\] is not a key of a card\. Did you mean 'data'\? Known: model, data, declared\.",
    ),
    "a number for a text": (WHOLE.replace('"mine"', "3"), r"\[model\.name\]: input should be a valid string \(found: 3\)"),
    "an empty name": (WHOLE.replace('"mine"', '""'), r"\[model\.name\]: .* at least 1 character \(found: ''\)"),
    "a text for a number": (
        WHOLE.replace("[0.5]", '["half"]'),
        r"\[data\.mean\.0\]: input should be a valid number \(found: 'half'\)",
    ),
    "a factory without a name": (WHOLE.replace("net.py:make", "net.py"), r"\[model\.factory\]: .*pattern.*\(found: 'net\.py'\)"),
    "an argument that is a list": (WHOLE.replace("= 10", "= [10]"), r"\[model\.arguments\.classes\]: .*\(found: \[10\]\)"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_card_is_told(tmp_path, text, said):
    with pytest.raises(ModelError, match=rf"^card 'mine\.toml': (?:{said})"):
        read_card(write(tmp_path, text))


def test_a_missing_card_a_folder_and_binary_files_are_told(tmp_path):
    remedy = r"Give the path of a \.toml card, or the name of a tutorial model"
    with pytest.raises(ModelError, match=rf"^card 'gone\.toml': '.*gone\.toml' cannot be read \(FileNotFoundError\)\. {remedy}"):
        read_card(tmp_path / "gone.toml")
    with pytest.raises(ModelError, match=r"cannot be read \(IsADirectoryError\)"):
        read_card(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match=r"cannot be read \(UnicodeDecodeError\)"):
        read_card(tmp_path / "binary.toml")
