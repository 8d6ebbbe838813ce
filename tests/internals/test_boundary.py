"""Where networks change their mind: closed forms on linear models, and two ways that must agree on others."""

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError, UsageError
from netlens.internals.boundary import _exact, boundary
from netlens.internals.boundary_distance import boundary_distance
from netlens.internals.linear_regions import Region, clipped, linear_regions, winners
from netlens.internals.plane import plane_of
from netlens.models.model import Model


def model(net, classes=2):
    return Model(net, "m", tuple("abcdef"[:classes]), Preprocess((0.0,), (1.0,)))


def line():
    """Class b where 3 x + 4 y > 5."""
    net = nn.Linear(2, 2)
    with torch.no_grad():
        net.weight.copy_(torch.tensor([[0.0, 0.0], [3.0, 4.0]]))
        net.bias.copy_(torch.tensor([0.0, -5.0]))
    return model(nn.Sequential(net))


class Skipping(nn.Module):
    """Linear layers and ReLUs that do not run one after another."""

    def __init__(self):
        super().__init__()
        self.one, self.relu, self.two = nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)

    def forward(self, inputs):
        return self.two(self.relu(self.one(inputs)) + inputs)


def mlp(units=12, classes=3):
    return model(
        nn.Sequential(nn.Linear(2, units), nn.ReLU(), nn.Linear(units, units), nn.LeakyReLU(0.1), nn.Linear(units, classes)),
        classes,
    )


SQUARE = torch.tensor([[-2.0, -2.0], [2.0, 2.0], [0.0, 0.5], [1.0, -1.0]])


@pytest.mark.parametrize("exact", [True, False])
def test_the_boundary_of_a_linear_model_is_its_line(exact):
    found = boundary(line(), SQUARE, exact=exact, grid=40)
    assert len(found.segments) > 0
    off = (found.segments @ torch.tensor([3.0, 4.0]).double() - 5).abs() / 5
    assert off.max() <= (1e-12 if exact else 2 * found.tolerance)
    assert found.tolerance == (0 if exact else pytest.approx(1e-6 * 5.2))
    length = (found.segments[:, 0] - found.segments[:, 1]).norm(dim=1).sum()
    assert length == pytest.approx(_chord(found.window), rel=1e-5)
    assert found.pairs.unique().tolist() == [0, 1]
    assert (found.regions is None) == (not exact)


def _chord(window):
    """How long 3 x + 4 y = 5 is inside a window."""
    left, right, bottom, top = window
    ends = [(x, (5 - 3 * x) / 4) for x in (left, right)] + [((5 - 4 * y) / 3, y) for y in (bottom, top)]
    inside = [torch.tensor(p) for p in ends if left - 1e-9 <= p[0] <= right + 1e-9 and bottom - 1e-9 <= p[1] <= top + 1e-9]
    return float((inside[0] - inside[1]).norm())


@pytest.mark.parametrize("seed", range(3))
def test_the_exact_boundary_and_the_bisected_one_agree(seed):
    torch.manual_seed(seed)
    network = mlp()
    one, other = (boundary(network, SQUARE, exact=exact, grid=60) for exact in (True, False))
    assert one.regions is not None
    assert len(one.regions) > 10
    assert torch.equal(one.classes, other.classes)
    ends = other.segments[:, 0]
    start, end = one.segments[:, 0], one.segments[:, 1]
    along = end - start
    share = ((ends[:, None] - start) * along).sum(2) / along.square().sum(1)
    nearest = start + share.clamp(0, 1)[..., None] * along
    assert (ends[:, None] - nearest).norm(dim=2).min(1).values.max() < 1e-4


def test_on_the_exact_boundary_two_logits_are_equal_and_no_other_is_larger():
    network = mlp(classes=4)
    found = boundary(network, SQUARE)
    for ends in found.segments.unbind(1):
        logits = network.net.double()(ends)
        network.net.float()
        two = logits.gather(1, found.pairs)
        assert torch.allclose(two[:, 0], two[:, 1], atol=1e-8)
        assert (logits.amax(1) - two[:, 0]).max() < 1e-8


def test_the_pieces_cover_the_window_once_and_are_linear():
    network = mlp()
    plane = plane_of(SQUARE)
    pieces = linear_regions(network, plane, (-2.0, 2.0, -1.0, 1.0))
    area = sum(_area(one.corners) for one in pieces)
    assert area == pytest.approx(8, rel=1e-9)
    assert sum(_area(corners) for one in pieces for _, corners in winners(one)) == pytest.approx(8, rel=1e-9)
    net = network.net.double()
    for one in pieces:
        inside = one.corners.mean(0)
        assert torch.allclose(net(inside[None])[0], one.slope @ inside + one.offset, atol=1e-9)
        slope = torch.autograd.functional.jacobian(lambda at: net(at[None])[0], inside)
        assert torch.allclose(slope, one.slope, atol=1e-9)


