"""Views of two models and of the audit's self-test: their numbers in words, in a table and in a picture that is the same twice."""

import numpy as np
import pandas as pd
import pytest
import torch

from netlens import views
from netlens.behaviour import change
from netlens.data import Batch
from netlens.explain import Attribution
from netlens.views.base import _render

NAMES = ("old", "new")
LABELS = np.repeat([0, 1], 50)
BEFORE, AFTER = LABELS.copy(), LABELS.copy()
BEFORE[:12] = 1  # fixed by the second
AFTER[50:52] = 0  # broken by the second
TABLE = pd.DataFrame(
    [
        {"planted": "wrong labels", "what it is": "a tenth", "check": "NL203", "before": "PASS", "after": "WARN", "caught": True},
        {
            "planted": "leaked",
            "what it is": "one in twenty",
            "check": "NL201",
            "before": "PASS",
            "after": "PASS",
            "caught": False,
        },
    ]
)


def batch(count=3):
    raw = np.random.default_rng(0).integers(0, 256, (count, 8, 8)).astype(np.uint8)
    return Batch(torch.from_numpy(raw).unsqueeze(1).float(), raw, torch.tensor([0, 1, 1][:count]), np.arange(count) + 7)


def maps(scale):
    values = scale * torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    return Attribution(values, torch.tensor([0, 1, 1]), "integrated_gradients")


MAKE = {
    "changes": lambda: views.changes(change(BEFORE, AFTER, LABELS, ("a", "b")), NAMES),
    "flipped": lambda: views.flipped(batch(), ["b", "b", "a"], ["a", "a", "b"], ("a", "b"), NAMES),
    "two_models": lambda: views.two_models(batch(), maps(1.0), maps(-0.5), [-1.0, -1.0, -1.0], ("a", "b"), NAMES),
    "detection": lambda: views.detection(TABLE),
}


@pytest.mark.parametrize("name", MAKE)
def test_a_picture_is_the_same_twice_and_has_words(name):
    view = MAKE[name]()
    first, second = (_render(MAKE[name]().figure(), "svg") for _ in range(2))
    assert first == second
    assert len(view.alt) > 40
    assert view.caption.endswith(".")


def test_changes_say_what_was_fixed_and_broken():
    view = MAKE["changes"]()
    assert "12 fixed, 2 broken" in view.alt
    assert "+10.0 points over all" in view.caption
    assert "The interval of a leaves out zero." in view.alt
    assert view.frame()["class"].tolist() == ["all", "a", "b"]
    assert view.frame()["gained"].tolist() == [12, 12, 0]


def test_flips_are_fixed_or_broken_by_the_label():
    view = MAKE["flipped"]()
    assert view.frame()["change"].tolist() == ["fixed", "broken", "fixed"]
    assert "label b, broken: b → a" in view.alt


def test_both_networks_have_one_scale():
    view = MAKE["two_models"]()
    sums = view.frame()
    assert sums["sum, new"].to_numpy() == pytest.approx(-0.5 * sums["sum, old"].to_numpy())
    images = [image for axes in view.figure().axes for image in axes.images if image.get_cmap().name.startswith("RdBu")]
    assert len({image.get_clim() for image in images}) == 1
    assert "-1.00" in view.caption


def test_a_missed_fault_is_said():
    view = MAKE["detection"]()
    assert "1 of 2 faults caught; missed: leaked" in view.alt
    assert view.caption.endswith("1 of 2 faults caught; missed: leaked.")
