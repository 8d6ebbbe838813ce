"""Hooks come and go; what is kept is what the layer gave."""

import pytest
import torch
from torch import nn

from netlens.capture import activations, hooked
from netlens.errors import ModelError


def hooks(net):
    return sum(len(module._forward_hooks) for module in net.modules())


def test_what_is_kept_is_what_the_layer_gave(cnn, images):
    with activations(cnn, ["conv1", "fc1"]) as kept:
        cnn.net(images)
    torch.testing.assert_close(kept["conv1"], cnn.net.conv1(images))
    assert kept["fc1"].shape == (3, 500)
    assert hooks(cnn.net) == 0


def test_a_layer_that_works_in_place_does_not_change_what_was_kept(wrap, small):
    net, rows = small(nn.ReLU(inplace=True)), torch.randn(2, 1, 6, 6)
    with activations(wrap(net), ["conv"]) as kept:
        net(rows)
    torch.testing.assert_close(kept["conv"], net.conv(rows))
    assert (kept["conv"] < 0).any()


def test_a_leaf_is_where_the_graph_starts(cnn, images):
    points = images.clone().requires_grad_()
    with activations(cnn, ["pool1"], leaf=True) as kept:
        total = cnn.net(points).sum()
    assert kept["pool1"].is_leaf
    total.backward()
    assert points.grad is None
    assert kept["pool1"].grad.abs().sum() > 0


def test_of_several_calls_the_one_asked_for_is_kept(wrap, small):
    again = nn.Tanh()
    net, rows = small(again, nn.Identity(), again), torch.randn(2, 1, 6, 6)
    first = torch.tanh(net.conv(rows))
    for calls, expected in (({"extra.0": 0}, first), ({"extra.0": 1}, first.tanh()), (None, first.tanh())):
        with activations(wrap(net), ["extra.0"], calls=calls) as kept:
            net(rows)
        torch.testing.assert_close(kept["extra.0"], expected)


def test_hooks_go_also_when_the_model_raises(cnn):
    with pytest.raises(RuntimeError, match="channels"), activations(cnn, ["conv1", "fc2"]):
        cnn.net(torch.rand(1, 5, 12, 12))
    assert hooks(cnn.net) == 0


def test_no_hook_stays_when_a_layer_does_not_exist(cnn):
    with pytest.raises(ModelError, match="Did you mean 'conv1'"), hooked(cnn, ["fc1", "conv11"], lambda _: lambda *_: None):
        pass
    assert hooks(cnn.net) == 0


def test_a_layer_whose_output_is_no_tensor_is_refused(wrap):
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.LSTM(4, 3, batch_first=True)

        def forward(self, inputs):
            return self.rnn(inputs)[0][:, -1]

    net = Recurrent()
    with pytest.raises(ModelError, match="the layer 'rnn' of tiny gives a tuple"), activations(wrap(net), ["rnn"]):
        net(torch.rand(1, 2, 4))
