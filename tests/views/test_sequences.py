"""The views of recurrent layers: numbers in words, in a table and in a picture that comes out the same each time."""

import re
from dataclasses import replace

import pytest
import torch

from netlens import views
from netlens.data import Preprocess
from netlens.errors import UsageError
from netlens.internals.memory import Memory, memory
from netlens.internals.recurrent import hidden_states, logits_while_reading
from netlens.internals.tracking import tracking
from netlens.models.model import Model
from netlens.models.recurrent import MnistLSTM
from netlens.views.base import _render


@pytest.fixture(scope="module")
def read(digits):
    """An untrained network that reads four digits."""
    torch.manual_seed(0)
    model = Model(MnistLSTM(size=8), "reader", digits[1].classes, digits[1].preprocess)
    batch = digits[1].take(4)
    (states,) = hidden_states(model, batch.inputs)
    ink = torch.from_numpy(batch.raw / 255).sum(2)
    return {
        "batch": batch,
        "states": states,
        "ink": ink,
        "found": tracking(states, ink),
        "logits": logits_while_reading(model, batch.inputs),
        "memory": memory(model, batch.inputs)[0],
    }


FALLING = Memory("r", "GRU", 0, "forward", torch.tensor([[1.0, 0.5, 0.1], [1.0, 0.5, 0.2]]), None)
MAKE = {
    "hidden_states": lambda read: views.hidden_states(read["states"], read["batch"], 1),
    "gates": lambda read: views.gates(read["states"], read["batch"]),
    "answer_while_reading": lambda read: views.answer_while_reading(read["logits"], read["batch"], tuple("0123456789")),
    "steps_compared": lambda read: views.steps_compared(read["ink"], -read["ink"], read["batch"], [0.25, -0.5, 0, 1]),
    "tracked": lambda read: views.tracked(read["states"], read["found"], read["ink"], read["batch"], "ink of the row"),
    "remembered": lambda read: views.remembered({"one": read["memory"], "two": FALLING}),
}


def key_numbers(name, read):
    """What the words of a view must say: alt text, then caption; computed here anew."""
    states, found = read["states"], read["found"]
    hidden, answers = states.hidden[1], read["logits"].argmax(2)
    busiest = int(hidden.diff(dim=0, prepend=torch.zeros(1, 128)).abs().mean(1).argmax()) + 1
    settled = [1 + max([-1, *[t for t in range(8) if row[t] != row[-1]]]) for row in answers.tolist()]
    forget = states.gates["forget"].mean((0, 2))
    said = [f"“{row[-1]}” from step {step + 1} on" for row, step in zip(answers.tolist(), settled, strict=True)]
    return {
        "hidden_states": (["128 hidden units", "8 steps", f"most at step {busiest}"], [f"most at step {busiest}"]),
        "gates": (2 * [["4 samples", f"forget from {forget.min():.2f} to {forget.max():.2f}"]]),
        "answer_while_reading": (["4 samples", *said], said),
        "steps_compared": (["8 steps", "sample 0 +0.25, sample 1 -0.50"], ["sample 0 +0.25, sample 1 -0.50"]),
        "tracked": (2 * [[f"unit {found.unit}", f"{found.correlation:+.2f}", f"{found.chance:.2f}"]]),
        "remembered": (2 * [["two: 2 steps", f"one: {int(read['memory'].reach().double().median())} step"]]),
    }[name]


@pytest.mark.parametrize("name", MAKE)
def test_the_words_hold_the_numbers(name, read):
    view = MAKE[name](read)
    in_alt, in_caption = key_numbers(name, read)
    assert [text for text in in_alt if text not in view.alt] == [], view.alt
    assert [text for text in in_caption if text not in view.caption] == [], view.caption
    for words in (view.alt, view.caption):
        assert words.endswith(".")
        assert not re.search(r"\bnan\b|\binf\b|  ", words)


@pytest.mark.parametrize("name", MAKE)
def test_a_picture_is_the_same_twice(name, read):
    first, second = (_render(MAKE[name](read).figure(), "svg") for _ in range(2))
    assert first == second


def test_tables_hold_what_is_drawn(read):
    hidden = MAKE["hidden_states"](read).frame()
    assert torch.allclose(torch.tensor(hidden.to_numpy()).float(), read["states"].hidden[1])
    gate = MAKE["gates"](read).frame()
    assert gate["output"].tolist() == pytest.approx(read["states"].gates["output"].mean((0, 2)).tolist(), rel=1e-5)
    answer = MAKE["answer_while_reading"](read).frame()
    assert answer.groupby(["sample", "step"])["probability"].sum().tolist() == pytest.approx([1] * 32)
    compared = MAKE["steps_compared"](read).frame()
    assert compared["gradient"].tolist() == pytest.approx(read["ink"].flatten().tolist())
    follows = MAKE["tracked"](read).frame()
    assert follows["ink of the row"].tolist() == pytest.approx(read["ink"].flatten().tolist())
    assert MAKE["remembered"](read).frame()["two"].tolist()[:3] == pytest.approx([1, 0.5, 0.15])


def test_sequences_that_are_no_images_are_drawn_without_them(read):
    words = replace(read["batch"], raw=read["batch"].raw[:, 0, 0])
    for view in (views.hidden_states(read["states"], words), views.gates(read["states"], words)):
        assert _render(view.figure(), "svg")


def test_an_empty_gate_is_told_for_a_plain_network(digits):
    from netlens.models.recurrent import MnistRNN

    model = Model(MnistRNN(size=8), "plain", digits[1].classes, Preprocess((0.0,), (1.0,)))
    (states,) = hidden_states(model, digits[1].take(2).inputs)
    with pytest.raises(UsageError, match=r"^gates: a plain RNN has none\."):
        views.gates(states, digits[1].take(2))
