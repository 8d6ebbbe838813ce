"""Each cause of a zero gradient is found where it was planted."""

import pytest
import torch
from torch import nn

from netlens.errors import ModelError, ShapeError
from netlens.internals import why_zero


def network(*parts):
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 6), *(parts or [nn.ReLU()]), nn.Linear(6, 3))


class Cut(nn.Module):
    """Leaves the graph."""

    def forward(self, inputs):
        return inputs.detach()


class Rounded(nn.Module):
    """Has no slope anywhere."""

    def forward(self, inputs):
        return inputs.round()


ROW = torch.tensor([[0.3, -0.2, 0.5, 0.9]])


def test_a_healthy_network_has_both_gradients(wrapped):
    net = network()
    found = why_zero(wrapped(net), ROW, 1)
    point = ROW.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(net(point)[0, 1], point)
    assert found.cause == "none"
    assert found.logit == pytest.approx(gradient.norm().item(), rel=1e-5)
    assert found.sure == pytest.approx(net(ROW).softmax(1)[0, 1].item(), rel=1e-5)


def test_a_saturated_softmax_is_named(wrapped):
    net = network()
    with torch.no_grad():
        net[2].weight.mul_(1e4)
    found = why_zero(wrapped(net), ROW)
    assert (found.cause, found.where) == ("softmax", "")
    assert found.sure > 0.9999
    assert found.logit > 1


def test_low_confidence_is_no_cause(wrapped):
    net = network()
    with torch.no_grad():
        net[2].bias.zero_()
        net[2].weight.mul_(0.01)
    found = why_zero(wrapped(net), ROW)
    assert found.sure < 0.4
    assert found.cause == "none"


def test_a_dead_layer_is_named(wrapped):
    net = network()
    with torch.no_grad():
        net[0].bias.fill_(-1e3)
    found = why_zero(wrapped(net), ROW)
    assert (found.cause, found.where, found.logit) == ("dead layer", "1", 0)


@pytest.mark.parametrize("place", [1, 2])
def test_a_cut_graph_is_named(wrapped, place):
    parts = [nn.ReLU(), nn.ReLU()]
    parts[place - 1] = Cut()
    found = why_zero(wrapped(network(*parts)), ROW)
    assert (found.cause, found.where) == ("cut graph", str(place))


def test_a_cut_in_the_code_of_the_network_is_placed_after_the_last_layer_before_it(wrapped):
    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, inputs):
            return self.two(self.one(inputs).detach())

    found = why_zero(wrapped(Bare().requires_grad_(False)), ROW)
    assert (found.cause, found.where) == ("cut graph", "the code after one")


def test_what_is_not_known_is_said_to_be_unknown(wrapped):
    assert why_zero(wrapped(network(Rounded())), ROW).cause == "unknown"


def test_bad_questions_are_refused(wrapped):
    with pytest.raises(ShapeError, match="there are 2 samples"):
        why_zero(wrapped(network()), ROW.repeat(2, 1))
    with pytest.raises(ModelError, match="whole numbers"):
        why_zero(wrapped(network()), torch.ones(1, 4, dtype=torch.long))
    with pytest.raises(ShapeError, match="the target 7 is no class"):
        why_zero(wrapped(network()), ROW, 7)
