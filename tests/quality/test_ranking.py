"""Ranking: passes counted by hand, the front, and a table that leaves nobody out."""

import warnings
from dataclasses import replace

import pandas as pd
import pytest
import torch

from netlens.errors import ShapeError, UsageError
from netlens.explain import DeepLIFT, GradCAM, GradientXInput, GuidedBackprop, Occlusion, Saliency, SmoothGrad
from netlens.models import Model
from netlens.models.architectures import MnistMLP
from netlens.models.model import weights_fingerprint
from netlens.quality.ranking import cost, front, rank


@pytest.fixture(scope="module")
def ranking(learned, digits):
    return rank(learned[0], digits[1], [Saliency(), GradientXInput(), GuidedBackprop(), GradCAM()], samples=12)


def test_the_table_has_a_row_a_method_the_most_faithful_first(ranking):
    frame = ranking.frame()
    assert set(frame["method"]) == {"saliency", "gradient_x_input", "guided_backprop", "grad_cam"}
    assert frame["faithfulness"].is_monotonic_decreasing
    assert ((frame["low"] < frame["faithfulness"]) & (frame["faithfulness"] < frame["high"])).all()
    assert (frame[["passes", "seconds"]] > 0).all(axis=None)
    assert ranking.n == 12


def test_guided_backprop_is_no_evidence_and_not_on_the_front(ranking):
    row = ranking.frame().set_index("method").loc["guided_backprop"]
    assert row["verdict"] == "not evidence"
    assert not row["pareto"]
    assert row["reason"].startswith("not evidence: sanity")


def test_agreement_is_the_mean_over_the_others(ranking):
    matrix = pd.DataFrame(ranking.agreement.matrix, ranking.agreement.names, ranking.agreement.names)
    others = matrix.loc["saliency"].drop("saliency").mean()
    assert ranking.frame().set_index("method").loc["saliency", "agreement"] == pytest.approx(others)


def test_passes_are_counted_and_the_model_is_left_alone(learned, digits):
    model, inputs = learned[0], digits[1].take(8).inputs
    target = model.logits(inputs).argmax(1)
    before, kind = weights_fingerprint(model.net), type(model.net)
    found, once, _ = cost(Saliency(), model, inputs, target)
    assert torch.allclose(found.values, Saliency()(model, inputs, target).values)
    _, many, _ = cost(SmoothGrad(20), model, inputs, target)
    assert once == 3  # a forward pass, and a backward pass that counts twice
    assert many == 60
    assert type(model.net) is kind
    assert weights_fingerprint(model.net) == before


def test_rules_are_hung_on_the_copy_that_is_counted(learned, digits):
    model, inputs = learned[0], digits[1].take(4).inputs
    target = model.logits(inputs).argmax(1)
    found, passes, _ = cost(DeepLIFT(), model, inputs, target)
    assert torch.allclose(found.values, DeepLIFT()(model, inputs, target).values, atol=1e-6)
    assert passes > 1


def test_the_front():
    table = pd.DataFrame({"good": [3.0, 2.0, 1.0, 3.0, float("nan")], "cost": [9.0, 1.0, 2.0, 10.0, 0.0]})
    assert front(table, {"good": 1, "cost": -1}) == [True, True, False, False, False]


def test_a_method_that_does_not_apply_stays_in_the_table(digits, learned):
    model = Model(MnistMLP(size=8).eval(), "mlp", learned[0].classes, learned[0].preprocess)
    frame = rank(model, digits[1], [Saliency(), GradCAM()], samples=4).frame().set_index("method")
    assert frame.loc["grad_cam", "verdict"] == "does not apply"
    assert "has no layer with maps" in frame.loc["grad_cam", "reason"]
    assert frame.loc["saliency", "verdict"] != "does not apply"


def test_one_method_with_two_choices_has_two_names(learned, digits):
    result = rank(learned[0], digits[1].take(4), [Occlusion(), Occlusion(patch=2)])
    assert [one.method for one in result.methods] == ["occlusion", "occlusion 2"]


def test_nothing_to_rank_is_refused(learned, digits):
    with pytest.raises(ShapeError, match="no method was given"):
        rank(learned[0], digits[1], [])


@pytest.mark.parametrize("method", ["saliency", Saliency])
def test_what_is_no_method_is_refused(method, learned, digits):
    with pytest.raises(UsageError, match=r"is no method. Expected explainers with their choices, such as Saliency\(\)"):
        rank(learned[0], digits[1], [method])


def test_networks_in_torchscript_are_ranked(learned, digits):
    model, batch = learned[0], digits[1].take(4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = replace(model, net=torch.jit.trace(model.net, batch.inputs))
    own, other = (rank(one, batch, [Saliency(), SmoothGrad(4)]).frame() for one in (model, scripted))
    assert other["passes"].tolist() == own["passes"].tolist() == [3, 12]
    assert other["stability"].tolist() == pytest.approx(own["stability"].tolist(), abs=1e-3)
