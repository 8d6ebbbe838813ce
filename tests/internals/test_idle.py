"""Planted dead units are found, all of them and no others; each activation function is judged by its own slope."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from netlens.errors import ModelError, ShapeError
from netlens.internals import idle
from netlens.internals.flat import flat_ends


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (torch.relu, 0, math.inf),
        (functional.relu6, 0, 6),
        (functional.hardtanh, -1, 1),
        (torch.sigmoid, -5.986, 5.986),  # where s(1 - s) = 0.0025
        (torch.tanh, -math.acosh(10), math.acosh(10)),  # where 1 / cosh² = 0.01
        (functional.elu, -math.log(100), math.inf),
        (functional.softplus, -math.log(99), math.inf),
        (functional.leaky_relu, -math.inf, math.inf),
        (functional.gelu, -3.02, math.inf),
    ],
)
def test_functions_are_flat_where_their_slope_is_small(function, low, high):
    found = flat_ends(function)
    assert found == pytest.approx((low, high), abs=0.003)


def planted(bend, push, units=(1, 4)):
    net = nn.Sequential(nn.Linear(6, 8), bend, nn.Linear(8, 3))
    with torch.no_grad():
        net[0].weight.mul_(0.5)
        net[0].bias.fill_(0.05)
        net[0].bias[list(units)] = push
    return net


@pytest.mark.parametrize(
    "bend", [nn.ReLU(), nn.ReLU(inplace=True), nn.Sigmoid(), nn.Tanh(), nn.GELU(), nn.SiLU(), nn.ELU(), nn.ReLU6(), nn.Hardtanh()]
)
def test_units_pushed_below_are_found_and_no_others(wrapped, bend):
    rows = torch.randn(200, 6)
    assert idle(wrapped(planted(bend, -40.0)), rows).dead == {"1": [1, 4]}
    assert idle(wrapped(planted(bend, 0.05)), rows).dead == {}


@pytest.mark.parametrize("bend", [nn.Sigmoid(), nn.Tanh(), nn.ReLU6(), nn.Hardtanh()])
def test_units_pushed_above_are_stuck(wrapped, bend):
    found = idle(wrapped(planted(bend, 40.0)), torch.randn(50, 6)).functions[0]
    assert (found.dead, found.stuck) == ([], [1, 4])
    assert found.saturated[1] == 1


def test_a_leaky_unit_never_dies(wrapped):
    assert idle(wrapped(planted(nn.LeakyReLU(), -40.0)), torch.randn(50, 6)).dead == {}


def test_a_network_that_learned_is_healthy_and_a_killed_channel_is_found(learned, digits):
    import copy
    from dataclasses import replace

    model, _ = learned
    exam = digits[1].all().inputs
    assert {path: units for path, units in idle(model, exam).dead.items() if path != "relu3"} == {}
    ill = replace(model, net=copy.deepcopy(model.net))
    with torch.no_grad():
        ill.net.conv2.bias[[3, 17]] = -1e3
    assert idle(ill, exam).dead["relu2"] == [3, 17]


def test_a_dead_unit_of_a_convolution_is_dead_at_every_place(wrapped):
    net = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU())
    with torch.no_grad():
        net[0].bias[2] = -50
        net[0].weight[0] = 0
        net[0].bias[0] = 0.5
    found = idle(wrapped(net), torch.rand(5, 1, 6, 6)).functions[0]
    assert found.dead == [2]
    assert found.off[0] == 0
    assert found.awake[0] == 5


def test_functions_and_reused_modules_are_seen(wrapped):
    class Bare(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two, self.bend = nn.Linear(4, 5), nn.Linear(5, 5), nn.ReLU()

        def forward(self, inputs):
            return torch.sigmoid(self.bend(self.two(self.bend(self.one(functional.gelu(inputs))))))

    found = idle(wrapped(Bare()), torch.rand(7, 4))
    assert [(one.path, one.kind, len(one.awake)) for one in found.functions] == [
        ("(the network itself)", "GELU", 4),
        ("bend", "ReLU", 5),
        ("bend#2", "ReLU", 5),
        ("(the network itself)#2", "Sigmoid", 5),
    ]


def test_the_bound_is_that_of_no_success_in_n_trials(wrapped):
    found = idle(wrapped(planted(nn.ReLU(), -40.0)), torch.randn(300, 6), rows=64)
    assert found.n == 300
    assert (1 - found.bound) ** 300 == pytest.approx(0.05)
    assert found.bound == pytest.approx(3 / 300, rel=0.01)


def test_counts_do_not_depend_on_the_batch(cnn, images):
    one, other = (idle(cnn, images, rows=rows) for rows in (4, 64))
    for few, many in zip(one.functions, other.functions, strict=True):
        np.testing.assert_array_equal(few.awake, many.awake)
        np.testing.assert_allclose(few.off, many.off)


def test_bad_questions_are_refused(wrapped, cnn, images):
    with pytest.raises(ShapeError, match="there is no sample"):
        idle(cnn, images[:0])
    with pytest.warns((DeprecationWarning, FutureWarning), match="torch.jit"):
        script = torch.jit.trace(cnn.net, images[:1])
    with pytest.raises(ModelError, match="is TorchScript"):
        idle(wrapped(script), images)


def test_a_network_without_activation_functions_gives_an_empty_result(wrapped):
    found = idle(wrapped(nn.Linear(4, 2)), torch.rand(3, 4))
    assert (found.n, found.functions, found.dead) == (3, (), {})


def test_half_precision_is_judged_alike(wrapped):
    net, rows = planted(nn.ReLU(), -40.0), torch.randn(50, 6)
    assert idle(wrapped(net.bfloat16()), rows.bfloat16()).dead == {"1": [1, 4]}


@pytest.mark.parametrize("bend", [torch.Tensor.sigmoid_, torch.Tensor.tanh_, torch.special.expit, nn.Threshold(0.0, 0.0)])
def test_functions_that_work_in_place_or_go_by_other_names_are_seen(wrapped, bend):
    class Bent(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 3)
            nn.init.constant_(self.fc.bias, -100.0)

        def forward(self, inputs):
            return bend(self.fc(inputs))

    found = idle(wrapped(Bent()), torch.rand(9, 6))
    assert list(found.dead.values()) == [[0, 1, 2]]
