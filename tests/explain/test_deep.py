"""DeepLIFT and LRP against identities, closed forms and captum, and against captum's own faults."""

import pytest
import torch
from captum.attr import DeepLift as CaptumDeepLift
from torch import nn

from netlens.errors import ModelError, ShapeError
from netlens.explain import LRP, DeepLIFT, GradientXInput

TARGET = torch.tensor([0, 2, 1])


def table_net(*, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 9, bias=bias), nn.ReLU(), nn.Linear(9, 7, bias=bias), nn.ReLU(), nn.Linear(7, 3, bias=bias))


def test_deep_lift_adds_up(cnn, images):
    found = DeepLIFT()(cnn, images, TARGET)
    assert (found.error < 1e-5).all()
    change = cnn.logits(images) - cnn.logits(torch.full_like(images, -1 / 3))
    exact = change.gather(1, TARGET.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(found.values.flatten(1).sum(1), exact, atol=1e-5, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")  # captum says so at each call
def test_deep_lift_is_captums_where_captum_adds_up(wrap):
    net, rows, start = table_net(), torch.randn(4, 6), torch.randn(4, 6)
    expected = CaptumDeepLift(net).attribute(rows.clone().requires_grad_(), start, target=1).detach()
    torch.testing.assert_close(DeepLIFT(start)(wrap(net), rows, 1).values, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")  # captum says so at each call
def test_deep_lift_adds_up_where_a_pooling_follows_a_relu_at_once_and_captum_does_not(wrap):
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    rows, start = torch.rand(2, 5, 1, 6, 6)
    _, theirs = CaptumDeepLift(net).attribute(rows.clone().requires_grad_(), start, target=1, return_convergence_delta=True)
    assert float(theirs.detach().abs().max()) > 1e-2
    assert (DeepLIFT(start)(wrap(net), rows, 1).error < 1e-5).all()


def test_deep_lift_of_one_relu_is_the_rescale_rule(wrap):
    net = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU(), nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        net[0].weight[:] = torch.tensor([[2.0, -3.0]])
        net[2].weight[:] = torch.tensor([[1.0], [5.0]])
    found = DeepLIFT(torch.tensor([0.0, 1.0]))(wrap(net, 2), torch.tensor([[4.0, 1.0]]), 1)
    # in: -3 -> 5, out: 0 -> 5, so the multiplier is 5/8, and the first input moved it by 2 * 4
    torch.testing.assert_close(found.values, torch.tensor([[25.0, 0.0]]))


def test_deep_lift_over_several_baselines_is_the_mean(cnn, images):
    several = DeepLIFT(("zero", "black"))(cnn, images, 1)
    each = torch.stack([DeepLIFT(one)(cnn, images, 1).values for one in ("zero", "black")])
    torch.testing.assert_close(several.values, each.mean(0), atol=1e-6, rtol=1e-5)
    assert several.complete.all()


def test_an_activation_in_place_is_handled(wrap, small):
    one, other = small(nn.ReLU()), small(nn.ReLU(inplace=True))
    other.load_state_dict(one.state_dict())
    rows = torch.randn(2, 1, 6, 6)
    first, second = (DeepLIFT("zero")(wrap(net), rows, 1) for net in (one, other))
    torch.testing.assert_close(first.values, second.values)
    assert other.extra[0].inplace


def test_lrp_is_gradient_x_input_on_a_bias_free_relu_network(wrap):
    model, rows = wrap(table_net(bias=False).double()), torch.randn(4, 6, dtype=torch.float64)
    found = LRP(1e-15)(model, rows, 1)
    torch.testing.assert_close(found.values, GradientXInput()(model, rows, 1).values, atol=3e-12, rtol=0)
    assert float(found.delta.abs().max()) < 1e-12


def test_lrp_on_a_convolutional_network_is_gradient_x_input_and_loses_what_the_biases_take(cnn, images):
    found, other = LRP()(cnn, images, TARGET), GradientXInput()(cnn, images, TARGET)
    torch.testing.assert_close(found.values, other.values, atol=1e-4 * float(other.values.abs().max()), rtol=1e-3)
    logits = cnn.logits(images).gather(1, TARGET.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(found.delta, found.values.flatten(1).sum(1) - logits, atol=1e-5, rtol=1e-4)
    assert found.complete is None


def test_lrp_of_one_layer_divides_by_the_sum_and_epsilon(wrap):
    net = nn.Sequential(nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        net[0].weight[:] = torch.tensor([[2.0, 1.0], [0.0, 1.0]])
    found = LRP(epsilon=0.5)(wrap(net, 2), torch.tensor([[1.0, 3.0]]), 0)
    torch.testing.assert_close(found.values, torch.tensor([[2.0, 3.0]]) * 5 / 5.5)


@pytest.mark.parametrize("method", [DeepLIFT, LRP])
def test_what_has_no_rule_is_refused_and_another_method_named(wrap, small, method):
    with pytest.raises(ModelError, match=r"Relu in the model itself \(made in `forward`.*Use integrated_gradients or expected"):
        method()(wrap(small(torch.relu)), torch.rand(2, 1, 6, 6), 0)


def test_parameters_that_make_no_sense_are_refused(cnn, images):
    with pytest.raises(ShapeError, match="Expected a number above 0"):
        DeepLIFT(tolerance=0)(cnn, images)
    with pytest.raises(ShapeError, match="Expected a finite number above 0"):
        LRP(epsilon=0)(cnn, images)
