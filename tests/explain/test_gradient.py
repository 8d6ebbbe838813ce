"""Saliency, gradient x input, neuron gradients, SmoothGrad and VarGrad against autograd, captum and closed forms."""

import pytest
import torch
from captum.attr import InputXGradient
from captum.attr import NeuronGradient as CaptumNeuronGradient
from captum.attr import Saliency as CaptumSaliency
from torch import nn

from netlens.errors import ModelError, ShapeError
from netlens.explain import GradientXInput, NeuronGradient, Saliency, SmoothGrad, VarGrad

TARGET = torch.tensor([0, 2, 1])


class Cubes(nn.Module):
    """Logit k of x (N, F) is w_k . x^3: its gradient at x is 3 w_k x^2."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3, bias=False)

    def forward(self, inputs):
        return self.fc(inputs**3)


def test_saliency_is_captums_with_its_sign(cnn, images):
    expected = CaptumSaliency(cnn.net).attribute(images.clone().requires_grad_(), target=TARGET, abs=False)
    torch.testing.assert_close(Saliency()(cnn, images, TARGET).values, expected, atol=1e-6, rtol=1e-5)


def test_gradient_x_input_is_captums(cnn, images):
    expected = InputXGradient(cnn.net).attribute(images.clone().requires_grad_(), target=TARGET).detach()
    torch.testing.assert_close(GradientXInput()(cnn, images, TARGET).values, expected, atol=1e-6, rtol=1e-5)


def test_gradient_x_input_of_a_bias_free_relu_network_adds_up_to_the_logit(wrap):
    net = nn.Sequential(nn.Linear(6, 9, bias=False), nn.ReLU(), nn.Linear(9, 3, bias=False)).double()
    rows = torch.randn(5, 6, dtype=torch.float64)
    found = GradientXInput()(wrap(net), rows, 1)
    torch.testing.assert_close(found.values.sum(1), net(rows)[:, 1].detach(), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("layer", "unit", "position"), [("conv2", 5, (1, 2)), ("fc1", 7, ()), ("relu1", 0, (11, 0))])
def test_the_gradient_of_a_neuron_is_captums(cnn, images, layer, unit, position):
    expected = CaptumNeuronGradient(cnn.net, cnn.layer(layer)).attribute(images.clone().requires_grad_(), (unit, *position))
    found = NeuronGradient(layer, unit, position or None)(cnn, images, TARGET)
    assert found.layer == layer
    torch.testing.assert_close(found.values, expected, atol=1e-6, rtol=1e-5)


def test_a_channel_is_the_sum_of_its_neurons(cnn, images):
    whole = NeuronGradient("pool2", 3)(cnn, images, 0).values
    parts = [NeuronGradient("pool2", 3, (y, x))(cnn, images, 0).values for y in range(3) for x in range(3)]
    torch.testing.assert_close(whole, torch.stack(parts).sum(0), atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("unit", "position"), [(64, None), (-1, None), (0, (3, 0)), (0, (1,))])
def test_a_neuron_that_is_not_there_is_refused(cnn, images, unit, position):
    with pytest.raises(
        ShapeError, match=r"NeuronGradient: unit .* is not in the layer 'pool2'. Expected indices below \(64, 3, 3\)"
    ):
        NeuronGradient("pool2", unit, position)(cnn, images)


def test_a_neuron_needs_a_layer_where_there_are_no_maps(wrap):
    with pytest.raises(ModelError, match="no layer with maps"):
        NeuronGradient()(wrap(nn.Linear(4, 3)), torch.randn(2, 4))


def test_smooth_grad_without_noise_is_the_gradient(cnn, images):
    found = SmoothGrad(n_samples=5, noise=0)(cnn, images, TARGET)
    torch.testing.assert_close(found.values, Saliency()(cnn, images, TARGET).values, atol=1e-7, rtol=1e-6)
    assert float(found.spread.max()) < 1e-6 * float(found.values.abs().max())


def test_smooth_grad_of_cubes_is_the_gradient_plus_three_times_the_variance_of_the_noise(wrap):
    net = Cubes()
    rows = torch.tensor([[0.0, 1.0, -1.0, 0.5]])  # its range is 2
    found = SmoothGrad(n_samples=20_000, noise=0.1)(wrap(net), rows, 1)
    exact = 3 * net.fc.weight[1].detach() * (rows**2 + 0.2**2)
    assert ((found.values - exact).abs() < 4 * found.spread).all()
    assert (found.spread < 0.02).all()


def test_the_spread_of_smooth_grad_is_what_repeats_show(cnn, images):
    repeats = [SmoothGrad(n_samples=8, noise=0.3, seed=seed)(cnn, images[:1], 0) for seed in range(60)]
    between = torch.stack([one.values for one in repeats]).std(0).square().mean().sqrt()
    said = torch.stack([one.spread for one in repeats]).square().mean().sqrt()
    assert float(between / said) == pytest.approx(1, abs=0.15)


def test_var_grad_of_a_linear_network_is_zero(wrap):
    found = VarGrad()(wrap(nn.Linear(4, 3)), torch.randn(2, 4), 0)
    assert float(found.values.abs().max()) == 0


def test_var_grad_of_cubes_is_the_variance_of_a_shifted_square(wrap):
    net = Cubes()
    rows = torch.tensor([[0.0, 1.0, -1.0, 0.5]])
    found = VarGrad(n_samples=20_000, noise=0.1)(wrap(net), rows, 1)
    sigma = 0.2
    exact = (3 * net.fc.weight[1].detach()) ** 2 * (4 * rows**2 * sigma**2 + 2 * sigma**4)
    torch.testing.assert_close(found.values, exact, atol=0, rtol=0.08)


@pytest.mark.parametrize("method", [SmoothGrad, VarGrad])
@pytest.mark.parametrize("wrong", [{"n_samples": 1}, {"noise": -0.1}, {"noise": float("nan")}])
def test_noise_that_makes_no_sense_is_refused(cnn, images, method, wrong):
    with pytest.raises(ShapeError, match="at least 2 samples and a finite noise"):
        method(**wrong)(cnn, images)


@pytest.mark.parametrize("shape", [(2, 5), (2, 6, 5), (2, 5, 6, 6)])
@pytest.mark.parametrize("method", [Saliency, GradientXInput, SmoothGrad, VarGrad])
def test_tables_sequences_and_images_are_explained(wrap, shape, method):
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(torch.Size(shape[1:]).numel()), 3))
    found = method()(wrap(net), torch.randn(shape), 1)
    assert found.values.shape == shape
    if method is Saliency:
        weight = net[1].weight[1].detach().view(shape[1:])
        torch.testing.assert_close(found.values, weight.expand(shape), atol=1e-7, rtol=1e-6)
