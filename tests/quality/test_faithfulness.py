"""Curves against what can be computed by hand on linear models, and against random rankings."""

import dataclasses

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError, UsageError
from netlens.explain import Attribution, GradientXInput, KernelSHAP
from netlens.models import Model
from netlens.models.architectures import MnistCNN
from netlens.quality.answers import answering
from netlens.quality.correlation import FaithfulnessCorrelation, pearson
from netlens.quality.draws import positions, row_generator
from netlens.quality.faithfulness import Deletion, Insertion, PixelFlipping
from netlens.quality.infidelity import Infidelity
from netlens.quality.road import ROAD
from netlens.seeding import generator

CURVES = (Deletion, Insertion, PixelFlipping, ROAD)
EVERY = (*CURVES, FaithfulnessCorrelation, Infidelity)
TARGET = torch.tensor([0, 2, 1, 1])


@pytest.fixture
def linear():
    """A linear model of images (N, 1, 6, 6) in float64, whose best ranking is known: by weight times input."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).double()
    return Model(net, "linear", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))


@pytest.fixture
def images():
    return torch.rand(4, 1, 6, 6, dtype=torch.float64)


@pytest.fixture
def parts(linear, images):
    """What each pixel adds to the logit, (N, 36), and the logit of an empty image, (N,)."""
    layer = linear.net[1]
    return (layer.weight[TARGET] * images.flatten(1)).detach(), layer.bias[TARGET].detach()


def given(values, target=TARGET, **others):
    return Attribution(values, target, "given", **others)


def falling(parts, bias, order):
    """The logit while pixels vanish in an order: (N, 37)."""
    gone = torch.cat([torch.zeros(len(parts), 1), parts.gather(1, order).cumsum(1)], 1)
    return parts.sum(1, keepdim=True) + bias.unsqueeze(1) - gone


def test_the_deletion_area_of_a_linear_model_is_computable_by_hand(linear, images, parts):
    line = falling(*parts, parts[0].argsort(1, descending=True))
    found = Deletion(36, replacement="zero", output="logit")(linear, GradientXInput()(linear, images, TARGET), images)
    torch.testing.assert_close(found.own, (line[:, :-1] + line[:, 1:]).sum(1) / 72)
    torch.testing.assert_close(found.curves[0].own, line)
    torch.testing.assert_close(found.values, found.random - found.own)
    torch.testing.assert_close(found.random, torch.trapezoid(found.curves[0].random, found.curves[0].share))


def test_the_insertion_area_of_a_linear_model_is_computable_by_hand(linear, images, parts):
    line = falling(*parts, parts[0].argsort(1)).flip(1)
    found = Insertion(36, replacement="zero", output="logit")(linear, GradientXInput()(linear, images, TARGET), images)
    torch.testing.assert_close(found.curves[0].own, line)
    torch.testing.assert_close(found.own, torch.trapezoid(line, dx=1 / 36))
    torch.testing.assert_close(found.values, found.own - found.random)


def test_pixel_flipping_of_a_linear_model_is_computable_by_hand(linear, images):
    weight = linear.net[1].weight[TARGET].detach()
    flat = images.flatten(1)
    changes = weight * (2 * flat - flat.amin(1, keepdim=True) - flat.amax(1, keepdim=True))
    line = falling(changes, torch.zeros(4), changes.argsort(1, descending=True))
    found = PixelFlipping(36)(linear, given(changes.view(images.shape)), images)
    torch.testing.assert_close(found.own, line[:, 0] - line.mean(1))


def test_no_ranking_beats_the_known_one_on_a_linear_model(linear, images, parts):
    best = Deletion(36, replacement="zero", output="logit")(linear, given(parts[0].view(images.shape)), images).own
    for _ in range(5):
        other = Deletion(36, replacement="zero", output="logit")(linear, given(torch.rand(images.shape)), images).own
        assert (other > best).all()


def test_opposite_rankings_have_opposite_gaps_on_a_linear_model(linear, images, parts):
    """A random ranking falls in a straight line on average; with the exact line in place of draws the gaps are opposite."""
    straight = parts[0].sum(1) / 2 + parts[1]
    areas = [
        Deletion(36, replacement="zero", output="logit")(linear, given(sign * parts[0].view(images.shape)), images).own
        for sign in (1, -1)
    ]
    torch.testing.assert_close(straight - areas[0], areas[1] - straight)


def test_the_logit_of_a_linear_model_falls_by_what_the_hidden_sets_add_up_to(linear, images):
    found = FaithfulnessCorrelation(replacement="zero")(linear, GradientXInput()(linear, images, TARGET), images)
    torch.testing.assert_close(found.own, torch.ones(4, dtype=torch.float64))
    assert (found.random.abs() < 0.4).all()
    opposed = given(-GradientXInput()(linear, images, TARGET).values)
    torch.testing.assert_close(
        FaithfulnessCorrelation(replacement="zero")(linear, opposed, images).own, -torch.ones(4, dtype=torch.float64)
    )


def test_pearson_is_that_of_the_reference():
    one, other = torch.rand(7, 20, dtype=torch.float64), torch.rand(7, 20, dtype=torch.float64)
    expected = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(one, other, strict=True)])
    torch.testing.assert_close(pearson(one, other), expected)
    assert pearson(torch.full((3,), 0.1), torch.rand(3)) == 0


@pytest.mark.parametrize("metric", EVERY)
@pytest.mark.parametrize("values", ["constant", "drawn"])
def test_an_attribution_that_says_nothing_has_no_gap(metric, values, linear):
    """Constant values are ranked at random. The mean of 96 images lies within its 95 % interval, widened by half."""
    images = torch.rand(96, 1, 6, 6, dtype=torch.float64, generator=generator(3))
    map_ = torch.ones_like(images) if values == "constant" else torch.rand(images.shape, generator=generator(4))
    found = metric()(linear, given(map_, torch.zeros(96, dtype=torch.int64)), images)
    half = (found.high - found.low) / 2
    assert abs(found.mean) <= 1.5 * half + 1e-12
    assert found.n == len(found.values) == 96


@pytest.mark.parametrize("metric", EVERY)
def test_a_faithful_attribution_beats_random_rankings(metric, linear, images):
    values = GradientXInput()(linear, images, TARGET).values
    weights = linear.net[1].weight[TARGET].detach().view(images.shape)
    found = metric()(linear, given(weights if metric is Infidelity else values), images)
    assert found.mean > 0
    if metric is not ROAD:
        assert (found.values > 0).all()


@pytest.mark.parametrize("metric", EVERY)
def test_a_batch_gives_what_its_rows_give_and_one_seed_one_answer(metric):
    model = Model(MnistCNN(size=12, classes=3).eval(), "tiny", ("a", "b", "c"), Preprocess((0.1,), (0.3,)))
    images, values = torch.rand(3, 1, 12, 12), torch.randn(3, 1, 12, 12)
    target = torch.tensor([0, 2, 1])
    together = metric()(model, given(values, target), images)
    for row in range(3):
        alone = metric()(model, given(values[row : row + 1], target[row : row + 1]), images[row : row + 1])
        torch.testing.assert_close(alone.values[0], together.values[row], atol=1e-4, rtol=1e-3)
    torch.rand(3)
    assert torch.equal(metric()(model, given(values, target), images).values, together.values)
    assert not torch.equal(metric(seed=1)(model, given(values, target), images).random, together.random)


@pytest.mark.parametrize("metric", EVERY)
def test_the_scale_of_an_attribution_does_not_matter(metric, linear, images):
    values = torch.randn(images.shape, dtype=torch.float64)
    small, large = (metric()(linear, given(scale * values), images) for scale in (1.0, 128.0))
    torch.testing.assert_close(small.values, large.values)


@pytest.mark.parametrize("metric", CURVES)
def test_flipping_images_weights_and_values_changes_nothing(metric, linear, images):
    """The random rankings follow the input's own bytes, so only the attribution's own curve is compared."""
    values = torch.randn(images.shape, dtype=torch.float64)
    mirrored = nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).double()
    mirrored.load_state_dict(
        {
            "1.weight": linear.net[1].weight.detach().view(3, 6, 6).flip(2).reshape(3, 36),
            "1.bias": linear.net[1].bias.detach(),
        }
    )
    own = metric(output="logit", **({"noise": 0.0} if metric is ROAD else {}))
    found = own(linear, given(values), images).own
    other = own(dataclasses.replace(linear, net=mirrored), given(values.flip(3)), images.flip(3)).own
    torch.testing.assert_close(found, other, atol=1e-3 if metric is ROAD else 1e-9, rtol=1e-3 if metric is ROAD else 1e-9)


def test_several_replacements_are_averaged_and_each_keeps_its_curve(linear, images):
    values = torch.randn(images.shape)
    both = Deletion(replacement=("zero", "blur"))(linear, given(values), images)
    alone = [Deletion(replacement=one)(linear, given(values), images) for one in ("zero", "blur")]
    torch.testing.assert_close(both.values, (alone[0].values + alone[1].values) / 2)
    assert [curve.replacement for curve in both.curves] == ["zero", "blur"]
    assert torch.equal(both.curves[1].own, alone[1].curves[0].own)
    assert Deletion()(linear, given(values), images).params["replacement"] == ("black", "blur")


def test_the_passes_are_those_that_are_promised(linear, images):
    seen = []
    linear.net.register_forward_hook(lambda _module, inputs, _output: seen.append(len(inputs[0])))
    Deletion(12, n_random=2, replacement="zero")(linear, given(images), images)
    seen.clear()  # the first time, the plan for this network is made as well
    for metric, expected in (
        (Deletion(12, n_random=2, replacement="zero"), 3 * 11 + 2),
        (Insertion(12, n_random=2, replacement=("zero", "blur")), 2 * (3 * 11 + 1) + 1),
        (FaithfulnessCorrelation(30, replacement="zero"), 31),
        (Infidelity(n_samples=30), 31),
        (ROAD(6, n_random=2), 3 * 5 + 2),
    ):
        metric(linear, given(images), images)
        assert sum(seen) == 4 * expected, metric
        seen.clear()


def test_the_features_of_the_attribution_itself_are_ranked(linear, images):
    explained = KernelSHAP("grid", "zero", 128)(linear, images, TARGET)
    found = Deletion(features="own", replacement="zero", output="logit")(linear, explained, images)
    assert found.params["features"] == "own"
    grid = Deletion(features="grid", replacement="zero", output="logit")(linear, explained, images)
    torch.testing.assert_close(found.own, grid.own)
    with pytest.raises(ShapeError, match="given has none"):
        Deletion(features="own")(linear, given(images), images)


def test_the_map_of_a_layer_is_enlarged(linear, images):
    coarse = torch.rand(4, 1, 3, 3, dtype=torch.float64)
    fine = torch.nn.functional.interpolate(coarse, (6, 6), mode="bilinear", align_corners=False)
    found = [Deletion()(linear, given(values, layer="conv"), images).values for values in (coarse, fine)]
    assert torch.equal(*found)


def test_tables_are_ranked_by_column():
    net = nn.Linear(5, 2).double()
    model = Model(net, "table", ("no", "yes"), Preprocess((0.0,), (1.0,)))
    rows = torch.rand(6, 5, dtype=torch.float64)
    target = torch.ones(6, dtype=torch.int64)
    explained = GradientXInput()(model, rows, target)
    for metric in (Deletion(output="logit"), Insertion(output="logit"), FaithfulnessCorrelation(size=0.4)):
        assert metric(model, explained, rows).mean > 0
    weights = given(net.weight[1].detach().expand(6, 5), target)
    torch.testing.assert_close(Infidelity()(model, weights, rows).own, torch.zeros(6, dtype=torch.float64))


def test_sequences_are_ranked_by_step():
    """A value for each step serves as well as one for each channel of it."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(24, 2)).double()
    model = Model(net, "sequence", ("no", "yes"), Preprocess((0.0,), (1.0,)))
    rows, target = torch.rand(5, 6, 4, dtype=torch.float64), torch.ones(5, dtype=torch.int64)
    explained = GradientXInput()(model, rows, target)
    fine = Deletion(output="logit")(model, explained, rows)
    coarse = Deletion(output="logit")(model, given(explained.values.sum(2), target), rows)
    assert fine.mean > 0
    assert fine.curves[0].share[0].tolist() == pytest.approx([step / 6 for step in range(7)])
    torch.testing.assert_close(coarse.values, fine.values)


