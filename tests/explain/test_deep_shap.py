"""DeepSHAP against shap, captum, linear networks, and DeepLIFT, of which it is the mean."""

import pytest
import torch
from captum.attr import DeepLiftShap
from torch import nn
from torch.nn import functional

from netlens.errors import ModelError, ShapeError
from netlens.explain import DeepLIFT, DeepSHAP
from netlens.explain.libraries import quietly

with quietly():
    import shap


class Functional(nn.Module):
    """Activations made in `forward`, one of them twice, and windows that overlap; takes (N, 1, 8)."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.three = nn.Conv1d(1, 4, 3), nn.Conv1d(4, 4, 1), nn.Linear(16, 3)

    def forward(self, inputs):
        maps = functional.relu(self.one(inputs))
        return self.three(functional.max_pool1d(functional.relu(self.two(maps)) + maps, 3, 1).flatten(1))


def test_a_linear_network_gives_weight_times_distance_from_the_mean(wrap):
    net, inputs, ground = nn.Linear(6, 3), torch.randn(2, 6), torch.randn(5, 6)
    exact = net.weight[1].detach() * (inputs - ground.mean(0))
    torch.testing.assert_close(DeepSHAP(ground)(wrap(net), inputs, 1).values, exact, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("act", [nn.ReLU, nn.Tanh, nn.Softplus, nn.GELU])
def test_it_is_shaps_on_layers_that_shap_knows(wrap, act):
    net = nn.Sequential(nn.Conv2d(1, 3, 3), act(), nn.Conv2d(3, 4, 2), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3)).eval()
    inputs, ground = torch.randn(2, 1, 7, 7), torch.randn(9, 1, 7, 7)
    theirs = shap.DeepExplainer(net, ground).shap_values(inputs.clone(), check_additivity=False)[..., 1]
    found = DeepSHAP(ground)(wrap(net), inputs, 1).values
    torch.testing.assert_close(found, torch.from_numpy(theirs).to(found), atol=1e-5, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks:UserWarning")  # captum says what it does
def test_it_is_captums_on_linear_layers_and_activations(wrap):
    net = nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 8), nn.ReLU(inplace=True), nn.Linear(8, 3)).eval()
    inputs, ground = torch.randn(3, 6), torch.randn(9, 6)
    ours = DeepSHAP(ground)(wrap(net), inputs, 0)
    assert net[3].inplace
    net[3].inplace = False
    theirs = DeepLiftShap(net).attribute(inputs, ground, target=0)
    torch.testing.assert_close(ours.values, theirs.detach(), atol=1e-5, rtol=1e-4)


def test_it_adds_up_and_is_the_mean_of_deep_lift(wrap):
    model, inputs, ground = wrap(Functional()), torch.randn(2, 1, 8), torch.randn(70, 1, 8)
    found = DeepSHAP(ground)(model, inputs, 2)
    assert found.complete.all()
    scores = model.logits(inputs)[:, 2] - model.logits(ground)[:, 2].mean()
    torch.testing.assert_close(found.values.sum((1, 2)), scores, atol=1e-5, rtol=1e-4)
    several = DeepLIFT(tuple(ground[:5]))(model, inputs, 2)
    torch.testing.assert_close(DeepSHAP(ground[:5])(model, inputs, 2).values, several.values, atol=1e-6, rtol=1e-4)


def test_without_a_background_it_is_deep_lift_from_black(cnn, images):
    torch.testing.assert_close(DeepSHAP()(cnn, images, 1).values, DeepLIFT("black")(cnn, images, 1).values, atol=1e-6, rtol=1e-4)


def test_what_has_no_rule_is_refused(wrap, small):
    said = r"do not handle: Softmax .* Use expected_gradients, gradient_shap or kernel_shap"
    with pytest.raises(ModelError, match=said):
        DeepSHAP()(wrap(small(nn.Softmax(1))), torch.randn(2, 1, 6, 6))


@pytest.mark.parametrize("ground", [torch.zeros(3, 5), torch.zeros(0, 6), torch.full((2, 6), torch.inf)])
def test_a_background_that_does_not_fit_is_refused(wrap, ground):
    with pytest.raises(ShapeError, match=r"Expected \(K, 6\)|NaN or infinite"):
        DeepSHAP(ground)(wrap(nn.Linear(6, 3)), torch.randn(2, 6))
