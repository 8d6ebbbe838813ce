"""`netlens explain`: the picture, the numbers and the sentences of an explanation, and bad input."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
import torch
from click.testing import CliRunner, Result
from PIL import Image

from netlens import data
from netlens.cli import main
from netlens.explain import EXPLAINERS, IntegratedGradients
from netlens.publish import hyperparameters, listing
from netlens.trained import obtain

USUAL = ("--method", "integrated_gradients", "--dataset", "digits")
FILES = {"explanation.png", "explanation.svg", "explanation.txt", "explanation.json", "values.npz"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", "mnist-mlp", *arguments])


def picture(path: Path, size: tuple[int, int] = (8, 8), mode: str = "L") -> str:
    raw = data.load("digits").raw[0]
    Image.fromarray(raw).resize(size).convert(mode).save(path)
    return str(path)


def test_the_numbers_are_those_of_the_library(tmp_path: Path) -> None:
    done = call("test:5", "test:0-1", *USUAL, "-p", "n_steps=8", "-p", "tolerance=0.5", "--out", "made")
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "made").iterdir()} == FILES
    model, _ = obtain("mnist-mlp", "digits")
    batch = data.load("digits").take([5, 0, 1])
    expected = IntegratedGradients(n_steps=8, tolerance=0.5)(model, batch.inputs)
    with np.load(tmp_path / "made" / "values.npz", allow_pickle=False) as kept:
        assert np.array_equal(kept["values"], expected.values.numpy())
        assert np.array_equal(kept["delta"], expected.delta.numpy())
        assert np.array_equal(kept["raw"], batch.raw)
        told = json.loads(str(kept["metadata"]))
    assert told == json.loads((tmp_path / "made" / "explanation.json").read_text())
    assert told["model"]["fingerprint"] == model.fingerprint
    assert told["params"]["n_steps"] == 8
    assert [one["input"] for one in told["inputs"]] == ["test:5", "test:0", "test:1"]
    for one in told["inputs"]:
        assert f"{one['input']}: {one['sentence']}" in done.output
        assert one["sentence"].startswith("The network reads")


def test_the_class_explained_can_be_chosen_and_json_is_printed() -> None:
    done = call("test:5", *USUAL, "--target", "3", "--json")
    told = json.loads(done.stdout)
    assert [one["target"] for one in told["inputs"]] == ["3"]
    assert set(told["files"]) == FILES


def test_files_and_arrays_are_read_as_the_data_set_is(tmp_path: Path) -> None:
    np.save(tmp_path / "raw.npy", data.load("digits").raw[:2])
    done = call(picture(tmp_path / "a.png"), str(tmp_path / "raw.npy"), "test:0", *USUAL, "--out", "made")
    assert done.exit_code == 0, done.output
    with np.load(tmp_path / "made" / "values.npz") as kept:
        assert len(kept["values"]) == 4
        assert np.array_equal(kept["values"][0], kept["values"][1])
        assert np.array_equal(kept["values"][1], kept["values"][3])


def test_a_picture_of_another_size_is_resized_only_on_request(tmp_path: Path) -> None:
    large = picture(tmp_path / "large.png", (16, 16))
    assert "16 by 16 pixels" in call(large, *USUAL).stderr
    done = call(large, *USUAL, "--resize")
    assert done.exit_code == 0, done.output
    assert "was resized from 16 by 16 pixels to 8 by 8 pixels" in done.stderr


def test_values_that_do_not_add_up_are_said() -> None:
    done = call("test:5", *USUAL, "-p", "n_steps=1", "-p", "max_steps=1", "-p", "tolerance=1e-9")
    assert done.exit_code == 0, done.output
    assert "note: test:5: the values do not add up" in done.stderr


def test_an_older_explanation_is_replaced_and_other_folders_are_not(tmp_path: Path) -> None:
    assert call("test:5", *USUAL, "--out", "made").exit_code == 0
    assert call("test:6", *USUAL, "--out", "made").exit_code == 0
    assert "test:6" in (tmp_path / "made" / "explanation.txt").read_text()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.doc").write_text("years of work")
    done = call("test:5", *USUAL, "--out", "mine")
    assert done.exit_code == 2
    assert "holds something else than an explanation: thesis.doc" in done.stderr
    assert (tmp_path / "mine" / "thesis.doc").read_text() == "years of work"


BAD = {
    "method": (
        ["test:1", "--method", "salency", "--dataset", "digits"],
        "there is no method 'salency'. Did you mean 'saliency'?",
    ),
    "parameter": (["test:1", *USUAL, "-p", "n_step=3"], "there is no parameter 'n_step'. Did you mean 'n_steps'?"),
    "type": (["test:1", *USUAL, "-p", "n_steps=many"], "parameter 'n_steps' got 'many'"),
    "target": (["test:1", *USUAL, "--target", "eleven"], "there is no class of mnist-mlp 'eleven'"),
    "position": (["test:99999", *USUAL], "is outside the data set 'digits'. Expected test:0 to test:"),
    "order": (["test:3-1", *USUAL], "'test:3-1' ends before it begins"),
    "split": (["exam:3", *USUAL], "there is no split 'exam'"),
    "missing": (["gone.png", *USUAL], "there is no input 'gone.png'"),
    "broken image": (["broken.png", *USUAL], "cannot be read as an image"),
    "no image": (["words.txt", *USUAL], "is neither an image nor an array"),
    "empty array": (["empty.npy", *USUAL], "is empty"),
    "NaN": (["nan.npy", *USUAL], "holds NaN or infinite values"),
    "wrong shape": (["shape.npy", *USUAL], "has the shape (2, 5, 5)"),
    "pickle": (["objects.npy", *USUAL], "cannot be read as an array"),
    "no maps": (["test:1", "--method", "grad_cam", "--dataset", "digits"], "has no layer with maps"),
    "device": (["test:1", *USUAL, "--device", "tpu"], "tpu"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_one_clear_error(tmp_path: Path, kind: str) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nhalf")
    (tmp_path / "words.txt").write_text("words")
    np.save(tmp_path / "empty.npy", np.zeros((0, 8, 8), np.uint8))
    np.save(tmp_path / "nan.npy", np.full((8, 8), np.nan))
    np.save(tmp_path / "shape.npy", np.zeros((2, 5, 5), np.uint8))
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    arguments, message = BAD[kind]
    done = call(*arguments, "--out", "made")
    assert done.exit_code == 2, done.output
    assert message in done.stderr
    assert "Traceback" not in done.output
    assert not (tmp_path / "made").exists()


def test_every_method_is_listed_with_its_facts() -> None:
    rows = json.loads(CliRunner().invoke(main, ["list", "methods", "--json"]).stdout)
    assert list(rows) == list(EXPLAINERS)
    for name, row in rows.items():
        assert row["paper"] == EXPLAINERS[name].reference
        assert all(row[key] for key in ("family", "needs", "cost", "gives", "summary"))
    steps = next(one for one in rows["integrated_gradients"]["parameters"] if one["name"] == "n_steps")
    assert (steps["default"], steps["type"]) == (32, "int")
    assert "points on the path" in steps["help"]


@pytest.mark.parametrize("width", [60, 100, 160])
def test_the_table_of_methods_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    lines = listing.lines("methods", listing.rows("methods"))
    assert max(map(len, lines)) <= width
    assert all(any(line.startswith(name) for line in lines) for name in EXPLAINERS)


def test_hyperparameters_are_read_by_their_annotations() -> None:
    kind = EXPLAINERS["integrated_gradients"]
    read = hyperparameters.read(kind, {"n_steps": "5", "tolerance": "1e-3", "baseline": "zero"}, "test")
    assert read == {"n_steps": 5, "tolerance": 1e-3, "baseline": "zero"}
    assert hyperparameters.read(kind, {"baseline": "zero,black"}, "test")["baseline"] == ("zero", "black")


def test_help_loads_no_torch() -> None:
    check = "import sys; from netlens.cli import main\ntry: main(['explain', '--help'])\nexcept SystemExit: pass\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", check], check=True, capture_output=True)


def test_the_picture_shows_the_first_inputs_and_the_numbers_all(tmp_path: Path) -> None:
    done = call("test:0-9", *USUAL, "-p", "n_steps=2", "-p", "max_steps=2", "-p", "tolerance=9", "--out", "made")
    assert "the picture shows the first 8 of 10 inputs" in done.stderr
    with np.load(tmp_path / "made" / "values.npz") as kept:
        assert torch.from_numpy(kept["values"]).shape == (10, 1, 8, 8)


def table(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", "breast-cancer-mlp", *arguments])


def test_rows_of_a_table_are_explained_by_their_columns(tmp_path: Path) -> None:
    done = table("test:5", "test:2", "--method", "gradient_x_input", "--out", "made")
    assert done.exit_code == 0, done.output
    batch = data.load("breast-cancer").take([5, 2])
    model, _ = obtain("breast-cancer-mlp")
    told = json.loads((tmp_path / "made" / "explanation.json").read_text())
    with np.load(tmp_path / "made" / "values.npz") as kept:
        assert np.array_equal(kept["raw"], batch.raw)
        assert kept["values"].shape == (2, 30)
        largest = data.load("breast-cancer").features[int(np.abs(kept["values"][0]).argmax())]
    assert f"test:5 ({told['inputs'][0]['target']}): {largest}" in told["alt"]
    assert [one["target"] for one in told["inputs"]] == [model.classes[at] for at in model.logits(batch.inputs).argmax(1)]
    np.save(tmp_path / "rows.npy", batch.raw)
    assert table("rows.npy", "--method", "gradient_x_input", "--out", "again").exit_code == 0
    with np.load(tmp_path / "again" / "values.npz") as again, np.load(tmp_path / "made" / "values.npz") as kept:
        assert np.array_equal(again["values"], kept["values"])


FACTORY = """
import torch
from torch import nn

