"""Gradients over time and memory: closed forms, and networks with a planted memory."""

import pytest
import torch
from torch import nn

from netlens.errors import ModelError, ShapeError, UsageError
from netlens.explain import Saliency
from netlens.internals.memory import memory
from netlens.internals.recurrent import hidden_states
from netlens.internals.sequence_saliency import saliency_over_time
from netlens.internals.tracking import tracking
from tests.internals.test_recurrent import CELLS, MODULES, Reader, loop, model, sequences

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")


@pytest.mark.parametrize("kind", MODULES)
def test_the_gradient_to_what_is_read_is_the_gradient_to_the_inputs(kind):
    network, inputs = model(Reader(MODULES[kind](batch_first=True, num_layers=2))), sequences()
    found = saliency_over_time(network, inputs, 1)
    plain = Saliency()(network, inputs, 1)
    for one in found:
        assert torch.allclose(one.inputs, plain.values, atol=1e-6)
        assert torch.allclose(one.over_time, plain.values.norm(dim=2), atol=1e-6)


def test_the_gradient_to_a_state_counts_every_path():
    """h_2 = w h_1 + ..., the answer is the mean of h_1, h_2: so the whole gradient to h_1 is 1/2 (1 + w)."""
    module = nn.RNN(1, 1, nonlinearity="relu", bias=False, batch_first=True)
    network = model(Reader(module))
    with torch.no_grad():
        module.weight_ih_l0.fill_(1)
        module.weight_hh_l0.fill_(0.5)
        network.net.fc.weight.fill_(1)
    (found,) = saliency_over_time(network, torch.ones(1, 2, 1), 0)
    assert found.hidden.flatten().tolist() == [0.75, 0.5]
    assert found.inputs.flatten().tolist() == [0.75, 0.5]
    assert found.cell is None


def test_the_gradient_of_token_ids_is_taken_where_the_layer_reads():
    net = nn.Sequential(nn.Embedding(9, 5), Reader(nn.LSTM(5, 6, batch_first=True)))
    tokens = torch.randint(0, 9, (3, 4))
    (one,) = saliency_over_time(model(net), tokens, torch.tensor([0, 1, 1]))
    plain = Saliency()(model(net[1]), net[0](tokens).detach(), torch.tensor([0, 1, 1]))
    assert torch.allclose(one.inputs, plain.values, atol=1e-6)


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_in_a_loop_has_the_gradients_of_the_module(kind):
    module, cell = MODULES[kind](batch_first=True), CELLS[kind](5, 6)
    cell.load_state_dict({key.removesuffix("_l0"): value for key, value in module.state_dict().items()})
    one, other = Reader(module), Reader(cell, loop)
    other.fc = one.fc
    inputs = sequences()
    (first,), (second,) = (saliency_over_time(model(net), inputs, 0) for net in (one, other))
    assert torch.allclose(first.inputs, second.inputs, atol=1e-6)
    assert torch.allclose(first.hidden, second.hidden, atol=1e-6)
    (first,), (second,) = (memory(model(net), inputs) for net in (one, other))
    assert torch.allclose(first.gain, second.gain, atol=1e-6)


def test_the_tutorials_lstm_for_texts_is_read_word_by_word():
    from netlens.models.text import TextLSTM

    network = model(TextLSTM(30))
    words = torch.randint(1, 30, (3, 6))
    (states,) = hidden_states(network, words)
    (found,) = saliency_over_time(network, words, 1)
    assert states.hidden.shape == (3, 6, 96)
    assert torch.equal(states.inputs, network.net.embedding(words))
    assert found.over_time.shape == (3, 6)
    assert (found.over_time > 0).all()


def test_without_a_target_the_chosen_class_is_explained():
    network, inputs = model(Reader(nn.GRU(5, 6, batch_first=True))), sequences()
    (found,) = saliency_over_time(network, inputs)
    assert torch.equal(found.target, network.logits(inputs).argmax(1))


