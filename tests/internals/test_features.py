"""Painted images: they must excite a unit more than any real image does; oracles where the best image is known."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ModelError, ShapeError, UsageError
from netlens.internals.canvas import Canvas, colour_matrix, frequency_scale
from netlens.internals.exciting import exciting
from netlens.internals.feature_visualisation import paint
from netlens.internals.unit import Unit, listening_to
from netlens.internals.wobble import Wobble
from netlens.models.model import Model
from netlens.seeding import generator


def model(net, classes=2, mean=(0.5,), std=(0.25,)):
    return Model(net, "m", tuple("abcdef"[:classes]), Preprocess(mean, std))


def linear(channels=1):
    """Class b likes a pattern of +1 and -1."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(64 * channels, 2, bias=False))
    pattern = torch.randn(64 * channels, generator=generator(0)).sign()
    with torch.no_grad():
        net[1].weight.copy_(torch.stack([torch.zeros_like(pattern), pattern]))
    return model(net, mean=(0.5,) * channels, std=(0.25,) * channels), pattern.view(channels, 8, 8)


REAL = torch.randn(10, 1, 8, 8, generator=generator(1)).clamp(-2, 2)


@pytest.mark.parametrize("waves", [True, False])
def test_the_best_image_of_a_linear_unit_is_its_pattern(waves):
    network, pattern = linear()
    found = paint(network, Unit(1), REAL, steps=400, rate=0.3 if waves else 0.1, waves=waves, wobble=None)
    best = 64 * 2.0  # every pixel at 0 or 1, which the network sees as -2 or 2
    assert found.values[0, 0] > 0.95 * best
    assert found.values[0, 0] < best
    agree = (found.pixels[0, 0] > 0.5) == (pattern > 0)
    assert agree.double().mean() > 0.95
    assert torch.allclose(network.logits(found.inputs[0])[:, 1], found.values[0], rtol=1e-5)


UNITS = (
    Unit(3),
    Unit(7),
    Unit(0, "conv2"),
    Unit(5, "conv2", (2, 2)),
    Unit(11, "fc1"),
    Unit(0, "fc1", direction=tuple([1.0, -1.0] * 250)),
)


def test_it_excites_every_kind_of_unit_more_than_the_best_real_image(learned, digits):
    network, _ = learned
    best = exciting(network, digits[1], UNITS, k=3)
    found = paint(network, UNITS, digits[1].all().inputs, steps=120, wobble=Wobble(0.05, 4, 0.05))
    assert (found.values[:, 0] > best.values[:, 0]).all(), (found.values[:, 0], best.values[:, 0])
    assert found.pixels.min() >= 0
    assert found.pixels.max() <= 1
    assert found.path.shape == (120, len(UNITS))


def test_the_values_are_the_networks_own(learned, digits):
    network, _ = learned
    found = paint(network, UNITS[:2], digits[1].all().inputs, n=2, steps=5)
    assert found.pixels.shape == (2, 2, 1, 8, 8)
    for place, unit in enumerate(UNITS[:2]):
        assert torch.allclose(network.logits(found.inputs[place])[:, unit.index], found.values[place], rtol=1e-4, atol=1e-4)
    assert torch.allclose(digits[1].preprocess.invert(found.inputs.flatten(0, 1)), found.pixels.flatten(0, 1), atol=1e-5)


