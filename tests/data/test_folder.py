"""Folders of images and lists of images: the right pixels with the right labels, and words for what cannot be read."""

import numpy as np
import pytest
import torch
from PIL import Image

from netlens.data import Lazy, images, of_card
from netlens.errors import DataError, NetlensError, ShapeError
from tests.data.cards import card


def grey(path, value, size=(4, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, value).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes, three and two images, each of one shade."""
    for name, shades in (("cat", (10, 20, 30)), ("dog", (110, 120))):
        for shade in shades:
            grey(tmp_path / "images" / name / f"{shade}.png", shade)
    return tmp_path


def test_each_image_has_the_label_of_its_folder(folder):
    data = of_card(card(folder, "folder:images"))
    assert data.classes == ("cat", "dog")
    assert data.raw.shape == (5, 3, 4)
    assert {int(raw[0, 0]): int(label) for raw, label in zip(data.raw, data.labels, strict=True)} == {
        10: 0, 20: 0, 30: 0, 110: 1, 120: 1,
    }  # fmt: skip
    assert data.labels.tolist() != sorted(data.labels.tolist()), "the classes are mixed"
    assert torch.equal(data.take(1).inputs[0, 0], torch.full((3, 4), float(data.raw[0, 0, 0]) / 255))
    assert of_card(card(folder, "folder:images")).fingerprint == data.fingerprint


def test_the_card_says_the_order_of_the_classes_and_may_name_more(folder):
    data = of_card(card(folder, "folder:images", 'classes = ["dog", "fox", "cat"]'))
    assert data.classes == ("dog", "fox", "cat")
    assert {int(raw[0, 0]): int(label) for raw, label in zip(data.raw, data.labels, strict=True)}[110] == 0
    assert sorted(data.labels.tolist()) == [0, 0, 2, 2, 2]


def test_a_divided_folder_has_both_splits_and_an_undivided_one_is_held_out(folder):
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            grey(folder / "both" / split / name / "a.png", 1 if split == "train" else 2)
    divided = card(folder, "folder:both")
    assert [int(of_card(divided, split).raw.max()) for split in ("train", "test")] == [1, 2]
    with pytest.raises(DataError, match=r"names no training data, and 'folder:images' is all held out\. Write train = "):
        of_card(card(folder, "folder:images"), "train")
    both = card(folder, "folder:images", 'train = "folder:both"')
    assert [len(of_card(both, split)) for split in ("train", "test")] == [2, 5]


def test_many_images_are_read_when_they_are_asked_for(folder, monkeypatch):
    at_once = of_card(card(folder, "folder:images"))
    monkeypatch.setattr(images, "AT_ONCE", 0)
    lazy = of_card(card(folder, "folder:images"))
    assert isinstance(lazy.raw, Lazy)
    assert not isinstance(at_once.raw, Lazy)
    (folder / "images" / "cat" / "10.png").write_bytes(b"broken now")
    places = [place for place in range(5) if at_once.raw[place, 0, 0] != 10]
    assert np.array_equal(lazy.raw[np.array(places)], at_once.raw[places])
    assert np.array_equal(lazy.take(places).raw, at_once.take(places).raw)
    with pytest.raises(DataError, match=r"10\.png' cannot be read as an image"):
        lazy.all()


def test_the_fingerprint_of_many_images_is_of_their_contents_and_order(folder, monkeypatch):
    monkeypatch.setattr(images, "AT_ONCE", 0)
    before = of_card(card(folder, "folder:images")).fingerprint
    assert of_card(card(folder, "folder:images")).fingerprint == before
    assert of_card(card(folder, "folder:images", "size = [2, 2]")).fingerprint != before
    grey(folder / "images" / "cat" / "10.png", 11)
    assert of_card(card(folder, "folder:images")).fingerprint != before


def test_colours_are_read_as_the_card_says(folder):
    path = folder / "images" / "cat" / "10.png"
    Image.new("RGB", (4, 3), (200, 100, 0)).save(path)
    assert of_card(card(folder, "folder:images", 'colour = "rgb"')).raw.shape == (5, 3, 4, 3)
    assert of_card(card(folder, "folder:images", "mean = [0.1, 0.2, 0.3]", "std = [1.0, 1.0, 1.0]")).raw.shape == (5, 3, 4, 3)
    as_grey = of_card(card(folder, "folder:images", 'colour = "grey"')).raw
    assert round(0.299 * 200 + 0.587 * 100) in as_grey[:, 0, 0]


def test_images_are_brought_to_one_size_only_when_the_card_says_so(folder):
    wide = np.zeros((3, 9), np.uint8)
    wide[:, 3:6] = 90
    Image.fromarray(wide).save(folder / "images" / "cat" / "10.png")
    with pytest.raises(ShapeError, match=r" has 3 by .* pixels\. Expected 3 by .*Write size = \[3, "):
        of_card(card(folder, "folder:images"))
    with pytest.raises(ShapeError, match=r"has 3 by 9 pixels\. Expected 3 by 4, as the card says\.$"):
        of_card(card(folder, "folder:images", "size = [3, 4]", 'resize = "refuse"'))
    cut = of_card(card(folder, "folder:images", "size = [3, 3]", 'resize = "crop"')).raw
    assert [90] * 3 in cut[:, 1].tolist(), "the middle of the wide image"
    stretched = of_card(card(folder, "folder:images", "size = [3, 3]")).raw
    assert [row for row in stretched[:, 1].tolist() if row[0] < row[1] > row[2]], (
        "both dark sides of the wide image are still there"
    )


def test_grey_and_palette_pictures_of_any_sort_are_read_without_a_word(folder):
    Image.new("LA", (4, 3), (10, 255)).save(folder / "images" / "cat" / "10.png")
    assert of_card(card(folder, "folder:images")).raw.shape == (5, 3, 4), "grey, whichever comes first"
    palette = Image.new("P", (4, 3))
    palette.putpalette([7, 8, 9] * 256)
    palette.save(folder / "images" / "cat" / "10.png", transparency=b"\xff" * 256)
    assert [7, 8, 9] in of_card(card(folder, "folder:images", 'colour = "rgb"')).raw[:, 0, 0].tolist()


def test_both_splits_number_the_same_classes(folder):
    for name in ("cat", "dog", "emu"):
        grey(folder / "both" / "test" / name / "a.png", 1)
    for shade, name in enumerate(("cat", "emu")):
        grey(folder / "both" / "train" / name / "a.png", shade)
    train = of_card(card(folder, "folder:both"), "train")
    assert train.classes == ("cat", "dog", "emu")
    assert {int(raw[0, 0]): int(label) for raw, label in zip(train.raw, train.labels, strict=True)} == {0: 0, 1: 2}
    grey(folder / "both" / "train" / "yak" / "a.png", 1)
    with pytest.raises(DataError, match=r"the label 'yak' of 'train/yak/a\.png' is none of the 3 classes"):
        of_card(card(folder, "folder:both"), "train")


def test_groups_are_parted_as_the_card_says(folder):
    names = [f"cat/{shade}.png" for shade in (10, 20, 30)] + ["dog/110.png", "dog/120.png"]
    (folder / "groups.csv").write_text("\n".join(["path;sex", *(f"{name};m" for name in names)]))
    with pytest.raises(DataError, match=r"write separator = \";\" under \[data\]"):
        of_card(card(folder, "folder:images", 'groups = "groups.csv"'))
    data = of_card(card(folder, "folder:images", 'groups = "groups.csv"', 'separator = ";"'))
    assert data.groups["sex"].tolist() == ["m"] * 5


def test_a_list_of_images_is_read_with_its_labels_and_groups(folder):
    rows = ["path,label,site", *(f"images/cat/{shade}.png,cat,a" for shade in (30, 10)), "images/dog/110.png,dog,b"]
    (folder / "list.csv").write_text("\n".join(rows))
    data = of_card(card(folder, "csv:list.csv", 'groups = ["site"]'))
    assert data.raw[:, 0, 0].tolist() == [30, 10, 110], "in the order of the list"
    assert data.labels.tolist() == [0, 0, 1]
    assert data.groups["site"].tolist() == ["a", "a", "b"]


def test_groups_in_a_file_find_their_images(folder):
    names = [f"cat/{shade}.png" for shade in (30, 20, 10)] + ["dog/110.png", "dog/120.png"]
    rows = [f"{name},{place},{'m' if place % 2 else ''}" for place, name in enumerate(names)]
    (folder / "groups.csv").write_text("\n".join(["path,age,sex", *rows]))
    data = of_card(card(folder, "folder:images", 'groups = "groups.csv"'))
    ages = {int(raw[0, 0]): age for raw, age in zip(data.raw, data.groups["age"].tolist(), strict=True)}
    assert ages == {30: "0", 20: "1", 10: "2", 110: "3", 120: "4"}
    assert set(data.groups["sex"].tolist()) == {"m", "not stated"}
    assert data.take([1]).groups["age"].tolist() == [data.groups["age"][1]]


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def damage(name):
    def change(folder):
        path = folder / "images" / "cat" / "10.png"
        if name == "truncated":
            path.write_bytes(path.read_bytes()[:40])
        elif name == "page":
            path.write_bytes(b"<!doctype html>")
        elif name == "16-bit":
            Image.fromarray(np.full((3, 4), 40000, np.uint16)).save(path)
        elif name == "CMYK":
            path.unlink()
            Image.new("CMYK", (4, 3)).save(folder / "images" / "cat" / "10.jpg")
        elif name == "huge":
            Image.new("1", (20000, 10000)).save(path)
        elif name == "transparent":
            Image.new("RGBA", (4, 3), (0, 0, 0, 9)).save(path)
        elif name == "coloured":
            Image.new("RGB", (4, 3)).save(path)

    return change


def empty_class(folder):
    (folder / "images" / "emu").mkdir()
    (folder / "images" / "emu" / "notes.txt").write_text("none yet")


def groups(text):
    return lambda folder: (folder / "groups.csv").write_text(text)


def csv(text):
    return lambda folder: (folder / "list.csv").write_text(text)


def nothing(folder):
    pass


BAD = {
    "no folder": ("folder:image", (), nothing, r"the folder '.*image' does not exist.*Did you mean '.*images'\?"),
    "a file": ("folder:card.toml", (), nothing, "the folder '.*' is a file"),
    "no class": ("folder:images/cat", (), nothing, r"holds 3 images and no folder of a class.*read with csv:FILE"),
    "one class": ("folder:one", (), lambda at: grey(at / "one" / "cat" / "1.png", 1), "holds one class alone, 'cat'"),
    "an empty class": ("folder:images", (), empty_class, "the class 'emu' has no image"),
    "a class not listed": ("folder:images", ('classes = ["cat", "dogs"]',), nothing, r"the folder 'dog' is not among .*Did you mean 'dogs'"),
    "another format": (
        "folder:images", (), lambda at: write(at / "images" / "dog" / "1.webp", b"x"), r"1\.webp' is of a format that is not read",
    ),
    "truncated": ("folder:images", (), damage("truncated"), r"cat/10\.png' cannot be read as an image"),
    "a page": ("folder:images", (), damage("page"), r"cat/10\.png' cannot be read as an image"),
    "16 bits": ("folder:images", (), damage("16-bit"), r"cat/10\.png' has more than 8 bits a channel"),
    "for print": ("folder:images", (), damage("CMYK"), r"cat/10\.jpg' has colours for print"),
    "huge": ("folder:images", (), damage("huge"), r"cat/10\.png' has more than [\d,]+ pixels"),
    "transparent": ("folder:images", (), damage("transparent"), r"cat/10\.png' has transparent pixels"),
    "grey and colours": ("folder:images", (), damage("coloured"), 'Write colour = "grey" or colour = "rgb"|has colours, and'),
    "mean of another length": ("folder:images", ("mean = [0.1, 0.2]",), nothing, r"\[data.mean\] has 2 numbers, and the samples have 1 channel"),
    "an old ending": ("folder:images", (), lambda at: write(at / "images" / "dog" / "1.jfif", b"x"), r"1\.jfif' is of a format that is not"),
    "a link to elsewhere": ("folder:away", (), lambda at: (at / "away").symlink_to("/usr"), "'away' leads out of the card's folder"),
    "a path too long": (f"folder:{'a' * 300}", (), nothing, r"'a+' cannot be looked up \(File name too long"),
    "a path of nobody": ("folder:~no-such-user/x", (), nothing, r"'~no-such-user/x' cannot be looked up"),
    "a path with a zero": ("folder:a\\u0000", (), nothing, r"cannot be looked up \(embedded null"),
    "outside": ("folder:../elsewhere", (), nothing, "leads out of the card's folder"),
    "no groups": ("folder:images", ('groups = "groups.csv"',), nothing, r"groups\.csv' does not exist"),
    "groups without paths": ("folder:images", ('groups = "groups.csv"',), groups("sex\nm\n"), "does not say which image a row is for"),
    "groups of others": ("folder:images", ('groups = "groups.csv"',), groups("path,sex\nx.png,m\n"), r"has no row for '.*\.png' and 4 more"),
    "groups twice": ("folder:images", ('groups = "groups.csv"',), groups("path,sex\na.png,m\na.png,f\n"), "names 'a.png' twice"),
    "groups of nothing": ("folder:images", ('groups = "groups.csv"',), groups("path\na.png\n"), "has no column besides 'path'"),
    "columns of a folder": ("folder:images", ('groups = ["sex"]',), nothing, "the source has no column 'sex' for groups"),
    "a list of what is not there": ("csv:list.csv", (), csv("path,label\ngone.png,a\n"), r"the image '.*gone\.png' does not exist"),
    "a list that leads out": ("csv:list.csv", (), csv("path,label\n../../x.png,a\n"), "leads out of the card's folder"),
    "a list with a gap": ("csv:list.csv", (), csv("path,label\n,a\n"), "row 0 has no path of an image"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "lines", "change", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_told_in_one_sentence(folder, source, lines, change, said):
    change(folder)
    with pytest.raises(NetlensError, match=said) as caught:
        of_card(card(folder, source, *lines)).all()
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("card 'card.toml': ") or "groups" in str(caught.value)


def test_names_in_any_script_can_be_read(tmp_path):
    for name in ("猫", "Hündin"):
        grey(tmp_path / "图像" / name / "一.png", 7)
    assert of_card(card(tmp_path, "folder:图像")).classes == ("Hündin", "猫")