@pytest.mark.parametrize("target", [2, -1, torch.tensor([0, 1]), torch.tensor(0.5)])
def test_a_target_that_is_none_is_refused(target):
    with pytest.raises(ShapeError, match=r"^saliency over time: the target .*Expected (0 to 1|one class index)"):
        saliency_over_time(model(Reader(nn.GRU(5, 6, batch_first=True))), sequences(), target)


def test_the_memory_of_a_linear_network_is_the_power_of_its_matrix():
    module = nn.RNN(5, 6, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        module.weight_hh_l0.copy_(torch.rand(6, 6) / 4)
        module.bias_ih_l0.fill_(9.0)  # no unit is ever below zero
    (found,) = memory(model(Reader(module)), sequences())
    by_hand = [torch.linalg.matrix_norm(torch.linalg.matrix_power(module.weight_hh_l0, d)) / 6**0.5 for d in range(7)]
    assert torch.allclose(found.gain, torch.stack(by_hand).expand(4, 7), rtol=1e-4)
    assert found.gain[0, 0] == 1


def test_an_open_forget_gate_remembers_and_a_closed_one_forgets():
    module = nn.LSTM(5, 6, batch_first=True)
    network = model(Reader(module))
    for bias, expected in ((40.0, 6), (-40.0, 0)):
        with torch.no_grad():
            for name in ("weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
                getattr(module, name).zero_()
            module.bias_ih_l0[6:12] = bias
        (found,) = memory(network, sequences())
        assert found.reach(0.1).tolist() == [expected] * 4
        assert (found.cell[:, 1:] > 0.01).all() == (bias > 0)
        assert torch.equal(found.gain, found.cell.square().add(found.hidden.square()).sqrt())


def test_memory_read_backward_counts_from_the_start():
    module = nn.GRU(5, 6, bidirectional=True, batch_first=True)
    inputs = sequences()
    forward, backward = memory(model(Reader(module)), inputs)
    swapped = nn.GRU(5, 6, batch_first=True)
    swapped.load_state_dict({key: module.state_dict()[f"{key}_reverse"] for key in swapped.state_dict()})
    (alone,) = memory(model(Reader(swapped)), inputs.flip(1))
    assert (forward.direction, backward.direction) == ("forward", "backward")
    assert torch.allclose(backward.gain, alone.gain, atol=1e-6)


def test_a_share_that_is_none_is_refused():
    (found,) = memory(model(Reader(nn.GRU(5, 6, batch_first=True))), sequences())
    with pytest.raises(UsageError, match="the share 1 is none"):
        found.reach(1)


@pytest.mark.parametrize("measure", [memory, saliency_over_time])
def test_a_network_without_recurrent_layers_is_told(measure):
    with pytest.raises(ModelError, match=r"reader has no recurrent layer"):
        measure(model(nn.Sequential(nn.Flatten(), nn.Linear(35, 2))), sequences())


def counter():
    """A network whose unit 3 adds up what it reads in place 0; the others see noise."""
    module = nn.RNN(2, 6, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        module.weight_hh_l0[3] = torch.eye(6)[3]
        module.weight_ih_l0[3] = torch.tensor([1.0, 0.0])
        module.bias_ih_l0[3] = module.bias_hh_l0[3] = 0
    return model(Reader(module))


def test_a_unit_that_counts_is_found():
    inputs = torch.rand(40, 7, 2)
    (states,) = hidden_states(counter(), inputs)
    found = tracking(states, inputs[:, :, 0].cumsum(1))
    assert found.unit == 3
    assert found.correlation == pytest.approx(1)
    assert found.chance < 0.95
    assert found.by_unit[3] == found.correlation


def test_what_nothing_follows_is_not_found():
    inputs = torch.rand(200, 7, 2)
    (states,) = hidden_states(counter(), inputs)
    found = tracking(states, torch.rand(200, 7))
    assert abs(found.correlation) < 0.15


def test_a_quantity_of_another_shape_is_refused():
    (states,) = hidden_states(counter(), torch.rand(4, 7, 2))
    with pytest.raises(ShapeError, match=r"the quantity is \(4, 6\) for states \(4, 7, 6\)"):
        tracking(states, torch.rand(4, 6))