def _area(corners):
    x, y = corners.T
    return float((x * y.roll(-1) - y * x.roll(-1)).sum().abs() / 2)


def test_an_island_between_the_points_of_the_grid_is_found_exactly():
    """A peak of width 0.02 in the middle: class b only there."""
    net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    with torch.no_grad():
        net[0].weight.copy_(torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]]))
        net[0].bias.copy_(torch.full((4,), -0.03))
        net[2].weight.copy_(torch.tensor([[0.0] * 4, [-1.0] * 4]))
        net[2].bias.copy_(torch.tensor([0.0, 0.001]))
    corners = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    assert len(boundary(model(net), corners, grid=20, exact=False).segments) == 0
    assert len(boundary(model(net), corners, grid=20).segments) >= 4


def test_a_network_that_is_no_chain_is_bisected():
    network = model(Skipping())
    found = boundary(network, SQUARE, grid=30)
    assert found.regions is None
    assert found.tolerance > 0


@pytest.mark.parametrize(
    "net",
    [nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)), nn.Sequential(nn.Linear(2, 3), nn.GELU(), nn.Linear(3, 2))],
)
def test_a_network_with_curves_is_bisected_to_the_tolerance(net):
    network = model(net)
    found = boundary(network, 4 * SQUARE, grid=30)
    assert found.regions is None
    if len(found.segments):
        logits = network.net.double()(found.segments[:, 0])
        slope = torch.autograd.functional.jacobian(lambda at: net(at)[:, 1] - net(at)[:, 0], found.segments[:1, 0])[0, 0].norm()
        assert (logits[0, 1] - logits[0, 0]).abs() <= 3 * found.tolerance * slope + 1e-6


def test_images_get_the_plane_through_three_of_them():
    images = torch.randn(3, 1, 4, 4)
    network = model(nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 3)), 3)
    found = boundary(network, images, grid=20)
    assert found.plane.kind == "three samples"
    assert found.regions is not None
    assert found.off.max() < 1e-6
    assert torch.allclose(found.plane.at(found.points), images.double(), atol=1e-6)
    assert torch.allclose(
        torch.cdist(found.points, found.points), torch.cdist(images.flatten(1), images.flatten(1)).double(), atol=1e-5
    )
    assert found.agreement == 1
    assert torch.equal(found.slice_answers, network.logits(images).argmax(1))


def test_tables_get_their_principal_plane_and_what_it_leaves_out():
    draw = torch.randn(200, 5) * torch.tensor([3.0, 2.0, 1.0, 0.5, 0.1])
    network = model(nn.Sequential(nn.Linear(5, 2)))
    found = boundary(network, draw, grid=10)
    axes = found.plane.axes
    assert found.plane.kind == "principal components"
    values, vectors = torch.linalg.eigh(draw.double().T.cov())
    assert torch.allclose((axes @ vectors[:, -2:]).abs().sum(0), torch.ones(2).double(), atol=1e-3)
    assert found.plane.explained == pytest.approx(float(values[-2:].sum() / values.sum()), rel=1e-6)
    shadow = draw.double() - draw.double().mean(0)
    assert torch.allclose(found.off, (shadow - shadow @ axes.T @ axes).norm(dim=1), atol=1e-9)
    assert found.agreement == float((found.answers == found.slice_answers).double().mean())


@pytest.mark.parametrize(
    ("inputs", "kind", "said"),
    [
        (torch.zeros(0, 2), None, r"the inputs are \(0, 2\)"),
        (torch.zeros(3, 2, dtype=torch.long), None, r"the inputs are \(3, 2\) torch.int64"),
        (torch.full((3, 2), torch.nan), None, "the inputs hold NaN"),
        (torch.randn(4, 3), "inputs", r"an input has 3 numbers\. Expected 2, or another kind"),
        (torch.randn(2, 3), "three samples", "there are 2 samples"),
        (torch.arange(9.0).view(3, 3), "three samples", "the three samples lie on one line"),
        (torch.ones(4, 5), None, "the samples lie on one line"),
        (torch.randn(4, 5), None, r"it does not run on inputs"),
    ],
)
def test_a_plane_that_cannot_be_laid_is_told(inputs, kind, said):
    with pytest.raises(ShapeError, match=said):
        boundary(line(), inputs, plane=kind)


