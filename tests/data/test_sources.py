"""Tables, texts, arrays and callables as sources: what is read from them, and words for what cannot be."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch

from netlens.data import Dataset, of_card
from netlens.data.arrays import LARGEST
from netlens.errors import DataError, NetlensError
from tests.data.cards import card

TABLE = "age,income,sex,label\n30,1.5,f,good\n40,2.5,m,bad\n50,0.5,f,good\n"


def put(folder, name, text, encoding="utf-8"):
    (folder / name).write_bytes(text.encode(encoding))


def test_a_table_gives_its_columns_labels_and_groups(tmp_path):
    put(tmp_path, "t.csv", TABLE)
    data = of_card(card(tmp_path, "csv:t.csv", 'groups = ["sex"]'))
    assert (data.modality, data.features, data.classes) == ("table", ("age", "income"), ("bad", "good"))
    assert data.raw.tolist() == [[30, 1.5], [40, 2.5], [50, 0.5]]
    assert data.labels.tolist() == [1, 0, 1]
    assert data.groups["sex"].tolist() == ["f", "m", "f"]
    assert torch.equal(data.all().inputs, torch.tensor([[30, 1.5], [40, 2.5], [50, 0.5]])), "nothing is standardised by itself"


def test_the_card_chooses_columns_their_order_and_their_scale(tmp_path):
    put(tmp_path, "t.csv", TABLE)
    lines = ('features = ["income", "age"]', "mean = [0.5, 30.0]", "std = [2.0, 10.0]", 'classes = ["good", "bad"]')
    data = of_card(card(tmp_path, "table:t.csv", *lines))
    assert data.features == ("income", "age")
    assert data.labels.tolist() == [0, 1, 0]
    assert data.all().inputs.tolist() == [[0.5, 0.0], [1.0, 1.0], [0.0, 2.0]]


@pytest.mark.parametrize(
    ("labels", "classes", "names", "expected"),
    [
        ((0, 2, 1), None, ("0", "1", "2"), [0, 2, 1]),
        ((0, 2, 0), None, ("0", "1", "2"), [0, 2, 0]),
        ((5, 7, 6), None, ("5", "6", "7"), [0, 2, 1]),
        ((0, 1, 1), ["no", "yes"], ("no", "yes"), [0, 1, 1]),
        ((1, 2, 1), ["2", "1"], ("2", "1"), [1, 0, 1]),
        (("NA", "b", "b"), None, ("NA", "b"), [0, 1, 1]),
        (("True", "False", "True"), ["False", "True"], ("False", "True"), [1, 0, 1]),
    ],
)
def test_labels_are_names_or_positions(tmp_path, labels, classes, names, expected):
    put(tmp_path, "t.csv", "x,label\n" + "".join(f"1,{label}\n" for label in labels))
    data = of_card(card(tmp_path, "csv:t.csv", *([f"classes = {classes}"] if classes else [])))
    assert data.classes == names
    assert data.labels.tolist() == expected


def test_parquet_and_other_separators_and_encodings_say_the_same(tmp_path):
    frame = pd.DataFrame({"größe": [1.0, 2.0], "label": ["süß", "sauer"]})
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "s.csv", index=False, sep=";", encoding="latin-1")
    frame.to_csv(tmp_path / "e.csv", index=False, encoding="utf-8-sig")
    sources = [("parquet:t.parquet",), ("csv:t.csv",), ("csv:e.csv",), ("csv:s.csv", 'separator = ";"', 'encoding = "latin-1"')]
    data = [of_card(card(tmp_path, *source)) for source in sources]
    assert {one.fingerprint for one in data} == {data[0].fingerprint}
    assert data[0].classes == ("sauer", "süß")


def test_blanks_and_marks_around_a_table_are_none_of_it(tmp_path):
    plain = "x,label\n1,a\n2,b\n"
    put(tmp_path, "t.csv", plain)
    put(tmp_path, "blank.csv", "\n\n" + plain.replace(",a\n", ",a \n"))
    put(tmp_path, "windows.csv", plain.replace("\n", "\r\n"), "utf-8-sig")
    put(tmp_path, "wide.csv", plain, "utf-16")
    put(tmp_path, "t.jsonl", '{"x": 1, "label": "a"}\n{"x": 2, "label": "b"}\n', "utf-8-sig")
    names = ("csv:t.csv", "csv:blank.csv", "csv:windows.csv", "csv:wide.csv", "jsonl:t.jsonl")
    data = [of_card(card(tmp_path, name)) for name in names]
    assert {one.classes for one in data} == {("a", "b")}
    assert {str(one.raw.tolist()) for one in data} == {"[[1.0], [2.0]]"}


def test_texts_come_from_csv_and_from_json_lines(tmp_path):
    put(tmp_path, "words.txt", "<pad>\n<unk>\ngood\nbad\n")
    put(tmp_path, "t.csv", 'text,label\n"good, good",yes\nnan,no\n')
    put(tmp_path, "t.jsonl", '{"text": "good, good", "label": "yes"}\n\n{"text": "nan", "label": "no"}\n')
    by_csv, by_json = (of_card(card(tmp_path, source, 'vocabulary = "words.txt"')) for source in ("csv:t.csv", "jsonl:t.jsonl"))
    assert by_csv.modality == "text"
    assert by_csv.fingerprint == by_json.fingerprint
    assert by_csv.raw.tolist() == ["good, good", "nan"]
    assert by_csv.take([0]).inputs[0, 0] == 2
    with pytest.raises(DataError, match="does not say how texts become tokens"):
        of_card(card(tmp_path, "csv:t.csv"))


def test_training_data_may_be_another_file(tmp_path):
    put(tmp_path, "t.csv", TABLE)
    put(tmp_path, "train.csv", TABLE + "60,1,m,bad\n")
    both = card(tmp_path, "csv:t.csv", 'train = "csv:train.csv"', 'groups = ["sex"]')
    assert [len(of_card(both, split)) for split in ("train", "test")] == [4, 3]
    assert of_card(both, "train").groups["sex"].tolist() == ["f", "m", "f", "m"]


def test_a_registered_name_gives_both_splits_with_the_names_of_the_card(tmp_path):
    named = card(tmp_path, "digits", f"classes = {list('abcdefghij')}", "mean = [0.5]")
    assert [len(of_card(named, split)) for split in ("train", "test")] == [1438, 359]
    data = of_card(named)
    assert data.classes == tuple("abcdefghij")
    assert (data.preprocess.mean, data.preprocess.std) == ((0.5,), (0.3762,))


def test_held_out_data_of_ones_own_may_stand_beside_registered_training_data(tmp_path):
    np.savez(tmp_path / "few.npz", x=np.zeros((2, 8, 8), np.uint8), y=[3, 9])
    both = card(tmp_path, "npz:few.npz", 'train = "digits"', f"classes = {list('0123456789')}")
    assert of_card(both).labels.tolist() == [3, 9]
    assert len(of_card(both, "train")) == 1438


def test_arrays_of_images_rows_and_texts(tmp_path):
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.savez(tmp_path / "i.npz", x=pixels, y=[1, 0], site=["a", "b"])
    data = of_card(card(tmp_path, "npz:i.npz", 'groups = ["site"]'))
    assert np.array_equal(data.raw, pixels)
    assert (data.modality, data.labels.tolist(), data.groups["site"].tolist()) == ("image", [1, 0], ["a", "b"])
    np.savez(tmp_path / "t.npz", data=[[1.0, 2.0], [3.0, 4.0]], labels=["a", "b"], feature_names=["p", "q"])
    assert of_card(card(tmp_path, "npz:t.npz")).features == ("p", "q")
    np.savez(tmp_path / "both.npz", x_train=pixels, y_train=[[0], [1]], x_test=pixels[:1], y_test=[[1]])
    both = card(tmp_path, "npz:both.npz", 'classes = ["a", "b"]')
    assert [of_card(both, split).labels.tolist() for split in ("train", "test")] == [[0, 1], [1]]


CODE = """
import numpy as np, torch
from torch.utils.data import TensorDataset
from PIL import Image

