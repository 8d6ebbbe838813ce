"""`netlens card check` and `netlens card new`: what they say, what they warn of, and what they write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from safetensors.torch import load_file, save_file

from netlens.card import read_card
from netlens.cli import main
from netlens.errors import NetlensError, OutputError, UsageError
from netlens.publish import card_new
from netlens.publish.card_check import check, lines

NET = "from netlens.models.architectures import MnistCNN\ndef make(): return MnistCNN(size=8)\n"
CARD = '[model]\nname = "digits"\nfactory = "net.py:make"\nweights = "net.safetensors"\n[data]\nsource = "digits"\n'


@pytest.fixture
def home(tmp_path, monkeypatch, learned):
    """A folder with a network that learned the digits, and the current folder in it."""
    model, _ = learned
    (tmp_path / "net.py").write_text(NET)
    save_file({key: one.contiguous() for key, one in model.net.state_dict().items()}, tmp_path / "net.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pictures(home, digits):
    """The test digits as an image folder."""
    _, test = digits
    for place in range(150):
        folder = home / "pictures" / str(test.labels[place])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(test.raw[place]).save(folder / f"{place:03}.png")
    return home / "pictures"


def write(home: Path, text: str = CARD) -> Path:
    (home / "card.toml").write_text(text)
    return home / "card.toml"


def call(*arguments, **more):
    return CliRunner().invoke(main, list(arguments), prog_name="netlens", **more)


def test_a_check_says_what_there_is(home, learned, digits):
    model, _ = learned
    found = check(write(home))
    assert (found.task, found.modality, found.input_shape, found.classes) == ("classification", "image", (1, 8, 8), model.classes)
    assert (found.parameters, found.fingerprint, found.samples) == (model.parameters, model.fingerprint, len(digits[1]))
    assert found.accuracy.n == 100
    assert found.accuracy.value > 0.85
    assert (found.better, found.warnings, found.notes) == (None, (), ())
    assert [name for name, reason in found.refusals.items() if reason] == [
        name for name in found.refusals if "attention" in name
    ], "a network of modules is covered by every method that needs no attention"


def test_a_check_is_printed_for_people_and_for_programs(home):
    write(home)
    done = call("card", "check", "card.toml", "--samples", "50")
    assert done.exit_code == 0, done.stderr
    assert "model        digits (factory)" in done.stdout
    assert "task         classification of images into 10 classes: 0, 1, 2" in done.stdout
    assert "of 50 samples (" in done.stdout
    record = json.loads(call("card", "check", "card.toml", "--samples", "50", "--json").stdout)
    assert record["accuracy"]["n"] == 50
    assert record["refusals"]["saliency"] == ""


def test_a_wrong_normalisation_is_found_and_the_right_one_named(home):
    found = check(write(home, CARD + "mean = [-1.5]\nstd = [0.02]\n"))
    assert found.better is not None
    assert "normalisation of" in found.better.what
    assert found.better.accuracy > found.accuracy.value + 0.3
    (warning,) = found.warnings
    assert warning.startswith(
        f"accuracy is {100 * found.accuracy.value:.0f} %, and {100 * found.better.accuracy:.0f} % with the normalisation"
    )
    assert f"write mean = {found.better.data['mean']}, std = {found.better.data['std']} in [data]." in warning


def test_another_order_of_the_classes_is_found(home):
    names = ["3", "1", "2", "0", "4", "9", "6", "7", "8", "5"]
    state = load_file(home / "net.safetensors")
    order = [int(name) for name in names]
    for key in ("fc2.weight", "fc2.bias"):
        state[key] = state[key][order].clone()
    save_file(state, home / "net.safetensors")
    found = check(write(home), samples=300)
    assert found.better is not None
    assert found.better.what == "the classes in another order"
    assert found.better.data == {"classes": names}
    mended = check(write(home, CARD + f"classes = {json.dumps(names)}\n"), samples=300)
    assert mended.accuracy.n == 300


def test_a_network_that_knows_nothing_is_told(home):
    torch.manual_seed(1)
    (home / "net.py").write_text("from torch import nn\ndef make(): return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n")
    save_file({"1.weight": torch.zeros(10, 64), "1.bias": torch.arange(10.0)}, home / "net.safetensors")
    found = check(write(home))
    assert found.better is None
    assert found.warnings == (
        "it is not better than always giving the same answer; no usual normalisation and no other order of classes mends it",
    )


def test_answers_and_weights_that_are_no_numbers_are_told(home):
    state = load_file(home / "net.safetensors")
    state["fc2.bias"][3] = float("nan")
    save_file(state, home / "net.safetensors")
    assert check(write(home)).warnings[0] == "it gives NaN for 100 of 100 samples. The weights hold NaN: fc2.bias."


def test_few_samples_give_no_advice(home):
    found = check(write(home, CARD + "mean = [-1.5]\nstd = [0.02]\n"), samples=10)
    assert (found.better, found.warnings) == (None, ())


def test_the_text_for_people_groups_methods_by_reason(home):
    told = lines(check(write(home), samples=10))
    assert any(line.startswith("methods      saliency, gradient_x_input, ") for line in told)
    assert sum(line.startswith("not ") for line in told) <= 3


def new(home: Path, file: str = "new.toml", /, ask=None, **given: str):
    return card_new.new(home / file, given, ask)


def test_a_new_card_runs_and_says_what_its_keys_mean(home):
    written = new(
        home, weights="net.safetensors", factory="net.py:make", source="digits", name="My digits", purpose='Reads "digits".'
    )
    text = written.path.read_text()
    assert '# a name for pages and reports\nname = "My digits"\n' in text
    card = read_card(written.path)
    assert (card.model.weights, card.data.source, card.declared.purpose) == ("net.safetensors", "digits", 'Reads "digits".')
    assert check(written.path).accuracy == written.checked.accuracy
    assert "outside" not in text


def test_a_new_card_finds_the_normalisation_itself(home, pictures):
    far = "class Far(MnistCNN):\n    def forward(self, x): return super().forward((x / 255 - 0.3054) / 0.3762)\n"
    (home / "net.py").write_text(NET.partition("\n")[0] + "\n" + far + "def make(): return Far(size=8)\n")
    given = {"weights": "net.safetensors", "factory": "net.py:make", "source": str(pictures), "name": "n", "colour": "grey"}
    written = new(home, **given)
    card = read_card(written.path)
    assert (card.data.source, card.data.mean, card.data.std) == ("folder:pictures", [0.0], [1 / 255])
    assert "with the normalisation of pixels from 0 to 255, which the card now has" in written.notes[0]
    assert written.checked.accuracy.value > 0.8
    (home / "new.toml").unlink()
    with_mean = new(home, **given, mean="0")
    assert with_mean.notes == (), "what was given is not changed"
    assert read_card(with_mean.path).data.mean == [0.0]


def test_paths_of_a_new_card_start_at_the_card(home):
    (home / "cards").mkdir()
    written = new(home, "cards/new.toml", weights="net.safetensors", factory="net.py:make", source="digits", name="n")
    card = read_card(written.path)
    assert (card.outside, card.model.weights, card.model.factory) == (True, "../net.safetensors", "../net.py:make")


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_a_new_card_sees_what_a_file_is(home, learned):
    torch.jit.trace(learned[0].net, torch.rand(2, 1, 8, 8)).save(home / "net.pt")
    written = new(home, weights="net.pt", source="digits")
    card = read_card(written.path)
    assert (card.model.form, card.model.torchscript, card.model.name) == ("torchscript", "net.pt", "net")


def test_values_that_are_no_texts_may_be_given(home):
    written = new(
        home, weights="net.safetensors", factory="net.py:make", source="digits", name="n",
        classes="a,b,c,d,e,f,g,h,i,j", mean="0.3", std="[0.4]", arguments="{}",
    )  # fmt: skip
    card = read_card(written.path)
    assert (card.data.classes, card.data.mean, card.data.std) == (list("abcdefghij"), [0.3], [0.4])


def test_what_is_missing_is_asked_for(home):
    asked = []

    def ask(question, default):
        asked.append(question)
        replies = {"makes": "net.py:make", "test on": "digits", "of its weights": "net.safetensors"}
        return next((reply for word, reply in replies.items() if word in question), default)

    written = new(home, ask=ask)
    assert len(asked) == 5
    assert read_card(written.path).model.name == "net"


BAD = {
    "nothing at all": ({}, UsageError, r"nothing says the weights\. Expected the file of the network or of its weights\. Give --weights"),
    "no data": ({"torchvision": "resnet18"}, UsageError, r"nothing says the source\. .*Give --data"),
    "no factory": ({"weights": "net.safetensors"}, UsageError, r"nothing says the factory\. Expected what makes the network.* Give --factory"),
    "no file": ({"weights": "gone.pth"}, NetlensError, r"there is no file 'gone\.pth'"),
    "an unknown key": ({"weigths": "net.pth"}, UsageError, r"there is no key of a card 'weigths'\. Did you mean 'weights'"),
    "no number": (
        {"weights": "net.safetensors", "factory": "net.py:make", "source": "digits", "mean": "half"}, UsageError, r"mean got 'half'\. Expected a value as in TOML"
    ),
    "a network that does not fit": (
        {"weights": "net.safetensors", "factory": "torch.nn:Identity", "source": "digits"}, NetlensError, r"do not fit the network"
    ),
    "no such data": ({"weights": "net.safetensors", "factory": "net.py:make", "source": "digit"}, NetlensError, r"Did you mean 'digits'"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "said"), BAD.values(), ids=BAD)
def test_a_card_that_does_not_run_is_not_written(home, given, kind, said):
    with pytest.raises(kind, match=said):
        new(home, **given)
    assert not list(home.glob("*.toml"))


def test_an_older_card_is_not_overwritten(home):
    path = write(home)
    with pytest.raises(OutputError, match=r"there is '.*card\.toml' already\. .*--force"):
        new(home, "card.toml", weights="net.safetensors", factory="net.py:make", source="digits")
    assert path.read_text() == CARD
    with pytest.raises(UsageError, match="is no name for a card"):
        new(home, "card.json")


def test_the_commands_write_and_refuse(home):
    given = ["--weights", "net.safetensors", "--factory", "net.py:make", "--data", "digits", "-p", "version=2"]
    done = call("card", "new", "mine.toml", *given)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "mine.toml"
    assert read_card(home / "mine.toml").declared.version == "2"
    again = call("card", "new", "mine.toml", *given)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "already" in again.stderr
    assert call("card", "new", "mine.toml", *given, "--force").exit_code == 0
    assert call("card", "check", "gone.toml").exit_code == 2
    assert call("card", "check", "mnist-cnn").exit_code == 2
