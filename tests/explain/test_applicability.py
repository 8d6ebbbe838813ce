"""Which methods cover a model, and which model a lesson looks at."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from netlens.card import Card
from netlens.explain import DeepLIFT, GradCAM, Saliency
from netlens.explain.applicability import explained, refusals
from netlens.explain.suited import suited
from netlens.models.model import Model


class Functional(nn.Module):
    """A network whose activation is no module, and has no rule."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 6), nn.Linear(6, 10)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.fc2(torch.softmax(self.fc1(inputs.flatten(1)), 1))


@pytest.fixture
def functional(learned) -> Model:
    model, _ = learned
    card = Card.model_validate({"model": {"name": "functional", "factory": "a:b", "weights": "w"}, "data": {"source": "digits"}})
    return Model(Functional(), "functional", model.classes, model.preprocess, card)


def test_each_refusal_has_its_reason(functional):
    found = refusals(functional, torch.rand(2, 1, 8, 8))
    assert found["saliency"] == found["integrated_gradients"] == found["kernel_shap"] == ""
    assert "has no layer with maps" in found["grad_cam"]
    assert found["deep_lift"].startswith("its rules do not cover Softmax in the model itself (no rule for this operation)")
    assert found["deep_shap"] == found["deep_lift"]
    assert "it has no Relu" in found["guided_backprop"] or "do not cover Softmax" in found["guided_backprop"]


def test_rows_of_a_table_have_no_maps_and_are_no_images(wrap):
    found = refusals(wrap(nn.Linear(6, 3)), torch.rand(2, 6))
    assert found["saliency"] == found["occlusion"] == ""
    assert found["rise"] != ""
    assert found["grad_cam"] != ""


def test_a_network_that_cuts_the_graph_has_no_gradients(wrap):
    class Cut(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return inputs.detach()[:, :3]

    found = refusals(wrap(Cut()), torch.rand(2, 6))
    assert "no gradient of tiny reaches" in found["saliency"]
    assert found["saliency"] == found["integrated_gradients"]
    assert found["occlusion"] == ""


def test_those_that_can_explain_do(functional):
    inputs = torch.rand(2, 1, 8, 8)
    done, refused = explained((GradCAM(), Saliency(), DeepLIFT()), functional, inputs, 3)
    assert [one.method for one in done] == ["saliency"]
    assert torch.equal(done[0].values, Saliency()(functional, inputs, 3).values)
    assert list(refused) == ["grad_cam", "deep_lift"]


def test_a_lesson_looks_at_the_given_model_where_it_can(functional):
    def never() -> Model:
        raise AssertionError("another model was made")

    assert suited(functional, ("saliency",), never) == (functional, "This page looks at `functional`.")


def test_a_lesson_says_why_it_looks_at_another_model(functional, learned):
    other, said = suited(functional, ("saliency", "grad_cam"), lambda: learned[0])
    assert other is learned[0]
    assert said.startswith(
        "This lesson has nothing to show of `functional`: grad_cam cannot explain it (it has no layer with maps)"
    )
    assert said.endswith("What follows is `learned`.")