@pytest.mark.parametrize("metric", [Deletion, Insertion, PixelFlipping])
def test_a_row_with_few_features_does_not_shorten_the_curves_of_the_others(metric):
    """Texts have as many words as they have; so do images cut into superpixels."""
    model = Model(nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).eval(), "tiny", ("a", "b", "c"), Preprocess((0.1,), (0.3,)))
    images, target = torch.rand(3, 1, 6, 6), torch.tensor([0, 2, 1])
    cells = torch.arange(36).view(1, 6, 6)
    index = torch.stack([cells, cells // 18, cells // 4])  # 36, 2 and 9 features
    values = torch.randn(3, 1, 6, 6)
    together = metric(8, features=index)(model, given(values, target), images)
    for row in range(3):
        alone = metric(8, features=index[row])(model, given(values[row : row + 1], target[row : row + 1]), images[row : row + 1])
        torch.testing.assert_close(alone.values[0], together.values[row], atol=1e-5, rtol=1e-4)
    assert together.curves[0].share[1].tolist() == [0, 0.5, *[1] * 7]
    assert together.curves[0].own[1, 2:].unique().numel() == 1


@pytest.mark.parametrize("metric", [Deletion, Insertion])
def test_curves_are_those_of_one_copy_at_a_time(metric):
    """Oblong images of three channels through a network with bends, asked copy by copy."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 6 * 3, 3)).double().eval()
    model = Model(net, "oblong", ("a", "b", "c"), Preprocess((0.3, 0.4, 0.5), (0.5, 0.4, 0.3)))
    images, values = torch.randn(4, 3, 8, 5, dtype=torch.float64), torch.randn(4, 3, 8, 5, dtype=torch.float64)
    found = metric(7, replacement="black")(model, given(values), images)
    black = (-torch.tensor(model.preprocess.mean) / torch.tensor(model.preprocess.std)).double().view(3, 1)
    for row in range(4):
        order, line = values[row].sum(0).flatten().argsort(descending=True), []
        for step in range(8):
            touched = order[: round(40 * step / 7)]
            copy = images[row].flatten(1).clone() if metric is Deletion else black.expand(3, 40).clone()
            copy[:, touched] = black if metric is Deletion else images[row].flatten(1)[:, touched]
            with torch.no_grad():
                line.append(float(net(copy.view(1, 3, 8, 5)).softmax(1)[0, TARGET[row]]))
        assert found.curves[0].own[row].tolist() == pytest.approx(line, abs=1e-6)
        shares = [round(40 * step / 7) / 40 for step in range(8)]
        assert float(found.own[row]) == pytest.approx(float(torch.trapezoid(torch.tensor(line), torch.tensor(shares))), abs=1e-5)


def test_outputs_are_what_they_are_called(linear, images):
    from netlens.explain.base import asking

    logits = linear.logits(images)
    with asking(linear, images, TARGET, "test") as question:
        found = {name: answering(question, name).scores(images, TARGET).detach() for name in ("logit", "probability", "decision")}
    rows = torch.arange(4)
    torch.testing.assert_close(found["logit"].float(), logits[rows, TARGET])
    torch.testing.assert_close(found["probability"].float(), logits.softmax(1)[rows, TARGET])
    assert found["decision"].tolist() == (logits.argmax(1) == TARGET).float().tolist()
    with pytest.raises(UsageError, match="there is no output 'logits'"):
        Deletion(output="logits")(linear, given(images), images)


def test_equal_values_are_ranked_at_random_and_others_by_size():
    values = torch.tensor([0.0, 3.0, 0.0, -1.0, 0.0])
    drawn = [positions(values, 1, generator(seed))[0].tolist() for seed in range(20)]
    assert all(place[1] == 0 and place[3] == 4 for place in drawn)
    assert {tuple(place) for place in drawn} > {(1, 0, 2, 4, 3), (3, 0, 2, 4, 1)}
    rows = torch.rand(2, 5)
    assert row_generator(0, rows[0]).initial_seed() != row_generator(0, rows[1]).initial_seed()


@pytest.mark.parametrize("metric", EVERY)
@pytest.mark.parametrize(
    ("values", "said"),
    [
        (torch.full((4, 1, 6, 6), float("nan")), "hold NaN or infinite"),
        (torch.zeros(3, 1, 6, 6), r"shape \(3, 1, 6, 6\) for inputs shaped \(4, 1, 6, 6\)"),
        (torch.zeros(4, 36), r"shape \(4, 36\) for inputs"),
        (torch.zeros(4, 2, 3, 3), r"shape \(4, 2, 3, 3\) for inputs"),
    ],
)
def test_bad_attributions_are_refused(metric, values, said, linear, images):
    with pytest.raises(ShapeError, match=said):
        metric()(linear, given(values), images)


@pytest.mark.parametrize("metric", EVERY)
def test_an_explanation_that_is_zero_everywhere_has_a_value(metric, linear, images):
    found = metric()(linear, given(torch.zeros_like(images)), images)
    assert found.values.isfinite().all()
    black = metric()(linear, given(torch.zeros_like(images)), torch.zeros_like(images))
    assert black.values.abs().max() < 1e-9


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (Deletion(n_steps=1), "n_steps is 1"),
        (Deletion(n_random=0), "n_random is 0"),
        (Insertion(replacement=()), "no replacement was given"),
        (FaithfulnessCorrelation(size=0.0), "size 0.0"),
        (Infidelity(n_samples=1), "n_samples is 1"),
        (Infidelity(side=7), "squares of side 7"),
        (ROAD(noise=-1.0), "noise is -1.0"),
    ],
)
def test_bad_choices_are_refused(metric, said, linear, images):
    with pytest.raises(ShapeError, match=said):
        metric(linear, given(images), images)
