"""Shapes, parameters and costs against closed forms, torch's own counter and figures that others publish."""

import re

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from netlens.errors import ModelError, ShapeError
from netlens.internals import architecture, blocks
from netlens.models.architectures import MnistCNN


def counted(net, *inputs):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(*inputs)
    return counter.get_total_flops() // 2


@pytest.mark.parametrize(
    ("net", "shape", "expected"),
    [
        (nn.Conv2d(4, 6, 3, padding=1), (2, 4, 5, 5), 2 * 6 * 25 * 4 * 9),
        (nn.Conv2d(4, 6, 3, stride=2, groups=2), (1, 4, 9, 9), 6 * 16 * 2 * 9),
        (nn.Conv2d(4, 4, 3, groups=4, dilation=2), (1, 4, 9, 9), 4 * 25 * 9),
        (nn.Conv1d(3, 5, 4), (1, 3, 10), 5 * 7 * 3 * 4),
        (nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), (2, 4, 5, 5), 2 * 4 * 25 * 3 * 9),
        (nn.Linear(7, 3), (5, 7), 5 * 21),
        (nn.Linear(7, 3), (2, 4, 7), 8 * 21),
        (nn.LSTM(5, 7, 2, batch_first=True), (3, 4, 5), 12 * 4 * (5 * 7 + 49) + 12 * 4 * (49 + 49)),
        (nn.LSTM(5, 7, bidirectional=True), (4, 3, 5), 2 * 12 * 4 * (35 + 49)),
        (nn.GRU(5, 7), (4, 3, 5), 12 * 3 * (35 + 49)),
        (nn.RNN(5, 7), (4, 3, 5), 12 * (35 + 49)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_costs_follow_the_closed_forms(net, shape, expected):
    assert architecture(net, torch.rand(shape)).multiply_adds == expected


def test_attention_costs_its_projections_and_both_products():
    net = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True)
    found = architecture(net, torch.rand(3, 5, 16))
    projections, products, mlp = 15 * 16 * 64, 2 * 3 * 25 * 16, 15 * 2 * 16 * 24
    assert found.multiply_adds == projections + products + mlp
    assert {layer.path: layer.calls for layer in found.layers}["self_attn.out_proj"] == 0
    assert found.parameters == sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.parametrize(("name", "side"), [("resnet18", 64), ("mobilenet_v2", 64), ("swin_t", 32)])
def test_costs_agree_with_torchs_counter(name, side):
    import torchvision.models

    net, image = getattr(torchvision.models, name)(weights=None).eval(), torch.rand(1, 3, side, side)
    found = architecture(net, image)
    assert found.multiply_adds == counted(net, image)
    assert found.parameters == sum(parameter.numel() for parameter in net.parameters())


@pytest.mark.slow
def test_a_vision_transformer_costs_what_its_authors_say():
    import torchvision.models

    found = architecture(torchvision.models.vit_b_16(weights=None), torch.rand(1, 3, 224, 224))
    assert found.multiply_adds == pytest.approx(17.56e9, rel=0.001)
    assert found.parameters == 86_567_656


class Twice(nn.Module):
    """Uses one layer twice, ties two weights, and multiplies in a function."""

    def __init__(self):
        super().__init__()
        self.one = nn.Linear(4, 4, bias=False)
        self.two = nn.Linear(4, 4, bias=False)
        self.two.weight = self.one.weight
        self.bare = nn.Parameter(torch.rand(4, 2))
        self.spare = nn.Linear(9, 9)

    def forward(self, inputs):
        return functional.relu(self.two(self.one(self.one(inputs)))) @ self.bare


def test_what_is_used_twice_is_counted_as_it_is():
    found = architecture(Twice(), torch.rand(3, 4))
    layers = {layer.path: layer for layer in found.layers}
    assert (layers["one"].calls, layers["one"].parameters, layers["one"].multiply_adds) == (2, 16, 2 * 3 * 16)
    assert (layers["two"].parameters, layers["two"].shared) == (0, 16)
    assert (layers[""].parameters, layers[""].multiply_adds) == (8, 3 * 8)
    assert (layers["spare"].calls, layers["spare"].shape) == (0, None)
    assert found.parameters == 16 + 8 + 90


def test_shapes_are_those_of_the_outputs():
    found = architecture(MnistCNN(), torch.rand(1, 1, 28, 28))
    assert {layer.path: layer.shape for layer in found.layers}["pool2"] == (1, 64, 7, 7)
    assert found.frame()["layer"].tolist()[:3] == ["conv1", "relu1", "pool1"]


def test_an_error_says_how_far_it_came():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(10, 3))
    with pytest.raises(ShapeError, match=r"stops in '2' \(Linear.*2 modules ran; the last was '1' \(Flatten.*\(1, 144\)"):
        architecture(net, torch.rand(1, 1, 8, 8))
    with pytest.raises(ShapeError, match="No module had run yet"):
        architecture(net, torch.rand(1, 3, 8, 8))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