def test_one_seed_gives_one_image_and_another_another(learned, digits):
    network, _ = learned
    like = digits[1].all().inputs
    first, again, other = (paint(network, Unit(3), like, steps=8, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first.pixels, again.pixels)
    assert not torch.equal(first.pixels, other.pixels)


def test_a_price_for_ink_gives_less_of_it(learned, digits):
    network, _ = learned
    like = digits[1].all().inputs
    plain, sparse = (paint(network, Unit(3), like, steps=80, sparse=price) for price in (0.0, 4.0))
    ground = (like.mean() * 0.3762 + 0.3054).item()
    assert (sparse.pixels - ground).abs().mean() < 0.8 * (plain.pixels - ground).abs().mean()


def test_a_price_for_likeness_gives_images_that_differ(learned, digits):
    network, _ = learned
    like = digits[1].all().inputs
    alike, diverse = (paint(network, Unit(5, "conv2"), like, n=3, steps=60, diversity=price).alike for price in (0.0, 3.0))
    assert diverse[0] < alike[0]
    assert paint(network, Unit(5, "conv2"), like, steps=1).alike.isnan().all()


def test_the_best_real_images_are_those_with_the_largest_answers(learned, digits):
    network, _ = learned
    found = exciting(network, digits[1], [Unit(4), Unit(2, "conv1", (0, 1))], k=5, rows=50)
    logits = network.logits(digits[1].all().inputs)[:, 4]
    assert found.values[0].tolist() == pytest.approx(logits.sort(descending=True).values[:5].tolist(), rel=1e-5)
    assert torch.allclose(logits[found.ids[0]], found.values[0], rtol=1e-5)
    with torch.no_grad():
        maps = network.net.conv1(digits[1].all().inputs)[:, 2, 0, 1]
    assert found.values[1].tolist() == pytest.approx(maps.sort(descending=True).values[:5].tolist(), rel=1e-4)
    assert found.mean[1].item() == pytest.approx(maps.mean().item(), rel=1e-3)
    assert found.n == 359


def test_a_channel_is_the_mean_of_its_places_and_a_direction_the_weighted_sum(learned, digits):
    network, _ = learned
    inputs = digits[1].take(4).inputs
    weights = torch.randn(32)
    units = [Unit(2, "conv1"), Unit(0, "conv1", direction=tuple(weights.tolist())), Unit(2, "conv1", (3, 4))]
    with torch.no_grad(), listening_to(network, units, "test") as listener:
        found = listener.read(inputs)
        maps = network.net.conv1(inputs)
    assert torch.allclose(found[:, 0], maps[:, 2].mean((1, 2)), atol=1e-5)
    assert torch.allclose(found[:, 1], (maps.mean((2, 3)) * weights / weights.norm()).sum(1), atol=1e-5)
    assert torch.allclose(found[:, 2], maps[:, 2, 3, 4], atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 9), (28, 28)])
def test_waves_of_numbers_are_an_image_and_long_ones_count_more(height, width):
    canvas = Canvas((1, height, width), (0.5,))
    numbers = canvas.start(3, generator(0))
    assert canvas.images(numbers).shape == (3, 1, height, width)
    assert torch.allclose(canvas.images(torch.zeros_like(numbers)), torch.full((3, 1, height, width), 0.5))
    scale = frequency_scale(height, width)
    assert scale[0, 1] == scale.max()
    assert scale[height // 2, -1] < scale[0, 1]


def test_the_ground_is_the_grey_of_zeros():
    canvas = Canvas((3, 4, 4), (0.2, 0.5, 0.7), waves=False)
    assert canvas.images(torch.zeros(1, 3, 4, 4))[0, :, 0, 0].tolist() == pytest.approx([0.2, 0.5, 0.7])


def test_colours_are_mixed_as_their_matrix_says():
    matrix = colour_matrix()
    assert matrix.norm(dim=0).max() == pytest.approx(1)
    canvas = Canvas((3, 64, 64), (0.5, 0.5, 0.5), waves=False)
    noise = torch.randn(4, 3, 64, 64, generator=generator(0))
    paint_of = torch.logit(canvas.images(noise).double()).movedim(1, 0).flatten(1)
    assert torch.allclose(paint_of.cov(), (matrix @ matrix.T).double(), atol=0.03)
    plain = replace(canvas, decorrelated=False).images(noise)
    assert torch.allclose(torch.logit(plain.double()), noise.double(), atol=1e-4)


def test_colour_images_are_painted():
    network, pattern = linear(channels=3)
    found = paint(network, Unit(1), REAL.expand(-1, 3, -1, -1), steps=150, rate=0.3, wobble=None)
    assert found.values[0, 0] > 0.85 * 2 * 192
    assert found.pixels.shape == (1, 1, 3, 8, 8)
    assert ((found.pixels[0, 0] > 0.5) == (pattern > 0)).double().mean() > 0.9


def test_no_wobble_leaves_an_image_and_a_wobble_moves_it_by_no_more_than_it_says():
    image = torch.zeros(200, 1, 21, 21)
    image[:, :, 10, 10] = 1.0
    assert torch.allclose(Wobble(0, 0, 0)(image, generator(0)), image, atol=1e-5)
    moved = Wobble(0.1, 0, 0)(image, generator(0))
    assert moved[:, :, :7].abs().max() == 0
    assert not torch.allclose(moved[0], moved[1])
    assert moved.sum((1, 2, 3)) == pytest.approx(torch.ones(200), abs=1e-4)
    line = torch.zeros(50, 1, 41, 41)
    line[:, :, 20] = 1.0
    turned = Wobble(0, 10, 0)(line, generator(0))
    rise = (turned[:, 0, :, -1].argmax(1) - 20).abs().max()
    assert 1 <= rise <= 20 * math.tan(math.radians(10)) + 1


def test_a_preprocessing_that_says_no_range_takes_that_of_the_images():
    network, _ = linear()
    bare = replace(network, preprocess=lambda raw: raw)
    found = paint(bare, Unit(1), REAL, steps=60, rate=0.3, wobble=None)
    assert found.inputs.min() >= REAL.min()
    assert found.inputs.max() <= REAL.max()


def test_half_precision_is_painted_in(learned, digits):
    network = replace(learned[0], net=nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).bfloat16())
    found = paint(network, Unit(3), digits[1].all().inputs, steps=20)
    assert found.values.dtype == torch.float32
    assert found.path[-1, 0] > found.path[0, 0]


