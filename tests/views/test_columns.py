"""Views of tables: what they draw is what was measured, and their words say it."""

import io
import re

import numpy as np
import pytest
import torch

from netlens import views
from netlens.data import Batch
from netlens.explain import Attribution, Rules
from netlens.explain.importance import Importance
from netlens.explain.rules import Leaf
from netlens.views.base import style

FEATURES = ("age", "income in thousands of the year before last", "debt")
NONE = np.full(3, np.nan)
MEASURES = (
    Importance("weights", np.array([2.0, 1.0, 1.0]), NONE, "length", "?"),
    Importance("permutation", np.array([0.1, 0.3, 0.01]), np.array([0.01, 0.01, 0.02]), "nats", "?"),
)
BATCH = Batch(torch.zeros(2, 3), np.array([[30.0, 1.5, 0.25], [40.0, 2.5, 0.5]]), torch.tensor([0, 1]), np.array([4, 7]))
SHAP = Attribution(
    torch.tensor([[1.0, -2.0, 0.5], [0.0, 0.25, -0.125]]), torch.tensor([0, 1]), "kernel_shap", spread=torch.full((2, 3), 0.4)
)
RULES = Rules(
    ("If age is at most 30: young (90 % of 10).", "If age is above 30: old (100 % of 30)."),
    0.95,
    0.7,
    20,
    2,
    (Leaf("young", 10, 0.9), Leaf("old", 30, 1.0)),
)
MAKE = {
    "importances": lambda: views.importances(MEASURES, FEATURES, truth=[0.0, 2.0, 1.0]),
    "columns_by_samples": lambda: views.columns_by_samples(SHAP, BATCH, FEATURES, ("good", "bad"), top=2),
    "rules": lambda: views.rules(RULES),
}


def drawn(view):
    figure = view.figure()
    with style():
        figure.savefig(io.BytesIO(), format="png")  # places what is in it, at the resolution at which it is measured
    return figure


def test_measures_stand_in_the_order_of_the_truth():
    view = MAKE["importances"]()
    table = view.frame()
    assert table["column"].tolist() == [FEATURES[1], "debt", "age"]
    assert table["truth"].tolist() == [2, 1, 0]
    assert table["weights"].tolist() == [1, 1, 2]
    assert table["permutation, standard error"].tolist() == [0.01, 0.02, 0.01]
    assert "weights, standard error" not in table
    assert "The truth puts income in thousands of the year before last first" in view.alt
    assert view.alt.endswith("First by each: weights age, permutation income in thousands of the year before last.")
    panels = drawn(view).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["the truth", "weights", "permutation"]
    assert [bar.get_width() for bar in panels[2].patches] == [0.3, 0.01, 0.1]
    assert [bool(bar.get_hatch()) for bar in panels[2].patches] == [False, True, False], "0.01 is less than two errors"


def test_without_a_truth_the_largest_share_comes_first_and_small_columns_are_left_out():
    view = views.importances(MEASURES, FEATURES, top=1)
    assert view.frame()["column"].tolist() == [FEATURES[1]]
    assert view.caption.endswith("The 1 of 3 columns that matter most are shown.")


def test_each_row_has_its_largest_columns_with_their_values():
    view = MAKE["columns_by_samples"]()
    table = view.frame()
    assert table["feature"].tolist() == [FEATURES[1], "age", FEATURES[1], "debt"]
    assert table["target"].tolist() == ["good", "good", "bad", "bad"]
    assert "row 4 (good): income in thousands of the year before last -2.00; row 7 (bad)" in view.alt
    panels = drawn(view).axes
    labels = [label.get_text() for label in panels[0].get_yticklabels()]
    assert labels[1] == "age = 30"
    assert re.fullmatch(r"income in .*… = 1\.5", labels[0])
    assert [bool(bar.get_hatch()) for bar in panels[1].patches] == [True, True]


def test_rules_stand_with_what_they_hold():
    view = MAKE["rules"]()
    table = view.frame()
    assert table["rule"].tolist() == ["If age is above 30", "If age is at most 30"]
    assert table["inputs"].tolist() == [30, 10]
    assert (
        "agrees with the network on 95 % of 20 inputs that it has not seen; always naming the commonest class agrees on 70 %"
        in view.alt
    )
    assert {text.get_text() for text in drawn(view).axes[1].texts} == {"old, 100 %", "young, 90 %"}


@pytest.mark.parametrize("name", MAKE)
def test_nothing_is_cut_off(name):
    figure = drawn(MAKE[name]())
    whole = figure.bbox
    for axes in figure.axes:
        box = axes.get_tightbbox()
        if box is not None:
            assert box.x0 >= whole.x0 - 1, name
            assert box.x1 <= whole.x1 + 1, name
            assert box.y0 >= whole.y0 - 1, name
            assert box.y1 <= whole.y1 + 1, name
    assert MAKE[name]().caption.endswith(".")
