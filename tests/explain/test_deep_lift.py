"""DeepLIFT against closed forms, loops by hand, captum where captum adds up, and the sum that it promises everywhere."""

import pytest
import torch
from captum.attr import DeepLift as CaptumDeepLift
from torch import nn
from torch.nn import functional

from netlens.errors import ModelError, ShapeError
from netlens.explain import DeepLIFT

TARGET = torch.tensor([0, 2, 1])
pytestmark = pytest.mark.filterwarnings("ignore:Setting forward, backward hooks")  # captum says so at each call
ACTIVATIONS = (
    nn.ReLU(), nn.LeakyReLU(), nn.PReLU(), nn.RReLU(), nn.ReLU6(), nn.Hardtanh(-0.5, 0.5), nn.ELU(), nn.SELU(), nn.CELU(2.0), nn.GELU(),
    nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Sigmoid(), nn.LogSigmoid(), nn.Tanh(), nn.Softplus(), nn.Softsign(), nn.Tanhshrink(),
    nn.Hardswish(), nn.Hardsigmoid(), nn.Softshrink(0.1), nn.Hardshrink(0.1), nn.Threshold(0.1, 0.3),
)  # fmt: skip
IN_PLACE = (nn.ReLU(True), nn.ELU(inplace=True), nn.ReLU6(True), nn.SiLU(True), nn.Hardswish(True), nn.LeakyReLU(0.1, True))
FUNCTIONS = (
    functional.relu, torch.tanh, torch.sigmoid, functional.gelu, torch.relu, torch.exp, torch.erf, torch.abs, torch.square,
    lambda maps: maps.relu(), lambda maps: maps.clamp(min=0), lambda maps: torch.clamp(maps, -0.1, 0.2), lambda maps: maps**3,
    lambda maps: (maps * maps.new_tensor(2.0)).tanh_(), lambda maps: functional.relu(maps + 0, inplace=True), lambda maps: abs(maps),
    lambda maps: functional.softplus(maps).log(), lambda maps: functional.logsigmoid(maps).exp(), lambda maps: torch.relu(input=maps),
)  # fmt: skip
POOLS = (
    nn.MaxPool2d(2), nn.MaxPool2d(3, 1), nn.MaxPool2d(3, 1, 1), nn.MaxPool2d(2, 1, dilation=2), nn.MaxPool2d(3, 2, ceil_mode=True),
    nn.AdaptiveMaxPool2d(3), lambda maps: functional.max_pool2d(maps, 3, stride=1), lambda maps: torch.max_pool2d(maps, 2),
    lambda maps: functional.max_pool1d(maps.flatten(2), 3, 2).unsqueeze(3), lambda maps: functional.max_pool3d(maps, (2, 3, 3), 1),
    lambda maps: functional.adaptive_max_pool2d(maps, 1),
)  # fmt: skip


def table_net(act: nn.Module, *, bias: bool = True) -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 9, bias=bias), act, nn.Linear(9, 7, bias=bias), type(act)(), nn.Linear(7, 3, bias=bias))


class Between(nn.Module):
    """A convolution and a linear layer that gives three logits, with something between them; takes (N, 1, 6, 6)."""

    def __init__(self, part):
        super().__init__()
        self.conv, self.part, self.fc = nn.Conv2d(1, 4, 3), part, nn.LazyLinear(3)
        self(torch.rand(2, 1, 6, 6))

    def forward(self, inputs):
        return self.fc(self.part(self.conv(inputs)).flatten(1))