def test_the_network_is_left_as_it_was(learned, digits):
    network, _ = learned
    before = {key: value.clone() for key, value in network.net.state_dict().items()}
    grads = [part.grad for part in network.net.parameters()]
    state = torch.are_deterministic_algorithms_enabled()
    paint(network, UNITS[:3], digits[1].take(5).inputs, steps=2)
    assert torch.are_deterministic_algorithms_enabled() == state
    assert all(torch.equal(value, before[key]) for key, value in network.net.state_dict().items())
    assert all(part.grad is grad and part.requires_grad for part, grad in zip(network.net.parameters(), grads, strict=True))
    assert not any(module._forward_hooks for module in network.net.modules())


@pytest.mark.parametrize(
    ("unit", "error", "said"),
    [
        (Unit(10), ShapeError, r"there is no class 10\. Expected 10 units, counted from 0, in the logits"),
        (Unit(32, "conv1"), ShapeError, r"there is no conv1 unit 32\. Expected 32 units"),
        (Unit(0, "conv1", (8, 0)), ShapeError, r"there is no place \(8, 0\) in conv1\. Expected indices below \(8, 8\)"),
        (Unit(0, "conv1", (1,)), ShapeError, r"there is no place \(1,\)"),
        (Unit(0, "fc1", direction=(1.0, 2.0)), ShapeError, r"there is no fc1 direction\. Expected 500 units"),
        (Unit(0, "conv9"), ModelError, r"learned has no layer 'conv9'\. Did you mean"),
    ],
)
def test_a_unit_that_does_not_exist_is_told(learned, digits, unit, error, said):
    for ask in (
        lambda: paint(learned[0], unit, digits[1].take(2).inputs, steps=1),
        lambda: exciting(learned[0], digits[1], [unit]),
    ):
        with pytest.raises(error, match=said):
            ask()


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"like": torch.zeros(0, 1, 8, 8)}, ShapeError, r"the real inputs are \(0, 1, 8, 8\)"),
        ({"like": torch.zeros(2, 64)}, ShapeError, r"the real inputs are \(2, 64\)"),
        ({"like": torch.zeros(2, 1, 8, 8, dtype=torch.long)}, ShapeError, r"torch.int64"),
        ({"like": torch.full((2, 1, 8, 8), torch.nan)}, ShapeError, "hold NaN"),
        ({"like": torch.zeros(2, 3, 8, 8)}, ShapeError, r"learned does not run on inputs"),
        ({"units": ()}, ShapeError, "no unit was given"),
        ({"n": 0}, UsageError, r"n is 0\. Expected at least 1"),
        ({"steps": 0}, UsageError, "steps is 0"),
        ({"sparse": -1.0}, UsageError, "sparse is -1"),
        ({"rate": 0.0}, UsageError, "rate is 0"),
    ],
)
def test_what_cannot_be_painted_is_told(learned, given, error, said):
    network = replace(learned[0], preprocess=lambda raw: raw) if "like" in given else learned[0]
    with pytest.raises(error, match=said):
        paint(network, **{"units": Unit(0), "like": torch.rand(2, 1, 8, 8), "steps": 1} | given)


def test_too_many_real_images_are_told(learned, digits):
    with pytest.raises(ShapeError, match=r"360 samples were asked for\. Expected 1 to 359"):
        exciting(learned[0], digits[1], [Unit(0)], k=360)
