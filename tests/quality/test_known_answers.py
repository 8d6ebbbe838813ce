"""Planted evidence: the truths are true, the measures are right by hand, and methods find what they must find."""

import pytest
import torch

from netlens.errors import ModelError, ShapeError
from netlens.explain import GradCAM, IntegratedGradients, KernelSHAP, Saliency
from netlens.quality.known_answers import known_answers, pointing_game, relevance_mass, relevance_rank
from netlens.quality.planted import half_blind, planted_patch, table_formula, trigger_token

TRUTH = torch.tensor([[True, True, False, False, False]])


@pytest.mark.parametrize(
    ("values", "mass", "rank", "pointing"),
    [
        ([3.0, -1.0, 0.0, 0.0, 0.0], 1, 1, 1),
        ([0.0, 0.0, 1.0, -2.0, 0.0], 0, 0, 0),
        ([1.0, 1.0, 1.0, 1.0, 1.0], 0.4, 0.4, 0.4),  # a flat map gets chance, in each of them
        ([4.0, 1.0, -2.0, 2.0, 1.0], 0.5, 0.5, 1),  # of two places that tie for the second rank neither is inside
        ([0.0, 0.0, 0.0, 0.0, 0.0], 0, 0.4, 0.4),
    ],
)
def test_the_measures_by_hand(values, mass, rank, pointing):
    values = torch.tensor([values])
    assert relevance_mass(values, TRUTH).item() == pytest.approx(mass)
    assert relevance_rank(values, TRUTH).item() == pytest.approx(rank)
    assert pointing_game(values, TRUTH).item() == pytest.approx(pointing)


def test_a_truth_needs_a_place():
    with pytest.raises(ShapeError, match="with a place in each row"):
        relevance_mass(torch.rand(1, 5), torch.zeros(1, 5, dtype=torch.bool))


@pytest.mark.parametrize("make", [half_blind, table_formula, trigger_token])
def test_what_is_outside_the_truth_plays_no_part(make):
    truth = make(8)
    inside = truth.mask.view(8, *truth.inputs.shape[2:]).unsqueeze(1) if truth.inputs.ndim == 4 else truth.mask
    inside = inside.unsqueeze(2) if truth.inputs.ndim == 3 else inside
    other = torch.where(inside, truth.inputs, torch.randn_like(truth.inputs) if make is not trigger_token else 0.0)
    before, after = truth.model.logits(truth.inputs), truth.model.logits(other)
    assert torch.allclose(before, after, atol=1e-6)
    assert not torch.allclose(before, truth.model.logits(torch.where(inside, 0.0, truth.inputs)), atol=1e-3)


def test_the_patch_alone_decides():
    truth = planted_patch(32, steps=80)
    inside = truth.mask.view(32, 1, 16, 16)
    assert truth.mask.sum(1).tolist() == [16] * 32
    alone = torch.where(inside, truth.inputs, 0.0)
    assert (truth.model.logits(alone).argmax(1) == truth.target).double().mean().item() > 0.9
    without = torch.where(inside, 0.0, truth.inputs)
    assert (truth.model.logits(without).argmax(1) == truth.target).double().mean().item() < 0.8


def test_what_was_not_learnt_is_no_truth():
    with pytest.raises(ModelError, match="learnt to tell the patches apart in only"):
        planted_patch(4, steps=0)


def test_exact_values_add_up_and_shapley_methods_find_them():
    truth = table_formula(6)
    score = truth.model.logits(truth.inputs)[:, 1].double()
    assert torch.allclose(truth.exact.sum(1), score, atol=1e-5)
    result = known_answers([KernelSHAP(), IntegratedGradients(baseline="zero"), Saliency()], [truth]).frame().set_index("method")
    assert result.loc["kernel_shap", "error"] < 1e-3
    assert result.loc["integrated_gradients", "error"] < 1e-3
    assert result.loc["saliency", "error"] > 0.5
    assert result["mass"].tolist() == pytest.approx([1] * 3)


def test_the_gradient_does_not_find_the_trigger_and_integrated_gradients_do():
    truth = trigger_token(8)
    result = known_answers([Saliency(), IntegratedGradients(baseline="zero")], [truth])
    assert result.of("saliency", truth.name).mass.tolist() == pytest.approx([1 / 12] * 8)
    assert result.of("integrated_gradients", truth.name).pointing.tolist() == [1] * 8
    assert truth.chance == pytest.approx(1 / 12)


def test_a_method_that_does_not_apply_says_why():
    answer = known_answers([GradCAM()], [table_formula(4)]).answers[0]
    assert "has no layer with maps" in answer.reason
    assert answer.row["n"] == 0
    assert answer.row["mass"] != answer.row["mass"]  # NaN


def test_one_seed_gives_one_truth():
    assert torch.equal(trigger_token(4, 3).inputs, trigger_token(4, 3).inputs)
    assert not torch.equal(trigger_token(4, 3).inputs, trigger_token(4, 4).inputs)
