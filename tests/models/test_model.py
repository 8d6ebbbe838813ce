"""A model: found layers, logits that change nothing, modes that come back, a fingerprint of the content."""

import copy

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ModelError, ShapeError
from netlens.models.model import Model, evaluation, weights_fingerprint


def network():
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Sequential(nn.Linear(8, 2)))


def model(net=None):
    return Model(net or network(), "small", ("a", "b"), Preprocess((0.0,), (1.0,)))


def modes(net):
    return [module.training for module in net.modules()]


def test_layers_are_the_modules_without_layers_of_their_own():
    assert list(model().layers) == ["0", "1", "2", "3", "4.0"]
    assert model().parameters == (4 * 8 + 8) + (8 + 8) + (8 * 2 + 2)
    assert model().device == torch.device("cpu")


def test_a_layer_is_found_by_its_path_also_a_block():
    small = model()
    assert small.layer("4") is small.net[4]
    assert small.layer("4.0") is small.net[4][0]


@pytest.mark.parametrize(("path", "hint"), [("4.1", r"Did you mean '4\.0'\? "), ("zebra", ""), ("", "")])
def test_an_unknown_layer_is_refused_with_the_nearest(path, hint):
    with pytest.raises(ModelError, match=rf"^GradCAM: small has no layer '{path}'\. {hint}Its layers: 0, 1, 2, 3, 4\.0\.$"):
        model().layer(path, "GradCAM")


def test_logits_are_those_of_the_network_in_evaluation_mode_whatever_the_batch_size():
    small, inputs = model(), torch.randn(7, 1, 2, 2)
    small.net.train()
    logits = small.logits(inputs, batch_size=3)
    expected = copy.deepcopy(small.net).eval()(inputs)
    torch.testing.assert_close(logits, expected.detach())
    assert not logits.requires_grad
    torch.testing.assert_close(small.logits(inputs), logits)


def test_logits_leave_modes_buffers_and_gradients_as_they_were():
    small = model()
    small.net.train()
    small.net[3].eval()
    before, state = modes(small.net), copy.deepcopy(small.net.state_dict())
    small.logits(torch.randn(7, 1, 2, 2))
    assert modes(small.net) == before
    assert all(torch.equal(value, state[name]) for name, value in small.net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in small.net.parameters())


def test_an_empty_batch_is_refused():
    with pytest.raises(ShapeError, match=r"^model: the batch is empty\. Expected at least one sample\.$"):
        model().logits(torch.zeros(0, 1, 2, 2))


@pytest.mark.parametrize("fails", [False, True])
def test_evaluation_gives_each_module_its_own_mode_back(fails):
    net = network()
    net.train()
    net[2].eval()
    before = modes(net)
    try:
        with evaluation(net):
            assert not any(modes(net))
            if fails:
                raise KeyError("inside")
    except KeyError:
        assert fails
    assert modes(net) == before


def test_equal_weights_have_equal_fingerprints_whatever_their_layout():
    net = nn.Conv2d(3, 4, 2)
    twin = nn.Conv2d(3, 4, 2)
    twin.load_state_dict(net.state_dict())
    twin.to(memory_format=torch.channels_last)
    assert weights_fingerprint(twin) == weights_fingerprint(net)
    assert model(net).fingerprint == weights_fingerprint(net)


def one_bit(net):
    with torch.no_grad():
        net[1].weight[0, 0] = torch.nextafter(net[1].weight[0, 0], torch.tensor(9.0))


def one_buffer(net):
    net[2].num_batches_tracked += 1


def swapped(net):
    net[1].weight.data, net[1].bias.data = net[1].weight.data.T.reshape(8, 4), net[1].bias.data


@pytest.mark.parametrize("change", [one_bit, one_buffer, swapped, lambda net: net.double()])
def test_any_change_changes_the_fingerprint(change):
    net = network()
    changed = copy.deepcopy(net)
    change(changed)
    assert weights_fingerprint(changed) != weights_fingerprint(net)


def test_a_network_that_does_not_fit_its_data_is_one_clear_error():
    with pytest.raises(ShapeError, match=r"model 'wide': it does not run on inputs \(2, 1, 7, 7\): .*Check that the network"):
        Model(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), "wide", ("a", "b", "c"), Preprocess((0.0,), (1.0,))).logits(
            torch.zeros(2, 1, 7, 7)
        )


@pytest.mark.parametrize(("net", "found"), [(nn.Linear(4, 2), r"\(2, 2\)"), (nn.LSTM(4, 3), "tuple")])
def test_an_output_that_is_not_one_column_a_class_is_refused(net, found):
    with pytest.raises(ShapeError, match=rf"model 'odd': it gives {found}\. Expected logits \(2, 3\)"):
        Model(net, "odd", ("a", "b", "c"), Preprocess((0.0,), (1.0,))).logits(torch.zeros(2, 4))
