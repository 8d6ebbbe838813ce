"""A network held still: ready for questions inside, untouched outside."""

import pytest
import torch
from torch import nn

from netlens.errors import ModelError
from netlens.models.still import still


@pytest.fixture
def net():
    """Partly frozen, partly in training mode, with a gradient that somebody still needs."""
    net = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 2))
    net[0].weight.requires_grad_(False)
    net[1].eval()
    net[2].bias.grad = torch.ones(2)
    return net


def state(net):
    """All that must come back."""
    modes = [module.training for module in net.modules()]
    asked = [parameter.requires_grad for parameter in net.parameters()]
    gradients = [None if parameter.grad is None else parameter.grad.tolist() for parameter in net.parameters()]
    return modes, asked, gradients


@pytest.mark.parametrize("fails", [False, True])
def test_everything_comes_back_whatever_happens(net, fails):
    before = state(net)
    try:
        with still(net, "test"):
            assert not any(module.training for module in net.modules())
            assert not any(parameter.requires_grad for parameter in net.parameters())
            inputs = torch.ones(1, 3, requires_grad=True)
            net(inputs).sum().backward()
            assert inputs.grad.any()
            if fails:
                raise KeyError("inside")
    except KeyError:
        assert fails
    assert state(net) == before


@pytest.mark.parametrize("outside", [torch.no_grad, torch.inference_mode])
def test_gradients_are_on_inside_whatever_the_caller_does(net, outside):
    inputs = torch.ones(1, 3)
    with outside(), still(net, "test"):
        points = inputs.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(net(points).sum(), points)
    torch.testing.assert_close(gradient[0], (net[2].weight @ net[0].weight).sum(0))


def test_weights_made_in_inference_mode_are_refused():
    with torch.inference_mode():
        net = nn.Linear(2, 2)
    refused = pytest.raises(
        ModelError, match=r"^Saliency: the weights of the network were made in torch\.inference_mode\. Build or load"
    )
    with refused, still(net, "Saliency"):
        pass