def check(model, rows, start=None):
    """The values of rows from a baseline of their own each and from a shared one, each of which must add up."""
    start = torch.randn_like(rows) if start is None else start
    assert model.coverage("deep_lift", rows) == []
    for base in (start, start[:1]):
        found = DeepLIFT(base)(model, rows, 1)
        change = model.logits(rows)[:, 1] - model.logits(base.expand_as(rows).contiguous())[:, 1]
        torch.testing.assert_close(found.values.flatten(1).sum(1), change, atol=2e-5, rtol=1e-4)
        assert found.complete.all()
    one = DeepLIFT(start)(model, rows, 1).values
    for row in range(len(rows)):
        alone = DeepLIFT(start[row : row + 1])(model, rows[row : row + 1], 1).values
        torch.testing.assert_close(one[row], alone[0], atol=1e-5, rtol=1e-3)
    return one


def test_deep_lift_adds_up(cnn, images):
    found = DeepLIFT()(cnn, images, TARGET)
    assert (found.error < 1e-5).all()
    change = cnn.logits(images) - cnn.logits(torch.full_like(images, -1 / 3))
    exact = change.gather(1, TARGET.unsqueeze(1)).squeeze(1)
    torch.testing.assert_close(found.values.flatten(1).sum(1), exact, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("act", [nn.ReLU(), nn.ELU(), nn.LeakyReLU(), nn.Sigmoid(), nn.Tanh(), nn.Softplus()], ids=str)
def test_it_is_captums_where_captum_adds_up(wrap, act):
    net, rows, start = table_net(act).double(), *torch.randn(2, 4, 6, dtype=torch.float64)
    expected = CaptumDeepLift(net).attribute(rows.clone().requires_grad_(), start, target=1).detach()
    torch.testing.assert_close(DeepLIFT(start)(wrap(net), rows, 1).values, expected, atol=1e-7, rtol=1e-6)
    single = DeepLIFT(start.float())(wrap(net.float()), rows.float(), 1).values
    torch.testing.assert_close(single, expected.float(), atol=1e-5, rtol=1e-4)


def test_it_is_captums_on_maps_and_poolings(wrap):
    parts = (nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.Conv2d(4, 5, 2), nn.ELU(), nn.AvgPool2d(2))
    net = nn.Sequential(*parts, nn.Flatten(), nn.Linear(20, 3)).double().eval()
    net[1].running_mean.normal_(), net[1].running_var.uniform_(0.5, 2)
    rows, start = torch.randn(2, 3, 1, 10, 10, dtype=torch.float64)
    theirs, delta = CaptumDeepLift(net).attribute(rows.clone().requires_grad_(), start, target=1, return_convergence_delta=True)
    assert float(delta.abs().max()) < 1e-9
    torch.testing.assert_close(DeepLIFT(start)(wrap(net), rows, 1).values, theirs.detach(), atol=1e-9, rtol=1e-9)


def test_it_adds_up_where_a_pooling_follows_a_relu_at_once_and_captum_does_not(wrap):
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3))
    rows, start = torch.rand(2, 5, 1, 6, 6)
    _, theirs = CaptumDeepLift(net).attribute(rows.clone().requires_grad_(), start, target=1, return_convergence_delta=True)
    assert float(theirs.detach().abs().max()) > 1e-2
    assert (DeepLIFT(start)(wrap(net), rows, 1).error < 1e-5).all()


