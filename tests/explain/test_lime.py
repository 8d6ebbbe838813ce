"""LIME against the reference implementation at equal masks, and where the answer is known."""

import numpy as np
import pytest
import torch
from captum.testing.helpers.basic_models import BasicModel_MultiLayer
from lime.lime_base import LimeBase
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError
from netlens.explain.coalitions import uniform
from netlens.explain.lime import LIME
from netlens.models import Model
from netlens.models.architectures import MnistCNN

GREY = Preprocess((0.1,), (0.3,))


@pytest.fixture
def cnn() -> Model:
    torch.manual_seed(0)
    return Model(MnistCNN(size=12, classes=3), "tiny", ("a", "b", "c"), GREY)


@pytest.mark.parametrize("n_samples", [64, 400])
def test_the_reference_implementation_agrees_at_equal_masks(cnn: Model, n_samples: int) -> None:
    image, sample = torch.randn(1, 1, 12, 12), torch.randn(1, 1, 12, 12)
    labels = torch.arange(144).view(1, 1, 12, 12) // 12
    ours = LIME(labels, sample, n_samples, seed=7)(cnn, image, 1)

    masks = uniform(12, n_samples, 7, "test").masks
    shown = masks[:, labels.flatten()].view(-1, 1, 12, 12)
    scores = cnn.logits(torch.where(shown, image, sample)).double().numpy()
    data = masks.double().numpy()
    distances = pairwise_distances(data, np.ones((1, 12)), metric="cosine").ravel()
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.25**2)), random_state=np.random.RandomState(0))
    intercept, pairs, r2, _ = base.explain_instance_with_data(data, scores, distances, 1, 12, model_regressor=Ridge(alpha=1))
    theirs = torch.tensor([value for _, value in sorted(pairs)], dtype=torch.float64)
    torch.testing.assert_close(ours.params["feature_values"][0], theirs, atol=1e-6, rtol=1e-4)
    assert ours.params["intercept"][0] == pytest.approx(intercept, abs=1e-5)
    assert ours.params["r2"][0] == pytest.approx(r2, abs=1e-4)


def test_a_linear_network_gives_its_weights_without_a_penalty() -> None:
    net = nn.Linear(30, 2)
    inputs, sample = torch.randn(2, 30), torch.randn(30)
    found = LIME(replacement=sample, n_samples=300, penalty=0)(Model(net, "linear", ("a", "b"), GREY), inputs, 0)
    torch.testing.assert_close(found.values, (net.weight[0] * (inputs - sample)).detach(), atol=1e-5, rtol=1e-4)
    assert found.spread is not None
    assert found.spread.max() < 1e-5
    assert (found.params["r2"] > 1 - 1e-6).all()


def test_few_features_are_enumerated_and_have_no_sampling_error() -> None:
    model = Model(BasicModel_MultiLayer(), "reference", ("a", "b"), GREY)
    one, other = (LIME(seed=seed)(model, torch.tensor([[20.0, 50.0, 30.0]]), 0) for seed in (0, 1))
    assert torch.equal(one.values, other.values)
    assert (one.spread == 0).all()
    assert (one.params["rank_stability"] == 1).all()


def test_the_spread_is_what_other_seeds_show(cnn: Model) -> None:
    image = 3 * torch.randn(1, 1, 12, 12)
    runs = [LIME("grid", "zero", 300, seed=seed)(cnn, image, 0) for seed in range(24)]
    seen = torch.stack([run.params["feature_values"][0] for run in runs]).std(0)
    stated = torch.stack([run.params["feature_spread"][0] for run in runs]).mean(0)
    assert 0.8 < float((stated.square().mean() / seen.square().mean()).sqrt()) < 1.6


def test_one_seed_gives_the_same_bits(cnn: Model) -> None:
    image, method = torch.randn(1, 1, 12, 12), LIME("pixels", "zero", 400, seed=2)
    assert torch.equal(method(cnn, image, 0).values, method(cnn, image, 0).values)


def test_constant_images_have_no_evidence_against_themselves(cnn: Model) -> None:
    found = LIME("grid", "mean")(cnn, torch.full((1, 1, 12, 12), 0.7))
    assert (found.values == 0).all()


@pytest.mark.parametrize("method", [LIME(kernel_width=0), LIME(penalty=-1)])
def test_a_width_of_zero_and_a_negative_penalty_are_refused(cnn: Model, method: LIME) -> None:
    with pytest.raises(ShapeError, match="a width above 0"):
        method(cnn, torch.randn(1, 1, 12, 12))
