"""The views of painted images and of boundaries: numbers in words, in a table and in a picture that comes out the same each time."""

import re

import pytest
import torch
from torch import nn

from netlens import views
from netlens.data import Preprocess
from netlens.internals import Unit, boundary, exciting, paint
from netlens.models.model import Model
from netlens.views.base import _render


@pytest.fixture(scope="module")
def made(learned, digits):
    """Two units painted in two ways, and boundaries of a small network."""
    model, test = learned[0], digits[1]
    units, like = (Unit(3), Unit(1, "conv2", (2, 2))), test.all().inputs
    torch.manual_seed(0)
    small = Model(nn.Sequential(nn.Linear(2, 6), nn.ReLU(), nn.Linear(6, 2)), "small", ("up", "down"), Preprocess((0.0,), (1.0,)))
    dots = torch.randn(12, 2)
    truth = small.logits(dots).argmax(1).numpy()
    truth[:3] = 1 - truth[:3]
    return {
        "ways": {"plain": paint(model, units, like, steps=30, n=2, waves=False), "waves": paint(model, units, like, steps=30)},
        "best": exciting(model, test, units, 2),
        "test": test,
        "model": model,
        "batch": test.take(3),
        "slice": boundary(model, test.take(3).inputs, grid=12),
        "table": boundary(model, test.take(20).inputs, grid=8),
        "dots": boundary(small, dots),
        "truth": truth,
    }


MAKE = {
    "features": lambda made: views.features(made["ways"], made["best"], made["test"].raw, made["test"].classes),
    "boundaries": lambda made: views.boundaries({"small": made["dots"]}, made["truth"], ("up", "down"), pieces=True),
    "slice_of_images": lambda made: views.slice_of_images(made["slice"], made["batch"], made["model"].classes),
}


def key_numbers(name, made):
    """What the words of a view must say: alt text, then caption; computed here anew."""
    if name == "features":
        above = int((made["ways"]["waves"].values[:, 0] > made["best"].values[:, 0]).sum())
        return ["2 units in columns", "plain, waves", f"{above} of 2 units"], [f"{above} of 2 units", "359"]
    if name == "boundaries":
        said = ["small: 75 % of the samples", f"{len(made['dots'].regions)} linear pieces", "the boundary is exact"]
        return ["12 samples", *said], said
    share = (made["slice"].classes == made["slice"].answers[0]).double().mean()
    said = [f"“{made['slice'].answers[0]}” {views.percent(float(share), 0)}"]
    return said, [*said, "found by bisection"]


@pytest.mark.parametrize("name", MAKE)
def test_the_words_hold_the_numbers(name, made):
    view = MAKE[name](made)
    in_alt, in_caption = key_numbers(name, made)
    assert [text for text in in_alt if text not in view.alt] == [], view.alt
    assert [text for text in in_caption if text not in view.caption] == [], view.caption
    for words in (view.alt, view.caption):
        assert words.endswith((".", "**"))
        assert not re.search(r"\bnan\b|\binf\b|  ", words)


@pytest.mark.parametrize("name", MAKE)
def test_a_picture_is_the_same_twice(name, made):
    first, second = (_render(MAKE[name](made).figure(), "svg") for _ in range(2))
    assert first == second


def test_tables_hold_what_is_drawn(made):
    table = MAKE["features"](made).frame()
    assert table["image"].tolist()[:3] == ["plain 1", "plain 2", "waves"]
    ways = made["ways"]
    by_hand = [*ways["plain"].values[0].tolist(), ways["waves"].values[0, 0].item()]
    assert table["value"].tolist()[:3] == pytest.approx(by_hand)
    shares = MAKE["slice_of_images"](made).frame()
    assert shares["share of the plane"].sum() == pytest.approx(1)
    assert MAKE["boundaries"](made).frame()["samples answered rightly"].tolist() == [0.75]


def test_a_slice_says_what_it_leaves_out(made):
    view = views.boundaries(made["table"], made["test"].take(20).labels, made["model"].classes)
    assert "**This is a slice.**" in view.caption
    assert f"holds {views.percent(made['table'].plane.explained, 0)} of the samples' variance" in view.caption
    assert f"{views.percent(made['table'].agreement)} of them get the same answer" in view.caption
    assert "slice" not in MAKE["boundaries"](made).caption
    assert _render(view.figure(), "svg")