@pytest.mark.parametrize("given", [{"grid": 1}, {"room": -1}, {"tolerance": 0}])
def test_numbers_out_of_range_are_told(given):
    with pytest.raises(UsageError, match=r"^boundary: grid is .*Expected a grid of 2"):
        boundary(line(), SQUARE, **given)


def test_clipping_a_square():
    corners = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]]).double()
    assert _area(clipped(corners, corners @ torch.tensor([1.0, 1.0]).double() - 1)) == pytest.approx(0.5)
    assert clipped(corners, torch.full((4,), -1.0)).shape == (0, 2)


def test_the_distance_of_a_linear_model_by_its_formula():
    inputs = torch.randn(6, 2)
    ways = torch.tensor([[3.0, 4.0], [-3.0, -4.0], [1.0, 0.0], [4.0, -3.0]])
    found = boundary_distance(line(), inputs, ways, limit=20.0)
    value = inputs @ torch.tensor([3.0, 4.0]) - 5
    slope = (ways / ways.norm(dim=1, keepdim=True)) @ torch.tensor([3.0, 4.0])
    by_hand = -value[:, None] / slope
    by_hand = torch.where((by_hand > 0) & (slope != 0), by_hand, torch.inf)
    assert torch.equal(found.distance.isinf(), by_hand.isinf())
    seen = by_hand.isfinite()
    assert (found.distance[seen] - by_hand[seen]).abs().max() < found.tolerance + 1e-5
    assert torch.equal(found.becomes[seen], 1 - line().logits(inputs).argmax(1)[:, None].expand_as(by_hand)[seen])
    assert (found.becomes[~seen] == -1).all()


@pytest.mark.parametrize(
    ("ways", "given", "error", "said"),
    [
        (torch.ones(1, 3), {}, ShapeError, r"the directions are \(1, 3\)"),
        (torch.zeros(1, 2), {}, ShapeError, "a direction has no length"),
        (torch.ones(1, 2), {"limit": 0}, UsageError, "limit is 0"),
        (torch.ones(1, 2), {"steps": 0}, UsageError, "steps 0"),
    ],
)
def test_directions_that_are_none_are_told(ways, given, error, said):
    with pytest.raises(error, match=said):
        boundary_distance(line(), torch.zeros(1, 2), ways, **{"limit": 1.0} | given)


def test_the_network_is_left_as_it_was():
    network = mlp()
    network.net.train()
    before = {key: value.clone() for key, value in network.net.state_dict().items()}
    boundary(network, SQUARE, grid=10)
    assert network.net.training
    assert all(torch.equal(value, before[key]) for key, value in network.net.state_dict().items())


class Floored(nn.Module):
    """A linear layer behind a bend that is no module: on the middle of a window of positive inputs it does not show."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, inputs):
        return self.fc(inputs.clamp(min=0))


def test_a_bend_that_no_module_makes_is_not_taken_for_a_linear_network():
    net = Floored()
    with torch.no_grad():
        net.fc.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, -1.0]]))
        net.fc.bias.copy_(torch.tensor([0.0, 0.5]))
    points = torch.tensor([[-1.0, -1.0], [2.0, 2.0], [-1.0, 2.0]])
    found = boundary(model(net), points, grid=40)
    assert found.regions is None
    assert found.tolerance > 0


def test_corners_that_lie_on_one_edge_give_all_of_it():
    """A corner in the middle of an edge, listed first: the edge goes from one end to the other."""
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    region = Region(corners, torch.tensor([[0.0, 1.0], [0.0, 0.0]], dtype=torch.float64), torch.zeros(2, dtype=torch.float64))
    segments, pairs = _exact([region])
    assert pairs.tolist() == [[0, 1]]
    assert sorted(segments[0, :, 0].tolist()) == [-1, 1]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_network_in_another_precision_has_a_boundary(dtype):
    one = line()
    one.net.to(dtype)
    found = boundary(one, SQUARE, grid=40)
    off = (found.segments @ torch.tensor([3.0, 4.0]).double() - 5).abs() / 5
    assert off.max() < (0.1 if dtype == torch.bfloat16 else 1e-12)
    way = torch.tensor([[0.6, 0.8]])
    distance = boundary_distance(one, torch.zeros(1, 2), way, limit=2.0).distance
    assert distance.item() == pytest.approx(1, abs=0.02)