def test_the_network_is_left_as_it_was():
    net = MnistCNN()
    net.conv1.weight.requires_grad_(False)
    net.train()
    net.pool1.eval()
    architecture(net, torch.rand(1, 1, 28, 28))
    assert (net.training, net.pool1.training, net.conv1.weight.requires_grad, net.fc1.weight.requires_grad) == (
        True,
        False,
        False,
        True,
    )


def test_half_precision_and_several_inputs():
    assert architecture(nn.Linear(4, 2).half(), torch.rand(1, 4).half()).multiply_adds == 8
    assert architecture(nn.Bilinear(3, 4, 5), (torch.rand(1, 3), torch.rand(1, 4))).layers[0].shape == (1, 5)
    assert architecture(nn.Linear(4, 2), {"input": torch.rand(1, 4)}).multiply_adds == 8


def test_exported_networks_and_torchscript_show_the_whole():
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 6)).eval()
    exported = torch.export.export(net, (torch.rand(1, 4),)).module()
    assert architecture(exported, torch.rand(1, 4)).multiply_adds == 50
    with pytest.warns((DeprecationWarning, FutureWarning), match="torch.jit"):
        script = torch.jit.trace(net, torch.rand(1, 4))
    found = architecture(script, torch.rand(1, 4))
    assert (found.multiply_adds, found.parameters, found.layers[0].shape) == (50, 61, (1, 6))


@pytest.mark.parametrize(
    ("net", "inputs", "said"), [(nn.Linear(4, 2), torch.rand(0, 4), "is empty"), (nn.Linear(4, 2), (), "is empty")]
)
def test_empty_inputs_are_refused(net, inputs, said):
    with pytest.raises(ShapeError, match=said):
        architecture(net, inputs)


def test_a_plain_function_is_refused():
    with pytest.raises(ModelError, match=re.escape("a builtin_function_or_method was given")):
        architecture(torch.relu, torch.rand(1, 4))


def test_a_deep_network_becomes_few_blocks():
    import torchvision.models

    found = architecture(torchvision.models.resnet50(weights=None), torch.rand(1, 3, 64, 64))
    drawn = blocks(found)
    assert [block.label for block in drawn] == [
        "input",
        "conv1",
        "maxpool",
        "layer1",
        "layer2",
        "layer3",
        "layer4",
        "avgpool",
        "fc",
    ]
    assert [block.count for block in drawn[3:7]] == [3, 4, 6, 3]
    assert all(block.skip for block in drawn[3:7])
    assert sum(block.multiply_adds for block in drawn) == found.multiply_adds
    assert sum(block.parameters for block in drawn) == found.parameters


def test_small_layers_join_the_block_before_them():
    drawn = blocks(architecture(MnistCNN(), torch.rand(1, 1, 28, 28)))
    assert [(block.label, block.then) for block in drawn[1:3]] == [("conv1", ("ReLU",)), ("pool1", ())]


class Listed(nn.Module):
    """Defines its layers in another order than it calls them, in lists that are never called."""

    def __init__(self):
        super().__init__()
        self.later = nn.ModuleList([nn.Linear(5, 5), nn.Linear(5, 5)])
        self.first = nn.Linear(4, 5)

    def forward(self, inputs):
        state = self.first(inputs)
        for layer in self.later:
            state = layer(state)
        return state


def test_layers_stand_in_the_order_of_the_forward_pass():
    found = architecture(Listed(), torch.rand(1, 4))
    assert [layer.path for layer in found.layers] == ["", "first", "later", "later.0", "later.1"]
    assert [block.label for block in blocks(found)] == ["input", "first", "later"]
