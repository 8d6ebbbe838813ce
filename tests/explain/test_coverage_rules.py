"""Coverage is silent on what the rules handle, and names each planted operation that they do not."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from netlens.errors import ModelError, ShapeError, UsageError
from netlens.explain import EXPLAINERS
from netlens.models.architectures import MnistMLP
from netlens.models.coverage import RULES

METHODS = ("deep_lift", "lrp", "guided_backprop", "guided_grad_cam")
RELU = nn.ReLU()


class Slope(torch.autograd.Function):
    """A function that nobody has a rule for, under the name of one that passes back slopes."""

    @staticmethod
    def forward(_context, inputs):
        return inputs.sign()

    @staticmethod
    def backward(_context, gradient):
        return gradient


def said(model, method, inputs=None):
    return [str(fault) for fault in model.coverage(method, inputs)]


@pytest.mark.parametrize("method", METHODS)
def test_the_tutorials_networks_are_covered(cnn, wrap, method):
    assert said(cnn, method, torch.rand(1, 1, 12, 12)) == []
    assert said(wrap(MnistMLP(size=8)), method, torch.rand(1, 1, 8, 8)) == []


def test_a_shape_is_found_where_no_inputs_are_given(cnn, wrap):
    assert said(wrap(nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))), "deep_lift") == []
    assert said(wrap(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())), "lrp") == []
    assert said(wrap(MnistMLP(size=28)), "deep_lift") == []
    with pytest.raises(ShapeError, match=r"no shape of input was found.*coverage\(method, inputs\)"):
        cnn.coverage("deep_lift")  # 12 x 12 is no usual size


@pytest.mark.parametrize(
    ("made", "method", "expected"),
    [
        (lambda maps: maps.clamp(min=0), "guided_backprop", "Clamp in the model itself (no rule for this operation)"),
        (torch.sigmoid, "lrp", "Sigmoid in the model itself (no rule for this operation)"),
        (lambda maps: maps.amax(3, keepdim=True) + maps, "deep_lift", "Amax in the model itself (no rule for this operation)"),
        (
            lambda maps: functional.relu(maps) * maps.sigmoid(),
            "lrp",
            "Mul in the model itself (a product of two things that both depend",
        ),
        (lambda maps: functional.softmax(maps, 1), "deep_lift", "Softmax in the model itself (no rule for this operation)"),
        (lambda maps: maps / (1 + maps.relu()), "deep_lift", "Div in the model itself (a product of two things that both depend"),
        (lambda maps: torch.prelu(maps, maps.mean((0, 2, 3))), "deep_lift", "PreluKernel in the model itself (no rule for this"),
        (lambda maps: maps @ maps.mT, "deep_lift", "Bmm in the model itself (a product of two things that both depend"),
        (
            lambda maps: functional.layer_norm(maps, maps.shape[2:]),
            "lrp",
            "NativeLayerNorm in the model itself (no rule for this",
        ),
        (Slope.apply, "deep_lift", "Slope in the model itself (no rule for this operation)"),
    ],
)
def test_what_is_made_in_forward_is_named(wrap, small, made, method, expected):
    found = said(wrap(small(made)), method, torch.rand(1, 1, 6, 6))
    assert any(one.startswith(expected) for one in found), found


@pytest.mark.parametrize(
    ("modules", "method", "expected"),
    [
        ((nn.GELU(), nn.LayerNorm(4)), "deep_lift", "NativeLayerNorm in `extra.1` (no rule for LayerNorm)"),
        ((nn.Softmax(1),), "deep_lift", "Softmax in `extra.0` (no rule for Softmax)"),
        ((nn.Softplus(),), "lrp", "Softplus in `extra.0` (no rule for Softplus)"),
        ((nn.BatchNorm2d(4, track_running_stats=False),), "deep_lift", "NativeBatchNorm in `extra.0` (no rule for BatchNorm2d)"),
        ((nn.InstanceNorm2d(4),), "deep_lift", "NativeBatchNorm in `extra.0` (no rule for InstanceNorm2d)"),
        ((nn.LeakyReLU(),), "guided_backprop", "LeakyRelu in `extra.0` (no rule for LeakyReLU)"),
    ],
)
def test_a_module_without_a_rule_is_named(wrap, small, modules, method, expected):
    assert expected in said(wrap(small(*modules)), method, torch.rand(1, 1, 6, 6))


@pytest.mark.parametrize("method", ["deep_lift", "lrp"])
@pytest.mark.parametrize(
    "parts",
    [
        (nn.Tanh(),),
        (nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(), nn.MaxPool2d(1)),
        (nn.ELU(), nn.Identity(), nn.Dropout2d(), nn.AvgPool2d(1), nn.GELU()),
        (RELU, RELU, nn.MaxPool2d(3, 1, 1)),
        (functional.relu, lambda maps: functional.max_pool2d(maps, 3, 1, 1), lambda maps: functional.relu(maps) + maps),
        (lambda maps: RELU(maps),),
    ],
)
def test_silence_is_kept(wrap, small, parts, method):
    model, rows = wrap(small(*parts)), torch.rand(2, 1, 6, 6)
    assert said(model, method, rows) == []
    found = EXPLAINERS[method](**{"baseline": "noise"} if method == "deep_lift" else {})(model, rows, 0)
    assert method == "lrp" or (found.error < 1e-4).all()


@pytest.mark.parametrize(
    ("kind", "name", "said_of"),
    [(nn.LSTM, "MkldnnRnnLayer", "no rule for LSTM"), (nn.GRU, "", "no rule for GRU")],
)
def test_recurrent_layers_are_named(wrap, kind, name, said_of):
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = kind(4, 5, batch_first=True), nn.Linear(5, 3)

        def forward(self, inputs):
            return self.fc(self.rnn(inputs)[0][:, -1])

    found = said(wrap(Recurrent()), "deep_lift", torch.rand(1, 6, 4))
    assert any(name in one and "`rnn`" in one and said_of in one for one in found), found


def test_attention_is_named(wrap):
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.fc = nn.MultiheadAttention(4, 2, batch_first=True), nn.Linear(4, 3)

        def forward(self, inputs):
            return self.fc(self.attention(inputs, inputs, inputs)[0].mean(1))

    found = said(wrap(Attends()), "deep_lift", torch.rand(1, 6, 4))
    assert any("`attention`" in one for one in found), found


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")  # deprecated, and still what many models are saved as
def test_torchscript_is_named(wrap, small):
    script = torch.jit.trace(small(nn.ReLU()).eval(), torch.rand(1, 1, 6, 6))
    assert said(wrap(script), "deep_lift", torch.rand(1, 1, 6, 6)) == [
        "TorchScript in the model itself (no rule can be attached inside of it)"
    ]


def test_a_network_that_cuts_the_graph_is_named(wrap):
    class Cut(nn.Module):
        def forward(self, inputs):
            return inputs.detach()[:, :3]

    assert said(wrap(Cut()), "lrp", torch.rand(1, 4)) == ["the whole network in the model itself (no gradient reaches its input)"]


def test_an_unknown_method_is_refused(cnn):
    with pytest.raises(UsageError, match=r"no rule-based method 'deeplift'\. Did you mean 'deep_lift'"):
        cnn.coverage("deeplift")


@pytest.mark.parametrize("inputs", [None, torch.rand(1, 3, 30, 30)])
def test_a_network_in_half_precision_that_asserts_a_size_is_judged(wrap, inputs):
    class Particular(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.relu, self.fc = nn.Conv2d(3, 2, 3), nn.ReLU(), nn.Linear(2, 3)

        def forward(self, inputs):
            assert inputs.shape[2] in (28, 30)
            return self.fc(self.relu(self.conv(inputs)).mean((2, 3)))

    assert said(wrap(Particular().half()), "deep_lift", inputs) == []


def test_inputs_that_do_not_fit_are_refused(cnn):
    with pytest.raises(ModelError, match=r"tiny broke on inputs shaped \(1, 2, 12, 12\)"):
        cnn.coverage("lrp", torch.rand(1, 2, 12, 12))


@pytest.mark.parametrize("method", RULES)
def test_the_model_is_left_as_it_was(cnn, method):
    cnn.net.train()
    cnn.net.conv1.weight.requires_grad_(False)
    cnn.coverage(method, torch.rand(1, 1, 12, 12))
    assert all(module.training for module in cnn.net.modules())
    assert [parameter.requires_grad for parameter in cnn.net.parameters()][:2] == [False, True]
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in cnn.net.modules())
