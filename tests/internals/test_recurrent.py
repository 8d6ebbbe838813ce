"""States and gates over time: the equations give what torch's modules give, however they are called."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from netlens.data import Preprocess
from netlens.errors import ModelError, ShapeError
from netlens.internals.recurrent import hidden_states, logits_while_reading
from netlens.internals.recurrent_listening import recurrent_layers
from netlens.models.model import Model
from netlens.models.recurrent import MnistGRU, MnistLSTM, MnistRNN

# torch tells that its faster library does not do projections; it computes them all the same.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")

MODULES = {
    "rnn": lambda **given: nn.RNN(5, 6, **given),
    "rnn relu": lambda **given: nn.RNN(5, 6, nonlinearity="relu", **given),
    "lstm": lambda **given: nn.LSTM(5, 6, **given),
    "lstm projected": lambda **given: nn.LSTM(5, 6, proj_size=3, **given),
    "gru": lambda **given: nn.GRU(5, 6, **given),
}
SHAPES = {
    "plain": {},
    "batch first": {"batch_first": True},
    "no bias": {"bias": False, "batch_first": True},
    "bidirectional": {"bidirectional": True, "batch_first": True},
    "deep": {"num_layers": 3, "dropout": 0.5, "batch_first": True},
    "deep bidirectional": {"num_layers": 2, "bidirectional": True},
}


class Reader(nn.Module):
    """Read with a module, then answer from the mean of what it gives."""

    def __init__(self, module, call=None):
        super().__init__()
        self.module = module
        units = (getattr(module, "proj_size", 0) or module.hidden_size) * (2 if getattr(module, "bidirectional", False) else 1)
        self.fc = nn.Linear(units, 2)
        self.call = call or (lambda module, inputs: module(inputs if module.batch_first else inputs.transpose(0, 1))[0])

    def forward(self, inputs):
        hidden = self.call(self.module, inputs)
        return self.fc(hidden.mean(1 if hidden.shape[0] == len(inputs) else 0))


def model(net):
    return Model(net, "reader", ("a", "b"), Preprocess((0.0,), (1.0,)))


def sequences(rows=4, length=7):
    return torch.randn(rows, length, 5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", MODULES)
def test_states_are_those_of_the_module(kind, shape):
    module = MODULES[kind](**SHAPES[shape])
    network, inputs = model(Reader(module)), sequences()
    states = hidden_states(network, inputs)
    with torch.no_grad():
        module.eval()
        output, last = module(inputs if module.batch_first else inputs.transpose(0, 1))
    output = output if module.batch_first else output.transpose(0, 1)
    top = [one for one in states if one.level == module.num_layers - 1]
    assert len(states) == module.num_layers * (2 if module.bidirectional else 1)
    assert torch.allclose(torch.cat([one.hidden for one in top], 2), output, atol=1e-5)
    hidden, cell = last if isinstance(last, tuple) else (last, None)
    for place, one in enumerate(states):
        end = -1 if one.direction == "forward" else 0
        assert torch.allclose(one.hidden[:, end], hidden[place], atol=1e-5)
        if cell is not None:
            assert torch.allclose(one.cell[:, end], cell[place], atol=1e-5)
        assert one.error <= 1e-5


def test_the_gates_of_an_lstm_by_its_formula():
    module = nn.LSTM(5, 6, batch_first=True)
    inputs = sequences(1, 2)
    (states,) = hidden_states(model(Reader(module)), inputs)
    both = (
        inputs[0, 1] @ module.weight_ih_l0.T + module.bias_ih_l0 + states.hidden[0, 0] @ module.weight_hh_l0.T + module.bias_hh_l0
    )
    for name, part in zip(("input", "forget", "candidate", "output"), both.split(6), strict=True):
        by_hand = torch.tanh(part) if name == "candidate" else torch.sigmoid(part)
        assert torch.allclose(states.gates[name][0, 1], by_hand, atol=1e-6)
    cell = states.gates["forget"] * torch.cat([torch.zeros(1, 1, 6), states.cell[:, :-1]], 1)
    assert torch.allclose(cell + states.gates["input"] * states.gates["candidate"], states.cell, atol=1e-6)
    assert torch.allclose(states.gates["output"] * states.cell.tanh(), states.hidden, atol=1e-6)


def test_the_gates_of_a_gru_close_and_open():
    module = nn.GRU(5, 6, batch_first=True)
    with torch.no_grad():
        module.bias_ih_l0[6:12] = 40.0  # update: keep everything
    (states,) = hidden_states(model(Reader(module)), sequences())
    assert states.gates["update"].min() == 1
    assert states.hidden.abs().max() == 0
    assert set(states.gates) == {"reset", "update", "candidate"}


@pytest.mark.parametrize("enforce_sorted", [True, False])
@pytest.mark.parametrize("kind", MODULES)
def test_packed_sequences_end_where_they_end(kind, enforce_sorted):
    module = MODULES[kind](bidirectional=True, batch_first=True)
    lengths = torch.tensor([7, 5, 5, 2] if enforce_sorted else [2, 7, 5, 5])

    def call(module, inputs):
        packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=enforce_sorted)
        return pad_packed_sequence(module(packed)[0], batch_first=True)[0]

    inputs = sequences()
    network = model(Reader(module, call))
    before = network.logits(inputs)
    states = hidden_states(network, inputs)
    with torch.no_grad():
        output = call(module, inputs)
    for one, part in zip(states, output.chunk(2, 2), strict=True):
        assert one.lengths.tolist() == lengths.tolist()
        absent = torch.arange(7) >= lengths[:, None]
        assert one.hidden[absent].isnan().all()
        assert torch.allclose(one.hidden[~absent], part[~absent], atol=1e-5)
    assert torch.equal(network.logits(inputs), before)


def test_one_sequence_without_a_batch():
    network = model(
        Reader(nn.LSTM(5, 6, batch_first=True), lambda module, inputs: torch.stack([module(row)[0] for row in inputs]))
    )
    inputs = sequences(3)
    states = hidden_states(network, inputs)
    assert [one.call for one in states] == [0, 1, 2]
    (together,) = hidden_states(model(Reader(network.net.module)), inputs)
    assert torch.allclose(torch.cat([one.hidden for one in states]), together.hidden, atol=1e-6)


@pytest.mark.parametrize("by_name", [False, True])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "lstm projected", "gru"])
def test_a_state_to_start_from_is_taken_over(kind, by_name):
    module = MODULES[kind](batch_first=True)
    start = torch.randn(1, 4, module.proj_size or 6)
    given = (start, torch.randn(1, 4, 6)) if "lstm" in kind else start
    network = model(Reader(module, lambda module, x: module(input=x, hx=given)[0] if by_name else module(x, given)[0]))
    (states,) = hidden_states(network, sequences())
    assert states.error <= 1e-5


CELLS = {"rnn": nn.RNNCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}


def loop(cell, inputs):
    state, seen = None, []
    for step in inputs.unbind(1):
        state = cell(step, state)
        seen.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(seen, 1)


@pytest.mark.parametrize("kind", CELLS)
def test_a_cell_in_a_loop_is_the_module(kind):
    module = MODULES[kind](batch_first=True)
    cell = CELLS[kind](5, 6)
    cell.load_state_dict({key.removesuffix("_l0"): value for key, value in module.state_dict().items()})
    inputs = sequences()
    (one,) = hidden_states(model(Reader(module)), inputs)
    (other,) = hidden_states(model(Reader(cell, loop)), inputs)
    assert torch.allclose(one.hidden, other.hidden, atol=1e-6)
    for name, gate in one.gates.items():
        assert torch.allclose(gate, other.gates[name], atol=1e-6)
    assert other.lengths.tolist() == [7] * 4


def test_a_cell_that_reads_twice_gives_two_sequences():
    network = model(Reader(nn.GRUCell(5, 6), lambda cell, x: loop(cell, x) + loop(cell, x.flip(1))))
    first, second = hidden_states(network, sequences())
    assert [first.call, second.call] == [0, 1]
    assert torch.allclose(first.inputs, second.inputs.flip(1))


def test_a_module_used_twice_gives_two_calls():
    network = model(Reader(nn.GRU(5, 6, batch_first=True), lambda module, x: module(x)[0] + module(x.flip(1))[0]))
    assert [(one.layer, one.call) for one in hidden_states(network, sequences())] == [("module", 0), ("module", 1)]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_other_precisions(kind, dtype):
    network = model(Reader(MODULES[kind](batch_first=True)).to(dtype))
    (states,) = hidden_states(network, sequences())
    assert states.hidden.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    with torch.no_grad():
        output = network.net.module(states.inputs.to(dtype))[0]
    assert torch.allclose(states.hidden.float(), output.float(), atol=0.05)


def test_token_ids_are_read_through_their_embedding():
    net = nn.Sequential(nn.Embedding(9, 5), Reader(nn.LSTM(5, 6, batch_first=True)))
    tokens = torch.randint(0, 9, (3, 4))
    (states,) = hidden_states(model(net), tokens)
    assert states.layer == "1.module"
    assert torch.equal(states.inputs, net[0](tokens))


def test_parametrised_weights():
    module = torch.nn.utils.parametrizations.weight_norm(nn.GRU(5, 6, batch_first=True), "weight_hh_l0")
    (states,) = hidden_states(model(Reader(module)), sequences())
    assert states.error <= 1e-5


def test_the_network_is_left_as_it_was():
    network = model(Reader(nn.LSTM(5, 6, num_layers=2, dropout=0.5, batch_first=True)))
    network.net.train()
    before = copy.deepcopy(network.net.state_dict())
    hidden_states(network, sequences())
    assert network.net.training
    assert network.net.module.training
    assert not any(module._forward_hooks for module in network.net.modules())
    assert all(torch.equal(value, before[key]) for key, value in network.net.state_dict().items())
    assert all(part.requires_grad and part.grad is None for part in network.net.parameters())


class Doubled(nn.GRU):
    """Not what its name says."""

    def forward(self, inputs, hx=None):
        output, last = super().forward(inputs, hx)
        return 2 * output, last


def test_a_module_that_computes_something_else_is_named():
    network = model(Reader(Doubled(5, 6, batch_first=True)))
    with pytest.raises(ModelError, match=r"the equations of Doubled do not give what the layer 'module' gives: they differ by"):
        hidden_states(network, sequences())
    assert not network.net.module._forward_hooks


@pytest.mark.parametrize(
    ("given", "layer", "error", "said"),
    [
        (sequences(0), "", ShapeError, r"the inputs are \(0, 7, 5\)\. Expected a batch"),
        (torch.full((2, 7, 5), torch.nan), "", ShapeError, r"the inputs hold NaN"),
        (torch.randn(2, 7, 4), "", ShapeError, r"reader does not run on inputs \(2, 7, 4\)"),
        (sequences(), "modul", ModelError, r"reader has no layer 'modul'\. Did you mean 'module'"),
        (sequences(), "fc", ModelError, r"the layer 'fc' of reader is a Linear\. Expected a recurrent one: module"),
    ],
)
def test_what_cannot_be_read_is_refused(given, layer, error, said):
    with pytest.raises(error, match=said):
        hidden_states(model(Reader(nn.GRU(5, 6, batch_first=True))), given, layer)


def test_a_network_without_recurrent_layers_is_told():
    network = model(nn.Sequential(nn.Flatten(), nn.Linear(35, 2)))
    assert recurrent_layers(network) == ()
    with pytest.raises(ModelError, match=r"^hidden states: reader has no recurrent layer\. Expected nn\.RNN"):
        hidden_states(network, sequences())


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:FutureWarning")
def test_a_scripted_network_is_told():
    network = model(torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(35, 2))))
    with pytest.raises(ModelError, match=r"reader is TorchScript, which hides its layers"):
        hidden_states(network, sequences())


def test_a_layer_that_is_not_run_is_told():
    net = Reader(nn.GRU(5, 6, batch_first=True))
    net.spare = nn.GRU(5, 6)
    with pytest.raises(ModelError, match=r"reader did not run the layer"):
        hidden_states(model(net), sequences(), "spare")


@pytest.mark.parametrize("network", [MnistRNN, MnistLSTM, MnistGRU])
def test_the_tutorials_networks_answer_from_the_last_state(network):
    net = network(size=8).eval()
    tutorial = Model(net, "t", tuple("0123456789"), Preprocess((0.0,), (1.0,)))
    inputs = torch.randn(3, 1, 8, 8)
    (states,) = hidden_states(tutorial, inputs)
    logits = logits_while_reading(tutorial, inputs)
    assert logits.shape == (3, 8, 10)
    with torch.no_grad():
        assert torch.allclose(net.fc(states.hidden), logits, atol=1e-5)
    assert torch.allclose(logits[:, -1], tutorial.logits(inputs), atol=1e-6)


def test_reading_needs_an_axis():
    tutorial = Model(MnistGRU(size=8), "t", tuple("0123456789"), Preprocess((0.0,), (1.0,)))
    with pytest.raises(ShapeError, match=r"there is no axis 4 to read along\. Expected 1 to 3"):
        logits_while_reading(tutorial, torch.randn(3, 1, 8, 8), axis=4)


class OwnLSTMCell(nn.LSTMCell):
    pass


class OwnGRUCell(nn.GRUCell):
    pass


@pytest.mark.parametrize(("cell", "kind"), [(OwnLSTMCell, "LSTM"), (OwnGRUCell, "GRU")])
def test_a_cell_of_a_class_of_its_own_is_what_its_parent_is(cell, kind):
    def loop(cell, inputs):
        state, given = None, []
        for step in inputs.unbind(1):
            state = cell(step, state)
            given.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(given, 1)

    (found,) = hidden_states(model(Reader(cell(5, 6), loop)), sequences())
    assert (found.kind, found.hidden.shape) == (kind, (4, 7, 6))


def test_a_state_that_becomes_zero_does_not_end_a_sequence():
    cell = nn.RNNCell(5, 6, nonlinearity="relu", bias=False)
    with torch.no_grad():
        cell.weight_ih.fill_(1.0)
        cell.weight_hh.zero_()
    inputs = torch.ones(2, 6, 5)
    inputs[:, 2] = -1

    def loop(cell, inputs):
        state = None
        for step in inputs.unbind(1):
            state = cell(step, state)
        return state.unsqueeze(1)

    (found,) = hidden_states(model(Reader(cell, loop)), inputs)
    assert found.hidden[0, :, 0].tolist() == [5, 5, 0, 5, 5, 5]


def test_two_sequences_that_one_cell_reads_in_turn_are_kept_apart():
    def both_ways(cell, inputs):
        ahead = back = None
        for step in range(inputs.shape[1]):
            ahead, back = cell(inputs[:, step], ahead), cell(inputs[:, -1 - step], back)
        return torch.stack([ahead, back], 1)

    inputs = sequences()
    ahead, back = hidden_states(model(Reader(nn.GRUCell(5, 6), both_ways)), inputs)
    torch.testing.assert_close(ahead.inputs, inputs)
    torch.testing.assert_close(back.inputs, inputs.flip(1))


def test_a_cell_that_reads_fewer_rows_at_a_later_step_is_told():
    def shrinking(cell, inputs):
        state = cell(inputs[:, 0])
        return torch.cat([cell(inputs[:2, 1], state[:2]), state[2:]]).unsqueeze(1)

    with pytest.raises(ModelError, match="the cell 'module' is given 2 rows after 4 in one sequence"):
        hidden_states(model(Reader(nn.GRUCell(5, 6), shrinking)), sequences())
