"""Sentences about networks made by hand, whose every number is known."""

import doctest
import math

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError
from netlens.explain import KernelSHAP, Occlusion, describe, wording
from netlens.explain.base import Attribution
from netlens.models import Model

PLAIN = Preprocess((0.0,), (1.0,))


class Corner(nn.Module):
    """The logit of class 8 is three times the mean of the upper left quarter of a 4 x 4 image; that of class 3 is 0."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        corner = 3 * images[:, 0, :2, :2].mean((1, 2))
        return torch.stack([corner, 0 * corner], 1)


class Weighted(nn.Module):
    """The logit of "yes" is x0 + 4 x1 - x2; that of "no" is 0."""

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        yes = rows @ torch.tensor([1.0, 4.0, -1.0])
        return torch.stack([yes, 0 * yes], 1)


def sigmoid(logit: float) -> str:
    return f"{100 / (1 + math.exp(-logit)):.1f} %"


def test_the_part_the_share_and_both_probabilities_are_computed() -> None:
    model, image = Model(Corner(), "corner", ("8", "3"), PLAIN), torch.ones(1, 1, 4, 4)
    (said,) = describe(model, image, KernelSHAP("pixels")(model, image))
    # All 4 pixels are worth the same, so they belong together: 4 of 16 are 25 %. Without them the logits are equal.
    assert said.startswith(
        f"The network reads an 8 with {sigmoid(3)}. Hiding the 25 % of the image that speaks most for it drops this"
    )
    assert " to 50 %; hiding as much elsewhere leaves " in said
    assert said.endswith(" % on average.")


def test_a_class_that_is_not_read_is_named_with_the_one_that_is() -> None:
    model, image = Model(Corner(), "corner", ("8", "3"), PLAIN), torch.ones(1, 1, 4, 4)
    (said,) = describe(model, image, Occlusion(2, 2)(model, image, 1))
    assert said.startswith("The network reads an 8; to a 3 it gives 4.7 %.")


def test_no_positive_evidence_is_said_in_words() -> None:
    model, image = Model(Corner(), "corner", ("8", "3"), PLAIN), -torch.ones(1, 1, 4, 4)
    against, none = describe(
        model,
        image.repeat(2, 1, 1, 1),
        Attribution(torch.stack([-torch.ones(1, 4, 4), torch.zeros(1, 4, 4)]), torch.tensor([0, 0]), "by hand"),
    )
    opening = "The network reads a 3; to an 8 it gives 4.7 %. No positive evidence was found: no part of the image speaks for it"
    assert against == f"{opening}; what was found speaks against it."
    assert none == f"{opening}, and none against it."


def test_columns_are_named() -> None:
    model, row = Model(Weighted(), "weighted", ("yes", "no"), PLAIN), torch.tensor([[1.0, 1.0, 1.0]])
    found = KernelSHAP()(model, row, 0)
    assert found.params["feature_values"].tolist() == [pytest.approx([1, 4, -1], abs=1e-6)]
    (named,) = describe(model, row, found, names=("age", "income", "debt"))
    (numbered,) = describe(model, row, found)
    assert f"answers “yes” with {sigmoid(4)}. Hiding 'income', which speaks most for it, drops this to 50 %" in named
    assert "Hiding column 2 drops this to 50 %" in numbered


def test_hiding_what_only_seems_to_speak_for_it_may_raise_it() -> None:
    model, row = Model(Weighted(), "weighted", ("yes", "no"), PLAIN), torch.tensor([[1.0, 1.0, 1.0]])
    (said,) = describe(model, row, Attribution(torch.tensor([[0.0, 0.0, 9.0]]), torch.tensor([0]), "wrong"))
    assert f"Hiding column 3 raises this to {sigmoid(5)}" in said


def test_a_sum_that_fails_and_signs_that_are_open_are_said() -> None:
    model, row = Model(Weighted(), "weighted", ("yes", "no"), PLAIN), torch.tensor([[1.0, 1.0, 1.0]])
    values = torch.tensor([[1.0, 4.0, -1.0]])
    params = {"feature_values": values, "feature_spread": torch.tensor([[0.6, 0.1, 0.1]])}
    found = Attribution(values, torch.tensor([0]), "by hand", params, delta=torch.tensor([1.0]), tolerance=0.01)
    (said,) = describe(model, row, found)
    assert said.endswith(
        "Do not rely on this: the values miss what they should add up to by 33 %. The sign of 1 of 3 features is not certain."
    )


def test_a_map_of_a_layer_is_enlarged() -> None:
    model, image = Model(Corner(), "corner", ("8", "3"), PLAIN), torch.ones(1, 1, 4, 4)
    small = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    (said,) = describe(model, image, Attribution(small, torch.tensor([0]), "map", layer="conv"))
    assert "of the image that speaks most for it drops this to" in said


def test_one_call_says_what_another_does() -> None:
    model, image = Model(Corner(), "corner", ("8", "3"), PLAIN), torch.rand(2, 1, 4, 4)
    found = Occlusion(2, 1)(model, image)
    assert describe(model, image, found) == describe(model, image, found)


def test_the_attribution_of_something_else_is_refused() -> None:
    model = Model(Weighted(), "weighted", ("yes", "no"), PLAIN)
    with pytest.raises(ShapeError, match="an attribution of these inputs"):
        describe(model, torch.ones(1, 3), Attribution(torch.ones(1, 4), torch.tensor([0]), "other"))


def test_the_examples_of_the_wording_hold() -> None:
    assert doctest.testmod(wording).failed == 0
    assert doctest.testmod(wording).attempted == 3
