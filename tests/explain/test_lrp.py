"""LRP against gradient x input, loops by hand, conservation, and captum where captum has a rule."""

import pytest
import torch
from captum.attr import LRP as CaptumLRP
from captum.attr._utils.lrp_rules import EpsilonRule
from torch import nn
from torch.nn import functional

from netlens.errors import ModelError, ShapeError
from netlens.explain import LRP, GradientXInput

TARGET = torch.tensor([0, 2, 1])


def table_net(act: nn.Module, *, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 9, bias=bias), act, nn.Linear(9, 7, bias=bias), type(act)(), nn.Linear(7, 3, bias=bias))


class Maps(nn.Module):
    """What captum has rules for; reshaping is done where captum does not see it. Takes (N, 1, 9, 9)."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm, self.relu, self.pool = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
        self.conv2, self.tanh, self.mean, self.drop = nn.Conv2d(4, 5, 2), nn.Tanh(), nn.AvgPool2d(2), nn.Dropout()
        self.all, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(5, 3)
        self.norm.running_mean.normal_(), self.norm.running_var.uniform_(0.5, 2)

    def forward(self, inputs):
        maps = self.pool(self.relu(self.norm(self.conv1(inputs))))
        return self.fc(self.all(self.drop(self.mean(self.tanh(self.conv2(maps))))).flatten(1))


def captums(net: nn.Module, epsilon: float, rows: torch.Tensor, target: int) -> torch.Tensor:
    for module in net.modules():
        if not any(module.children()) and not isinstance(module, nn.ReLU | nn.Tanh | nn.Dropout):
            module.rule = EpsilonRule(epsilon)
    return CaptumLRP(net).attribute(rows.clone().requires_grad_(), target=target).detach()


@pytest.mark.parametrize("epsilon", [1e-9, 0.01, 0.25])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_captums_where_captum_has_rules(wrap, epsilon, dtype):
    maps = (Maps(), torch.randn(3, 1, 9, 9))
    for made, rows in ((table_net(nn.ReLU()), torch.randn(4, 6)), (table_net(nn.Tanh()), torch.randn(4, 6)), maps):
        net, inputs = made.to(dtype).eval(), rows.to(dtype)
        found = LRP(epsilon)(wrap(net), inputs, 1)
        expected = captums(net, epsilon, inputs, 1)
        torch.testing.assert_close(found.values, expected, atol=1e-5 * float(expected.abs().max()), rtol=1e-5)


def test_it_is_gradient_x_input_on_networks_of_relus_without_biases(wrap):
    signal = nn.Sequential(nn.Conv1d(2, 4, 3, bias=False), nn.ReLU(), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(12, 3, bias=False))
    plain = table_net(nn.ReLU(), bias=False)
    for net, rows in ((plain, torch.randn(4, 6)), (signal, torch.randn(4, 2, 8)), (Residual(), torch.randn(4, 1, 6, 6))):
        model, inputs = wrap(net.double()), rows.double()
        found = LRP(1e-15)(model, inputs, 1)
        torch.testing.assert_close(found.values, GradientXInput()(model, inputs, 1).values, atol=3e-12, rtol=0)
        assert float(found.delta.abs().max()) < 1e-12


class Residual(nn.Module):
    """Functional ReLUs, one of them in place, a sum written in place, a mean; takes (N, 1, 6, 6)."""

    def __init__(self, *, bias: bool = False) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = (nn.Conv2d(n, 4, 3, padding=1, bias=bias) for n in (1, 4, 4))
        self.fc = nn.Linear(4, 3, bias=bias)

    def forward(self, inputs):
        maps = functional.relu(self.conv1(inputs), inplace=True)
        out = self.conv3(torch.relu(self.conv2(maps)))
        out += maps
        return self.fc(out.relu().mean((2, 3)))


def test_it_is_gradient_x_input_on_a_convolutional_network_and_loses_what_the_biases_take(cnn, images):
    found, other = LRP()(cnn, images, TARGET), GradientXInput()(cnn, images, TARGET)
    torch.testing.assert_close(found.values, other.values, atol=1e-4 * float(other.values.abs().max()), rtol=1e-3)
    logits = cnn.logits(images).gather(1, TARGET.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(found.delta, found.values.flatten(1).sum(1) - logits, atol=1e-5, rtol=1e-4)
    assert found.complete is None


def test_one_layer_divides_by_the_sum_and_epsilon(wrap):
    net = nn.Sequential(nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        net[0].weight[:] = torch.tensor([[2.0, 1.0], [0.0, 1.0]])
    found = LRP(epsilon=0.5)(wrap(net, 2), torch.tensor([[1.0, 3.0]]), 0)
    torch.testing.assert_close(found.values, torch.tensor([[2.0, 3.0]]) * 5 / 5.5)


def passed(relevance, parts, bias, epsilon):
    """Share relevance (J,) out among the parts (I, J) of sums (J,), in a loop."""
    given = torch.zeros(len(parts), dtype=torch.float64)
    for j in range(parts.shape[1]):
        total = float(parts[:, j].sum() + bias[j])
        for i in range(len(parts)):
            given[i] += parts[i, j] * relevance[j] / (total + (epsilon if total >= 0 else -epsilon))
    return given


@pytest.mark.parametrize("act", [torch.relu, torch.tanh, functional.gelu, functional.leaky_relu, functional.hardswish])
def test_a_residual_network_shares_as_the_loops_do(wrap, act):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, inputs):
            return self.two(act(self.one(inputs)) + inputs)

    net, rows, epsilon = Net().double(), torch.randn(3, 4, dtype=torch.float64), 0.1
    found = LRP(epsilon)(wrap(net), rows, 2)
    for row, values in zip(rows, found.values, strict=True):
        with torch.no_grad():
            hidden = act(net.one(row))
            logits = net.two(hidden + row)
            relevance = passed(
                logits * torch.eye(3, dtype=torch.float64)[2],
                net.two.weight.T * (hidden + row).unsqueeze(1),
                net.two.bias,
                epsilon,
            )
            both = passed(relevance, torch.cat([torch.diag(hidden), torch.diag(row)]), torch.zeros(4), epsilon)
            expected = both[4:] + passed(both[:4], net.one.weight.T * row.unsqueeze(1), net.one.bias, epsilon)
        torch.testing.assert_close(values, expected, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(
    "act", [nn.ReLU(), nn.Tanh(), nn.GELU(), nn.SiLU(), nn.ReLU6(), nn.PReLU(), nn.ELU(inplace=True)], ids=str
)
def test_without_biases_nothing_is_lost(wrap, act):
    model, rows = wrap(table_net(act, bias=False).double()), torch.randn(4, 6, dtype=torch.float64)
    assert model.coverage("lrp", rows) == []
    found = LRP(1e-15)(model, rows, 1)
    torch.testing.assert_close(found.values.sum(1), model.net(rows)[:, 1].detach(), atol=1e-11, rtol=1e-9)


def test_a_linear_layer_over_steps_is_shared_as_over_rows(wrap):
    class Steps(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(4, 5), nn.Linear(5, 3)

        def forward(self, inputs):
            return self.two(self.one(inputs).relu()).sum(1) if inputs.ndim == 3 else self.two(self.one(inputs).relu())

    model, rows = wrap(Steps().double()), torch.randn(2, 1, 4, dtype=torch.float64)
    flat = LRP(0.3)(model, rows[:, 0], 1).values
    logits = model.net(rows[:, 0])[:, 1:2].abs().detach()
    torch.testing.assert_close(
        LRP(0.3)(model, rows, 1).values[:, 0], flat * logits / (logits + 0.3)
    )  # one sum more, of one number


def test_it_takes_one_pass(cnn, images):
    LRP()(cnn, images, 0)
    given = []
    cnn.net.register_forward_pre_hook(lambda _net, inputs: given.append(len(inputs[0])))
    LRP()(cnn, images, 0)
    assert given == [3]


def test_what_has_no_rule_is_refused_and_another_method_named(wrap, small):
    with pytest.raises(
        ModelError, match=r"Sigmoid in the model itself \(no rule for this operation\).*Use integrated_gradients or exp"
    ):
        LRP()(wrap(small(torch.sigmoid)), torch.rand(2, 1, 6, 6), 0)


def test_an_epsilon_that_makes_no_sense_is_refused(cnn, images):
    with pytest.raises(ShapeError, match="Expected a finite number above 0"):
        LRP(epsilon=0)(cnn, images)
