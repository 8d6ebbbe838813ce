"""`netlens explain` on texts: a sentence in, words in colour, bars, numbers and sentences out."""

import json
from pathlib import Path

import numpy as np
import pytest
import tomli_w
import torch
from click.testing import CliRunner, Result
from safetensors.torch import save_file

from netlens.cli import main
from netlens.data.text import WordTokens
from netlens.explain import KernelSHAP, Saliency, describe_texts, text
from netlens.models.model import Model
from netlens.models.text import TextLSTM

WORDS = WordTokens.fit(["a good film . a dull film , not good at all"], at_least=1)
FILES = {"explanation.png", "explanation.svg", "explanation.txt", "explanation.json", "values.npz"}


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A network for text with random weights, its card, its vocabulary and its data."""
    torch.manual_seed(3)
    net = TextLSTM(len(WORDS), 2, width=8)
    with torch.no_grad():
        net.embedding.weight.mul_(10)
    save_file(net.state_dict(), tmp_path / "weights.safetensors")
    WORDS.write(tmp_path / "vocabulary.txt")
    (tmp_path / "texts.csv").write_text('text,label\n"a good film",for\n"a dull film",against\n"not good at all",against\n')
    told = {
        "model": {"name": "films", "factory": "netlens.models.text:TextLSTM", "arguments": {"vocabulary": len(WORDS), "classes": 2, "width": 8}, "weights": "weights.safetensors"},
        "data": {"source": "csv:texts.csv", "modality": "text", "text": "text", "label": "label", "classes": ["against", "for"], "vocabulary": "vocabulary.txt"},
    }  # fmt: skip
    (tmp_path / "card.toml").write_text(tomli_w.dumps(told))
    monkeypatch.chdir(tmp_path)
    return str(tmp_path / "card.toml")


def call(card: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["explain", card, *arguments, "--device", "cpu"])


@pytest.mark.parametrize("method", ["kernel_shap", "integrated_gradients", "saliency"])
def test_a_sentence_in_words_bars_and_numbers_out(card: str, method: str) -> None:
    done = call(card, "A good film, not dull at all.", "--method", method, "--out", "out")
    assert done.exit_code == 0, done.output
    assert {file.name for file in Path("out").iterdir()} == FILES
    assert "“A good film, not dull at all.”: The network reads “" in done.output
    told = json.loads(Path("out/explanation.json").read_text())
    assert told["params"]["words"] == [["A", "good", "film", ",", "not", "dull", "at", "all", "."]]
    with np.load("out/values.npz") as kept:
        assert kept["feature_values"].shape == (1, 9)
        assert kept["values"].sum() == pytest.approx(np.nansum(kept["feature_values"]), abs=1e-4)


def test_sentences_files_and_positions_are_read(card: str, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("a dull film\n\nnot good\n", "utf-8-sig")
    done = call(card, "mine.txt", "good film", "test:1", "--method", "occlusion", "--target", "for")
    assert done.exit_code == 0, done.output
    heads = [line.split(":")[0] for line in done.output.splitlines() if "The network reads" in line]
    assert heads == ["mine.txt", "mine.txt", "“good film”", "test"]
    assert "does not know" not in done.stderr, "the mark that a Windows editor writes is no word"


def test_unknown_words_are_named(card: str) -> None:
    done = call(card, "a zork film", "--method", "lime")
    assert "note: “a zork film”: the network does not know “zork”" in done.stderr


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (["nothere.txt"], "there is no file 'nothere.txt'"),
        (["empty.txt"], "'empty.txt' holds no text"),
        (["latin.txt"], r"cannot be read as a text"),
        (["   "], "a text is empty"),
        (["test:9"], "is outside the data set"),
        (["film"], "has one word only"),
    ],
)
def test_bad_texts_are_refused(card: str, tmp_path: Path, inputs: list[str], said: str) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    (tmp_path / "latin.txt").write_bytes("café".encode("latin-1"))
    done = call(card, *inputs, "--method", "kernel_shap", "--out", "out")
    assert done.exit_code == 2
    assert said in done.stderr
    assert not Path("out").exists()


class OneWord(torch.nn.Module):
    """Only the word `good` counts, three logits."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(len(WORDS), 2)
        with torch.no_grad():
            self.embedding.weight.zero_()
            self.embedding.weight[WORDS(["good"])[0, 0], 1] = 3.0

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.embedding(ids).sum(1)


def test_the_sentences_tell_what_becomes_of_the_answer_without_a_word() -> None:
    model = Model(OneWord(), "one word", ("against", "for"), WORDS)
    texts = ["a good film", "a dull film ."]
    first, second = describe_texts(model, texts, text(model, KernelSHAP(), texts, 1))
    assert first.startswith("The network reads “for” with 95.3 %. Without “good”, which speaks most for it, this drops to 50 %;")
    assert (
        second
        == "The network reads “against”; to “for” it gives 50 %. No positive evidence was found: no word speaks for it, and none against it."
    )


def test_what_has_no_sign_is_not_said_to_speak_for_a_class() -> None:
    model = Model(OneWord(), "one word", ("against", "for"), WORDS)
    (said,) = describe_texts(model, "a good film", text(model, Saliency(), "a good film", 1))
    assert "speak" not in said
    assert "most" in said