class Pictures:
    classes = ["cat", "dog"]
    def __len__(self): return 3
    def __getitem__(self, at):
        return Image.new("RGB", (4, 3), (at, 100, 200)), at % 2

class Listed(Pictures):
    targets = [1, 1, 0]
    def __getitem__(self, at):
        if at == 2: raise OSError("disk")
        return super().__getitem__(at)

class Normalised(Pictures):
    def __getitem__(self, at):
        return (torch.full((1, 3, 4), (100 + at) / 255) - 0.5) / 0.25, at % 2

def pictures(): return Pictures()
def listed(): return Listed()
def normalised(): return Normalised()
def rows(split): return TensorDataset(torch.full((2, 3), 1.0 if split == "train" else 2.0), torch.tensor([0, 1]))
def texts(): return [("good", "yes"), ("bad", "no")]
def broken(): raise RuntimeError("no such thing")
def number(): return 3
def ended(): raise SystemExit(2)
def hot(): return [([1.0], [1, 0]), ([2.0], [0, 1])]
def empty(): return []
def single(): return [1, 2]
def shapes(): return [(np.zeros((2, 2), np.uint8), 0), (np.zeros((3, 2), np.uint8), 1)]
def strange(): return [(np.zeros((2, 2, 2, 2)), 0), (np.zeros((2, 2, 2, 2)), 1)]
"""


@pytest.fixture
def code(tmp_path):
    (tmp_path / "mine.py").write_text(CODE)
    return tmp_path


def test_a_torch_data_set_of_pictures(code):
    data = of_card(card(code, "mine.py:pictures"))
    assert data.raw.shape == (3, 3, 4, 3)
    assert data.raw[np.array([2])].tolist() == [[[[2, 100, 200]] * 4] * 3]
    assert (data.classes, data.labels.tolist()) == (("cat", "dog"), [0, 1, 0])
    assert len(data.fingerprint) == 64


def test_known_labels_are_taken_without_reading_the_samples(code):
    data = of_card(card(code, "mine.py:listed"))
    assert data.labels.tolist() == [1, 1, 0]
    with pytest.raises(DataError, match="sample 2 raised OSError: disk"):
        data.all()


def test_the_cards_mean_and_std_are_undone_to_show_what_was_preprocessed(code):
    data = of_card(card(code, "mine.py:normalised", "mean = [0.5]", "std = [0.25]"))
    assert data.raw[np.arange(3)][:, 0, 0].tolist() == [100, 101, 102]
    torch.testing.assert_close(data.all().inputs[:, 0, 0, 0], (torch.tensor([100.0, 101, 102]) / 255 - 0.5) / 0.25)


def test_a_callable_may_know_splits_and_give_rows_or_texts(code):
    rows = card(code, "mine.py:rows")
    assert [of_card(rows, split).raw[0, 0] for split in ("train", "test")] == [1.0, 2.0]
    assert of_card(rows).features == ("column 1", "column 2", "column 3")
    put(code, "words.txt", "<pad>\n<unk>\ngood\nbad\n")
    texts = of_card(card(code, "mine.py:texts", 'vocabulary = "words.txt"'))
    assert (texts.raw.tolist(), texts.classes, texts.labels.tolist()) == (["good", "bad"], ("no", "yes"), [1, 0])
    with pytest.raises(DataError, match="names no training data"):
        of_card(card(code, "mine.py:texts"), "train")


def test_a_callable_of_a_package_may_give_a_data_set_of_ours(tmp_path):
    data = of_card(card(tmp_path, "tests.data.test_sources:ours"))
    assert (data.raw.tolist(), data.classes, data.groups["sex"].tolist()) == ([[1.0], [2.0]], ("a", "b"), ["f", "m"])


def ours():
    """A data set of netlens."""
    return Dataset(
        "x", "test", ("a", "b"), np.array([[1.0], [2.0]]), np.array([0, 1]), len, "table", ("c",), {"sex": np.array(["f", "m"])}
    )


def csv(text, encoding="utf-8"):
    return lambda folder: put(folder, "t.csv", text, encoding)


def npz(**arrays):
    return lambda folder: np.savez(folder / "t.npz", **arrays)


def bomb(folder):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (LARGEST + 1,)})
    with zipfile.ZipFile(folder / "t.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue())
    content = bytearray((folder / "t.npz").read_bytes())
    place = content.rindex(b"PK\x01\x02") + 24  # the size that the list of contents gives
    content[place : place + 4] = (0xFFFFFFFE).to_bytes(4, "little")
    (folder / "t.npz").write_bytes(content)


def python(folder):
    (folder / "mine.py").write_text(CODE)


def bytes_of(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def nothing(folder):
    pass


CSV, NPZ = "csv:t.csv", "npz:t.npz"
BAD = {
    "a misspelt name": ("digit", (), nothing, "there is no data set 'digit'. Did you mean 'digits'"),
    "a misspelt kind": ("foldr:x", (), nothing, "there is no kind of source 'foldr'. Did you mean 'folder'"),
    "no place": ("csv:", (), nothing, "the source 'csv:' names no place"),
    "no file": (CSV, (), nothing, r"the file '.*t\.csv' does not exist"),
    "a folder": (CSV, (), lambda at: (at / "t.csv").mkdir(), r"the file '.*t\.csv' is a folder"),
    "an empty file": (CSV, (), csv(""), r"t\.csv' is empty"),
    "no rows": (CSV, (), csv("x,label\n"), "has no rows"),
    "another separator": (CSV, (), csv("x;label\n1;a\n2;b\n"), r"has one column.*parted by a semicolon: write separator = \";\""),
    "another encoding": (CSV, (), csv("größe,label\n1,a\n", "latin-1"), r"is not in the encoding utf-8 .*encoding = \"latin-1\""),
    "no such encoding": (CSV, ('encoding = "utf-9"',), csv("x,label\n1,a\n"), "is not in the encoding utf-9 .LookupError"),
    "cells too many": (CSV, (), csv("x,label\n1,a\n1,a,3\n"), "is no CSV: .*line 3"),
    "cells too many in all rows": (CSV, (), csv("x,label\n1,a,3\n2,b,3\n"), "the rows of .* have more cells than its header"),
    "no header of a column": (CSV, (), csv(",x,label\n0,1,a\n"), "column 1 of '.*' has no name"),
    "two columns of one name": (CSV, (), csv("x,x,label\n0,1,a\n"), "has two columns called 'x'"),
    "no labels": (CSV, (), csv("x,z\n1,2\n"), "no column holds labels; its columns are x, z"),
    "a misspelt column": (CSV, ('label = "lable"',), csv("x,label\n1,a\n"), "no column of labels 'lable'. Did you mean 'label'"),
    "a label missing": (CSV, (), csv("x,label\n1,a\n2,\n3,\n"), "row 1 has no label, nor have 1 more"),
    "labels as lists": ("jsonl:t.jsonl", (), lambda at: put(at, "t.jsonl", '{"x": 1, "label": ["a"]}\n{"x": 2, "label": ["b"]}\n'), "the label of row 0 is a list. Expected one label a sample"),
    "labels as rows": (NPZ, (), npz(x=[[1.0], [2.0]], y=[[0, 1], [1, 0]]), r"labels shaped \(2, 2\)"),
    "an infinite label": (CSV, (), csv("x,label\n1,0\n2,inf\n"), "the label of row 1 is inf"),
    "identities for labels": (CSV, (), csv("x,label\n1,0\n2,99999999\n"), "the labels are whole numbers from 0 to 99,999,999, of which 2 occur"),
    "a truth missing": ("parquet:t.parquet", (), lambda at: pd.DataFrame({"x": [1, 2], "label": pd.array([True, None], dtype="boolean")}).to_parquet(at / "t.parquet"), "row 1 has no label"),
    "dates": ("parquet:t.parquet", (), lambda at: pd.DataFrame({"x": pd.to_datetime(["2020-01-01", "2021-01-01"]), "label": [0, 1]}).to_parquet(at / "t.parquet"), "the column 'x' holds dates or times"),
    "a table of Excel": (CSV, (), bytes_of("t.csv", b"PK\x03\x04 and so on"), "is no CSV, but an archive or a table of Excel's"),
    "blank lines": (CSV, (), csv("\n\n"), "has no rows"),
    "one-hot labels": ("mine.py:hot", (), python, "the label of row 0 is a list"),
    "a callable that ends itself": ("mine.py:ended", (), python, "'mine.py:ended' raised SystemExit: 2"),
    "a value to predict": (CSV, (), csv("x,label\n1,0.5\n2,1.0\n"), "the label of row 0 is 0.5.*a value to predict is no class"),
    "a label that is no class": (CSV, ('classes = ["cat", "dog"]',), csv("x,label\n1,cat\n2,dogs\n"), "the label 'dogs' of row 1 is none of the 2 classes. Did you mean 'dog'"),
    "a number that is no class": (CSV, ('classes = ["cat", "dog"]',), csv("x,label\n1,1\n2,2\n"), "the label '2' of row 1 is none of the 2 classes"),
    "one class": (CSV, (), csv("x,label\n1,a\n2,a\n"), "all 2 samples have the label 'a'"),
    "an empty cell": (CSV, (), csv("x,label\n1,a\n,b\n"), "the column 'x' has no value in row 1"),
    "NaN in words": (CSV, (), csv("x,label\n1,a\nNaN,b\nNaN,b\n"), "the column 'x' has no value in row 1 and in 1 more"),
    "infinity": (CSV, (), csv("x,label\n1,a\ninf,b\n"), "the column 'x' has an infinite value in row 1"),
    "a text among numbers": (CSV, (), csv("x,city,label\n1,Bonn,a\n2,Ulm,b\n"), "the column 'city' holds text: 'Bonn' in row 0"),
    "NA among numbers": (CSV, (), csv("x,label\n1,a\nNA,b\n"), "the column 'x' holds text: 'NA' in row 1"),
    "a misspelt feature": (CSV, ('features = ["ages"]',), csv("age,label\n1,a\n2,b\n"), "no column of features 'ages'. Did you mean 'age'"),
    "no features": (CSV, (), csv("label\na\nb\n"), "has no column besides the labels"),
    "too few means": (CSV, ("mean = [1.0]", "std = [1.0]"), csv(TABLE.replace("sex", "s").replace(",f,", ",1,").replace(",m,", ",2,")), r"\[data.mean\] has 1 numbers, and the samples have 3 columns"),
    "a misspelt group": (CSV, ('groups = ["gender"]',), csv(TABLE), "no column of groups 'gender'"),
    "too few groups": (CSV, ('features = ["age"]', 'groups = "g.csv"'), lambda at: (csv(TABLE)(at), put(at, "g.csv", "sex\nm\n")), r"g\.csv' has 1 rows, and there are 3 samples"),
    "no text": ("text:t.csv", (), csv("text,label\n,a\nb,b\n"), "the column 'text' has no text in row 0"),
    "no column of texts": ("text:t.csv", (), csv("x,label\na,a\nb,b\n"), "no column holds texts"),
    "two modalities": ("table:t.csv", ('modality = "text"',), csv(TABLE), "the source says table, and .* says text"),
    "a line that is no JSON": ("jsonl:t.jsonl", (), lambda at: put(at, "t.jsonl", '{"text": "a", "label": 1}\n{"text"\n'), "line 2 of '.*' is no JSON"),
    "a line that is no object": ("jsonl:t.jsonl", (), lambda at: put(at, "t.jsonl", "[1]\n"), "line 1 of '.*' holds no object"),
    "no Parquet": ("parquet:t.parquet", (), lambda at: put(at, "t.parquet", "PAR0"), r"t\.parquet' is no Parquet file"),
    "no arrays": (NPZ, (), bytes_of("t.npz", b"PK\x03\x04 and so on"), r"t\.npz' cannot be read as \.npz \(BadZipFile"),
    "a bomb": (NPZ, (), bomb, r"cannot be read as \.npz|unpacks to"),
    "a pickle in arrays": (NPZ, (), npz(x=np.array([{}, {}]), y=[0, 1]), r"cannot be read as \.npz \(ValueError: Object arrays cannot be loaded"),
    "arrays of other names": (NPZ, (), npz(a=[1], b=[2]), "it holds no samples; its arrays are a, b"),
    "an array that is not there": (NPZ, ('label = "truth"',), npz(x=[[1.0]], y=[2]), "it holds no labels; .*Expected 'truth'"),
    "too few labels": (NPZ, (), npz(x=[[1.0], [2.0]], y=[2]), r"samples shaped \(2, 1\) and labels shaped \(1,\)"),
    "NaN in arrays": (NPZ, (), npz(x=[[1.0], [np.nan]], y=[0, 1]), "the table holds NaN"),
    "floats for pixels": (NPZ, (), npz(x=np.zeros((2, 3, 3)), y=[0, 1]), "the samples are float64 shaped .*Scale to 0..255"),
    "channels first": (NPZ, (), npz(x=np.zeros((2, 3, 5, 5), np.uint8), y=[0, 1]), r"Bring the channels to the end"),
    "no callable": ("mine.py:picture", (), python, "there is no callable in 'mine.py' named 'picture'. Did you mean 'pictures'"),
    "no module": ("no.such:thing", (), nothing, "'no.such' cannot be imported"),
    "code elsewhere": ("../mine.py:f", (), nothing, "leads out of the card's folder"),
    "a callable that raises": ("mine.py:broken", (), python, "'mine.py:broken' raised RuntimeError: no such thing"),
    "no data set": ("mine.py:number", (), python, "returned a int"),
    "an empty data set": ("mine.py:empty", (), python, "returned an empty data set"),
    "no pairs": ("mine.py:single", (), python, "sample 0 is a int. Expected pairs of a sample and its label"),
    "several shapes": ("mine.py:shapes", (), python, r"sample 1 has the shape \(3, 2\)"),
    "no images": ("mine.py:strange", (), python, r"sample 0 is float64 shaped \(2, 2, 2, 2\)"),
    "no pixels": ("mine.py:normalised", (), python, "which are no pixels from 0 to 1. Write the mean and std"),
    "other classes": ("digits", ('classes = ["a", "b"]',), nothing, "names 2 classes, and 'digits' has 10"),
    "other classes than the callable's": ("mine.py:pictures", ('classes = ["a", "b", "c"]',), python, "names 3 classes, and the data have 2"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "lines", "change", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_read_is_told_in_one_sentence(tmp_path, source, lines, change, said):
    change(tmp_path)
    with pytest.raises(NetlensError, match=said) as caught:
        of_card(card(tmp_path, source, *lines)).all()
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_a_model_without_a_card_names_no_data():
    with pytest.raises(DataError, match="this model has no card that names its data"):
        of_card(None)


def test_a_split_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(NetlensError, match=r"there is no split 'tests'\. Did you mean 'test'"):
        of_card(card(tmp_path, "digits"), "tests")


def test_without_training_data_the_last_of_the_held_out_samples_are_the_reference(tmp_path):
    from netlens.data import reference

    csv("x,label\n1,a\n2,b\n3,a\n4,b\n5,a\n")(tmp_path)
    only = card(tmp_path, CSV)
    assert reference(only, 2).ids.tolist() == [3, 4]
    assert len(reference(only, 100)) == 5
    both = card(tmp_path, CSV, 'train = "csv:t.csv"')
    assert reference(both, 2).ids.tolist() == [0, 1]
    assert len(reference(card(tmp_path, "digits"), 2000)) == 1438
    with pytest.raises(NetlensError, match=r"the file '.*gone\.csv' does not exist"):
        reference(card(tmp_path, CSV, 'train = "csv:gone.csv"'), 2)
