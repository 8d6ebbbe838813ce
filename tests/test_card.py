"""Model cards: what is read, and each way of getting one wrong."""

import pytest

from netlens.card import Card, read_card
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
    assert card.declared.model_dump(exclude_defaults=True) == {"purpose": "Tests."}


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


def changed(*pairs):
    """The whole card with some texts replaced."""
    text = WHOLE
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    return text


FACTORY, WEIGHTS = 'factory = "net.py:make"', 'weights = "weights/mine.safetensors"'
ARGUMENTS = 'arguments = { classes = 10, wide = true, scale = 0.5, kind = "a" }'
WRONG = {
    "not TOML": ("[model", r"'.*mine\.toml' is not valid TOML: .* Expected a card in TOML\."),
    "no table": ("", r"\[model\] is missing\. Expected a table of the keys name, factory, "),
    "no key": (changed('name = "mine"', ""), r"\[model\.name\] is missing\. Expected a text: a name for pages and reports\."),
    "unknown key": (
        changed("weights =", "weigths ="),
        r"\[model\.weigths\] is not a key of a card\. Did you mean 'weights'\? Known: name,",
    ),
    "key too much": (
        changed("mean =", "means ="),
        r"\[data\.means\] is not a key of a card\. Did you mean 'mean'\? Known: source, train, ",
    ),
    "unknown table": (
        changed("[declared]", "[declares]"),
        r"\[declares\] is not a key of a card\. Did you mean 'declared'\? Known: model, data, declared, policy, outside\.",
    ),
    "a key above the tables": (
        "path = 'x'\n" + WHOLE,
        r"\[path\] is not a key of a card\. .*Known: model, data, declared, policy, outside\.",
    ),
    "a table that is a text": ("model = 'x'\n[data]\nsource = 'digits'", r"\[model\] got 'x'\. Expected a table of the keys name, "),
    "a number for a text": (changed('"mine"', "3"), r"\[model\.name\] got 3\. Expected a text: a name for pages and reports\.$"),
    "an empty name": (changed('"mine"', '""'), r"\[model\.name\] got ''\. Expected a text: a name for pages"),
    "a text for a number": (changed("[0.5]", '["half"]'), r"\[data\.mean\.0\] got 'half'\. Expected a list of numbers: what is subtracted,"),
    "a number that is none": (changed("[0.5]", "[nan]"), r"\[data\.mean\.0\] got nan\. Expected a list of numbers"),
    "a truth for a text": (changed('["cat", "dog"]', "[true, false]"), r"\[data\.classes\.0\] got True\. Expected a list of texts: the names"),
    "no such modality": (changed("mean =", 'modality = "sound"\nmean ='), r"\[data\.modality\] got 'sound'\. Expected one of: image, text, table"),
    "a size of three": (changed("mean =", "size = [8, 8, 3]\nmean ="), r"\[data\.size\] got \[8, 8, 3\]\. Expected a list of whole numbers: height and"),
    "a factory without a name": (changed("net.py:make", "net.py"), r"\[model\.factory\] got 'net\.py'\. Expected a text: file\.py:callable or"),
    "an argument that is a table": (changed("= 10", "= {a = 1}"), r"\[model\.arguments\.classes\] got \{'a': 1\}\. Expected a table: keyword"),
    "a fingerprint that is none": (changed(WEIGHTS, WEIGHTS + '\nfingerprint = "abc"'), r"\[model\.fingerprint\] got 'abc'\. Expected a text: SHA-256"),
    "no form": (changed(FACTORY, ""), r"\[model\] says not where the network comes from\. Expected exactly one of: factory, torchscript, "),
    "two forms": (
        changed(FACTORY, FACTORY + '\ntimm = "resnet18"'),
        r"\[model\] got factory and timm\. Expected exactly one of: factory, torchscript, exported, torchvision, timm, huggingface\.",
    ),
    "no weights": (changed(WEIGHTS, ""), r"\[model\] has no weights\. Expected the path of a \.safetensors file or a checkpoint in `weights`\."),
    "weights twice": (changed(FACTORY, 'torchscript = "net.pt"'), r"\[model\] got weights beside torchscript\. Expected no `weights`"),
    "arguments for a file": (
        changed(FACTORY, 'exported = "net.pt2"', WEIGHTS, ""), r"\[model\] got arguments beside exported\. Expected no `arguments`"
    ),
    "a library's weights in a factory": (
        changed(WEIGHTS, WEIGHTS + "\npretrained = true"), r"\[model\] got pretrained beside factory\. Expected `pretrained` beside one of: torch"
    ),
    "two sorts of weights": (
        changed(FACTORY, 'timm = "resnet18"\npretrained = true'), r"\[model\] got pretrained = true and weights\. Expected one of the two"
    ),
    "a class twice": (changed('"dog"', '"cat"'), r"\[data\] classes names 'cat' twice\. Expected names that differ"),
    "one class": (changed(', "dog"', ""), r"\[data\.classes\] got \['cat'\]\. Expected a list of texts: the names of the classes"),
    "too many pixels": (changed("mean =", "size = [100000, 100000]\nmean ="), r"\[data\] size got \[100000, 100000\]\. Expected at most [\d,]+ pixels"),
    "no pixel": (changed("mean =", "size = [0, 8]\nmean ="), r"\[data\] size got \[0, 8\]\. Expected height and width of at least one"),
    "spread of nothing": (changed("std = [1]", "std = [0]"), r"\[data\] std got 0\. Expected numbers above 0"),
    "means without spreads": (changed("[0.5]", "[0.5, 0.5]"), r"\[data\] mean has 2 numbers and std 1\. Expected one of each"),
}  # fmt: skip


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


@pytest.mark.parametrize("path", ["../w.pth", "/etc/hostname", "a/../../w.pth", "~/w.pth"])
def test_a_path_that_leaves_the_folder_is_refused_unless_the_card_allows_it(tmp_path, path):
    text = changed("weights/mine.safetensors", path)
    with pytest.raises(
        ModelError, match=r"^card 'mine\.toml': '.*' leads out of the card's folder\. .*`outside = true` above the first"
    ):
        read_card(write(tmp_path, text)).weights_path  # noqa: B018
    found = read_card(write(tmp_path, "outside = true\n" + text)).weights_path
    assert found.is_absolute()
    assert found.name in ("w.pth", "hostname")


def test_absolute_and_winding_paths_inside_the_folder_are_no_way_out(tmp_path):
    for path in (f"{tmp_path}/w.pth", "a/../w.pth", "./w.pth"):
        assert read_card(write(tmp_path, changed("weights/mine.safetensors", path))).weights_path == tmp_path / "w.pth"


def test_a_policy_is_kept_as_it_is(tmp_path):
    card = read_card(write(tmp_path, WHOLE + "\n[policy.NL301]\nwarn = 0.9\n"))
    assert card.policy == {"NL301": {"warn": 0.9}}


def test_a_card_saved_by_a_windows_editor_is_read(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode())
    assert read_card(path).model.name == "mine"


def test_every_key_says_what_it_is_for():
    tables = [Card.model_fields[name].annotation for name in ("model", "data", "declared")]
    assert [name for table in tables for name, field in table.model_fields.items() if not field.description] == []