class Read(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv1d(1, 4, 5, stride=2, padding=2), nn.Linear(4, 2)

    def forward(self, rows):
        return self.fc(self.conv(rows.unsqueeze(1)).relu().mean(2))
"""


def test_rows_that_a_network_reads_as_a_series_are_explained_by_their_steps(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(FACTORY)
    space: dict[str, Any] = {}
    exec(FACTORY, space)
    torch.manual_seed(0)
    net = space["Read"]()
    torch.save(net.state_dict(), tmp_path / "net.pt")
    rows = np.random.default_rng(0).normal(size=(4, 16))
    np.savez(tmp_path / "rows.npz", x=rows, y=np.array([0, 1, 0, 1]))
    told = {"model": {"name": "read", "factory": "net.py:Read", "weights": "net.pt"}, "data": {"source": "npz:rows.npz"}}
    (tmp_path / "card.toml").write_text(tomli_w.dumps(told))
    done = CliRunner().invoke(
        main, ["explain", "card.toml", "test:0-1", "--method", "grad_cam", "--out", "made", "--device", "cpu"]
    )
    assert done.exit_code == 0, done.output
    assert "the map is that of 'conv', with 8 steps along axis 1 of the inputs (N, 16)" in done.stderr
    with np.load(tmp_path / "made" / "values.npz") as kept:
        assert kept["values"].shape == (2, 1, 8)
    said = json.loads((tmp_path / "made" / "explanation.json").read_text())
    assert said["params"]["time_axis"] == 1
    assert said["alt"].startswith("2 series of 16 steps with Grad-CAM as colour behind the lines.")
    assert "of the series" in said["inputs"][0]["sentence"]


@pytest.mark.parametrize(
    ("given", "method", "said"),
    [
        ("a.png", "saliency", "is an image, and the network takes rows of a table"),
        ("few.npy", "saliency", r"has the shape \(2, 3\)\. Expected \(30\) or \(N, 30\)"),
        ("nan.npy", "saliency", "holds NaN or infinite values. Expected numbers in the units of the table"),
        ("test:5", "grad_cam", "breast-cancer-mlp has no layer with maps .* Use saliency or integrated_gradients instead"),
        ("test:5", "integrated_gradients", "Use baseline='zero'"),
        ("test:5", "rise", "Use kernel_shap, lime or occlusion"),
    ],
)
def test_what_does_not_suit_a_table_is_told(tmp_path: Path, given: str, method: str, said: str) -> None:
    picture(tmp_path / "a.png")
    np.save(tmp_path / "few.npy", np.zeros((2, 3)))
    np.save(tmp_path / "nan.npy", np.full((2, 30), np.nan))
    done = table(given, "--method", method)
    assert done.exit_code == 2
    assert re.search(said, done.stderr), done.stderr
