"""KernelSHAP against exact Shapley values, shap, and the axioms."""

from itertools import permutations

import numpy as np
import pytest
import torch
from captum.testing.helpers.basic_models import BasicModel_MultiLayer
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError
from netlens.explain.kernel_shap import KernelSHAP
from netlens.explain.libraries import quietly
from netlens.models import Model
from netlens.models.architectures import MnistCNN

with quietly():
    import shap

GREY = Preprocess((0.1,), (0.3,))


@pytest.fixture
def cnn() -> Model:
    torch.manual_seed(0)
    return Model(MnistCNN(size=12, classes=3), "tiny", ("a", "b", "c"), GREY)


class Pairs(nn.Module):
    """x0 + 2 x1 + 3 x0 x1 + 4 x2 x3 x4; column 5 is a dummy."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        x = inputs.unbind(1)
        score = x[0] + 2 * x[1] + 3 * x[0] * x[1] + 4 * x[2] * x[3] * x[4]
        return torch.stack([score, -score], 1)


def test_the_reference_network_has_its_exact_values() -> None:
    model = Model(BasicModel_MultiLayer(), "reference", ("a", "b"), GREY)
    found = KernelSHAP()(model, torch.tensor([[20.0, 50.0, 30.0]]), 0)
    torch.testing.assert_close(found.values, torch.tensor([[230.0, 590.0, 350.0]]) / 3)
    assert found.values.sum() == pytest.approx(390)
    assert (found.spread == 0).all()


def test_symmetry_dummy_and_interactions_are_exact_when_enumerated() -> None:
    found = KernelSHAP()(Model(Pairs(), "pairs", ("a", "b"), GREY), torch.ones(1, 6), 0)
    torch.testing.assert_close(found.values, torch.tensor([[2.5, 3.5, 4 / 3, 4 / 3, 4 / 3, 0.0]]))


def test_all_orders_by_hand_give_the_same_values(cnn: Model) -> None:
    image, labels = torch.randn(1, 1, 12, 12), torch.arange(12).div(3, rounding_mode="floor").view(1, 1, 1, 12)
    found = KernelSHAP(labels, "zero")(cnn, image, 1).params["feature_values"][0]
    exact = torch.zeros(4, dtype=torch.float64)
    orders = list(permutations(range(4)))
    for order in orders:
        shown = torch.zeros_like(image)
        for feature in order:
            before = cnn.logits(shown)[0, 1]
            shown = torch.where(labels == feature, image, shown)
            exact[feature] += float(cnn.logits(shown)[0, 1] - before) / len(orders)
    torch.testing.assert_close(found, exact, atol=1e-6, rtol=1e-4)


def test_shap_agrees_where_both_score_every_coalition(cnn: Model) -> None:
    image, sample = torch.randn(1, 1, 12, 12), torch.randn(1, 1, 12, 12)
    labels = torch.arange(144).view(1, 1, 12, 12) // 18
    ours = KernelSHAP(labels, sample)(cnn, image, 2)

    def score(masks: np.ndarray) -> np.ndarray:
        shown = torch.from_numpy(masks).bool()[:, labels.flatten()].view(-1, 1, 12, 12)
        return cnn.logits(torch.where(shown, image, sample))[:, 2].double().numpy()

    explainer = shap.KernelExplainer(score, np.zeros((1, 8)))
    theirs = explainer.shap_values(np.ones((1, 8)), nsamples=2**8, l1_reg=0, silent=True)
    torch.testing.assert_close(ours.params["feature_values"], torch.from_numpy(theirs), atol=1e-5, rtol=1e-4)


def test_sampled_values_add_up_and_are_linear_on_a_linear_network() -> None:
    torch.manual_seed(1)
    net = nn.Linear(40, 2)
    inputs, sample = torch.randn(2, 40), torch.randn(40)
    found = KernelSHAP(replacement=sample, n_samples=200)(Model(net, "linear", ("a", "b"), GREY), inputs, 1)
    exact = (net.weight[1] * (inputs - sample)).detach()
    torch.testing.assert_close(found.values, exact, atol=1e-5, rtol=1e-4)
    assert found.delta is not None
    assert found.delta.abs().max() < 1e-5


def test_one_seed_gives_the_same_bits_and_leaves_the_global_state(cnn: Model) -> None:
    cnn_values = KernelSHAP("pixels", "zero", n_samples=400, seed=5)
    image = torch.randn(1, 1, 12, 12)
    state = torch.get_rng_state()
    first, again = cnn_values(cnn, image, 0), cnn_values(cnn, image, 0)
    assert torch.equal(first.values, again.values)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_spread_is_what_other_seeds_show(cnn: Model) -> None:
    image = 3 * torch.randn(1, 1, 12, 12)
    runs = [KernelSHAP("grid", "zero", 300, seed)(cnn, image, 0) for seed in range(24)]
    seen = torch.stack([run.params["feature_values"][0] for run in runs]).std(0)
    stated = torch.stack([run.params["feature_spread"][0] for run in runs]).mean(0)
    assert 0.8 < float((stated.square().mean() / seen.square().mean()).sqrt()) < 1.6


def test_complete_even_when_sampled(cnn: Model) -> None:
    found = KernelSHAP("pixels", "zero", n_samples=300)(cnn, torch.randn(3, 1, 12, 12))
    assert found.delta is not None
    assert found.delta.abs().max() < 1e-5
    torch.testing.assert_close(found.values.double().flatten(1).sum(1), found.params["change"], atol=1e-5, rtol=0)


def test_features_equal_to_their_replacement_are_worth_zero_and_cost_nothing(cnn: Model) -> None:
    image = torch.zeros(1, 1, 12, 12)
    image[..., :4, :4] = 2
    KernelSHAP("patches", "zero")(cnn, image, 0)  # the first call also measures chunks
    rows: list[int] = []
    handle = cnn.net.register_forward_hook(lambda _module, inputs, _output: rows.append(len(inputs[0])))
    found = KernelSHAP("patches", "zero")(cnn, image, 0)
    handle.remove()
    assert sum(rows) == 2
    assert (found.values[image == 0] == 0).all()
    assert found.values.sum() == pytest.approx(float(found.params["change"]), abs=1e-6)


def test_an_input_that_is_its_own_replacement_has_no_evidence(cnn: Model) -> None:
    found = KernelSHAP("grid", "zero")(cnn, torch.zeros(1, 1, 12, 12), 0)
    assert (found.values == 0).all()


def test_too_few_samples_for_the_features_are_refused(cnn: Model) -> None:
    with pytest.raises(ShapeError, match="too few for 144 features"):
        KernelSHAP("pixels", "zero", n_samples=100)(cnn, torch.randn(1, 1, 12, 12))


def test_a_batch_with_unlike_numbers_of_players_gives_what_its_rows_give(cnn: Model) -> None:
    images = torch.randn(3, 1, 12, 12)
    images[1, :, :6] = 0
    method = KernelSHAP("grid", "zero", n_samples=200)
    whole = method(cnn, images)
    for row in range(3):
        alone = method(cnn, images[row : row + 1])
        torch.testing.assert_close(whole.values[row], alone.values[0], atol=1e-6, rtol=1e-4)


def test_a_network_that_views_its_maps_is_explained() -> None:
    class Views(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            self.head = nn.Linear(4 * 36, 2)

        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            maps = self.conv(inputs)
            return self.head(maps.view(len(maps), -1))

    model = Model(Views(), "views", ("a", "b"), Preprocess((0.1,) * 3, (0.3,) * 3))
    found = KernelSHAP("grid", "zero", n_samples=200)(model, torch.randn(1, 3, 8, 8))
    assert found.delta is not None
    assert found.delta.abs().max() < 1e-5