def test_one_relu_follows_the_rescale_rule(wrap):
    net = nn.Sequential(nn.Linear(2, 1, bias=False), nn.ReLU(), nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        net[0].weight[:] = torch.tensor([[2.0, -3.0]])
        net[2].weight[:] = torch.tensor([[1.0], [5.0]])
    found = DeepLIFT(torch.tensor([0.0, 1.0]))(wrap(net, 2), torch.tensor([[4.0, 1.0]]), 1)
    # in: -3 -> 5, out: 0 -> 5, so the multiplier is 5/8, and the first input moved it by 2 * 4
    torch.testing.assert_close(found.values, torch.tensor([[25.0, 0.0]]))


@pytest.mark.parametrize(("sign", "expected"), [(1.0, [12.0, -12.0]), (-1.0, [0.0, 0.0])])
def test_a_relu_that_did_not_move_passes_on_its_derivative(wrap, sign, expected):
    net = nn.Sequential(nn.Linear(2, 1), nn.ReLU(), nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        net[0].weight[:], net[0].bias[:], net[2].weight[:] = torch.tensor([[2.0, 2.0]]), sign, torch.tensor([[1.0], [3.0]])
    found = DeepLIFT(torch.tensor([-1.0, 1.0]))(wrap(net, 2), torch.tensor([[1.0, -1.0]]), 1)
    torch.testing.assert_close(found.values, torch.tensor([expected]))


def test_overlapping_poolings_follow_the_rule_in_a_loop(wrap):
    net = nn.Sequential(nn.MaxPool1d(3, 1), nn.Flatten(), nn.Linear(4, 2, bias=False))
    rows, start = torch.randn(2, 5, 1, 6)
    expected = torch.zeros(5, 6)
    for row, (now, then) in enumerate(zip(rows[:, 0], start[:, 0], strict=True)):
        for window in range(4):
            high, low = now[window : window + 3].max(), then[window : window + 3].max()
            both, weight = max(high, low), net[2].weight[1, window].detach()
            expected[row, window + int(now[window : window + 3].argmax())] += weight * (both - low)
            expected[row, window + int(then[window : window + 3].argmax())] += weight * (high - both)
    torch.testing.assert_close(DeepLIFT(start)(wrap(net, 2), rows, 1).values[:, 0], expected, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    "part", [*ACTIVATIONS, *IN_PLACE, *FUNCTIONS, *POOLS], ids=lambda part: getattr(part, "__name__", str(part))
)
def test_every_elementwise_function_and_pooling_adds_up(wrap, part):
    model, kept = wrap(Between(part)), getattr(part, "inplace", None)
    check(model, torch.randn(3, 1, 6, 6))
    assert getattr(part, "inplace", None) == kept


@pytest.mark.parametrize("name", ["relu", "tanh", "gelu", "silu", "max_pool2d"])
def test_a_function_a_module_and_a_module_used_twice_are_the_same(wrap, name):
    module = {"relu": nn.ReLU(), "tanh": nn.Tanh(), "gelu": nn.GELU(), "silu": nn.SiLU(), "max_pool2d": nn.MaxPool2d(2, 1)}[name]
    function = {"tanh": torch.tanh, "max_pool2d": lambda maps: functional.max_pool2d(maps, 2, 1)}.get(name)
    function, rows, start = function or getattr(functional, name), *torch.randn(2, 3, 1, 6, 6)
    pair = Between(nn.Sequential(module, nn.Conv2d(4, 4, 2), module))
    found = check(wrap(pair), rows, start)
    pair.middle = middle = pair.part[1]
    del pair.part
    pair.part = lambda maps: function(middle(function(maps)))
    assert torch.equal(check(wrap(pair), rows, start), found)


class Residual(nn.Module):
    """A block with batch norm, one ReLU used twice, in place or not, and a sum written into what it sums."""

    def __init__(self, *, inplace: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
        self.norm, self.relu = nn.BatchNorm2d(4).eval(), nn.ReLU(inplace)

    def forward(self, maps):
        out = self.norm(self.conv2(self.relu(self.conv1(maps))))
        out += maps
        return self.relu(out)


@pytest.mark.parametrize("inplace", [False, True])
def test_residual_blocks_add_up(wrap, inplace):
    check(wrap(Between(nn.Sequential(Residual(inplace=inplace), Residual(inplace=inplace)))), torch.randn(3, 1, 6, 6))


def overwrites(maps):
    """Write over what went into a ReLU and over what came out of it."""
    out = torch.relu(maps)
    kept = out * 2
    out += 1
    maps -= 3
    return torch.relu(kept - 0.3) + torch.tanh(out + maps)


def in_rows(maps):
    """Bring samples and places together in one dimension."""
    return maps.flatten(2).mT.reshape(-1, 4).sub(0.1).relu().reshape(len(maps), -1)


def places_first(maps):
    """Put the samples into the second dimension."""
    return maps.flatten(2).permute(2, 0, 1).relu().permute(1, 0, 2)


def pools_first(maps):
    """Write over what a pooling gave."""
    return functional.max_pool2d(maps, 2).relu_() + 1


@pytest.mark.parametrize("part", [overwrites, in_rows, places_first, pools_first])
def test_networks_that_go_their_own_ways_with_tensors_add_up(wrap, part):
    check(wrap(Between(part)), torch.randn(3, 1, 6, 6))


def test_a_network_that_squeezes_a_single_row_adds_up(wrap):
    class Squeezes(Between):
        def forward(self, inputs):
            return super().forward(inputs).squeeze()

    assert DeepLIFT("zero")(wrap(Squeezes(nn.ReLU())), torch.randn(3, 1, 6, 6), 0).complete.all()


def test_a_network_that_does_something_else_on_the_baseline_is_refused(wrap):
    net = Between(lambda maps: maps.relu() if float(maps.detach().sum()) > 0 else maps.tanh())
    with torch.no_grad():
        net.conv.weight.fill_(1.0)
    with pytest.raises(
        ModelError, match=r"tiny runs other operations on the baseline than on the input \(tanh .*, and then relu"
    ):
        DeepLIFT(torch.full((1, 1, 6, 6), -1.0))(wrap(net), torch.ones(2, 1, 6, 6), 0)


def test_a_short_step_through_a_smooth_function_has_a_slope_and_no_noise(wrap):
    net, rows = nn.Sequential(nn.Linear(2, 1), nn.Tanh(), nn.Linear(1, 2)), torch.tensor([[1.0, 1.0]])
    with torch.no_grad():
        net[0].weight[:], net[0].bias[:] = torch.tensor([[1.0, -1.0]]), 0.5
    start = torch.tensor([[2.0, 2.0 - 2**-22]])  # the unit moves by 2.4e-7: float32 has one digit of the quotient
    exact = DeepLIFT(start.double())(wrap(net.double(), 2), rows.double(), 1).values
    theirs = CaptumDeepLift(net.float()).attribute(rows.clone().requires_grad_(), start, target=1).detach()
    assert float((theirs.double() / exact - 1).abs().max()) > 0.01
    torch.testing.assert_close(DeepLIFT(start)(wrap(net.float(), 2), rows, 1).values.double(), exact, atol=0, rtol=1e-5)


def test_it_takes_two_passes_forward_and_one_row_of_a_shared_baseline(cnn, images):
    DeepLIFT()(cnn, images, 0)
    given = []
    cnn.net.register_forward_pre_hook(lambda _net, inputs: given.append(len(inputs[0])))
    DeepLIFT()(cnn, images, 0)
    assert sorted(given) == [1, 3]
    DeepLIFT("noise")(cnn, images, 0)
    assert given[2:] == [3, 3]


def test_several_baselines_are_averaged(cnn, images):
    several = DeepLIFT(("zero", "black"))(cnn, images, 1)
    each = torch.stack([DeepLIFT(one)(cnn, images, 1).values for one in ("zero", "black")])
    torch.testing.assert_close(several.values, each.mean(0), atol=1e-6, rtol=1e-5)
    assert several.complete.all()


def test_what_has_no_rule_is_refused_and_another_method_named(wrap, small):
    with pytest.raises(
        ModelError, match=r"Softmax in the model itself \(no rule for this operation\).*Use integrated_gradients or exp"
    ):
        DeepLIFT()(wrap(small(lambda maps: maps.softmax(1))), torch.rand(2, 1, 6, 6), 0)


def test_a_tolerance_that_makes_no_sense_is_refused(cnn, images):
    with pytest.raises(ShapeError, match="Expected a number above 0"):
        DeepLIFT(tolerance=0)(cnn, images)
