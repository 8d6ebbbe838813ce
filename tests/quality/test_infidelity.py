"""Infidelity and imputation against captum, a dense solver and what is known of linear models."""

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError, UsageError
from netlens.explain import Attribution, GradientXInput, Saliency
from netlens.explain.imputation import TOLERANCE, imputed
from netlens.models import Model
from netlens.models.architectures import MnistCNN
from netlens.quality.infidelity import Infidelity, unexplained
from netlens.quality.noise import Noise
from netlens.quality.road import ROAD, noise_of

TARGET = torch.tensor([0, 2, 1])


@pytest.fixture
def cnn():
    net = MnistCNN(size=12, classes=3).eval().double()
    return Model(net, "tiny", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))


@pytest.fixture
def images():
    return torch.rand(3, 1, 12, 12, dtype=torch.float64)


def given(values, target=TARGET):
    return Attribution(values, target, "given")


@pytest.mark.parametrize("kind", ["noise", "square"])
def test_the_gradient_of_a_linear_model_is_perfectly_faithful(kind, images):
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, 3)).double()
    model = Model(net, "linear", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))
    found = Infidelity(kind)(model, Saliency()(model, images, TARGET), images)
    assert found.own.max() < 1e-10
    assert found.random.min() > 0.5
    assert Infidelity(kind, relative=False)(model, Saliency()(model, images, TARGET), images).own.max() < 1e-10


@pytest.mark.parametrize("kind", ["noise", "square"])
def test_what_is_told_in_logits_is_read_in_logits(kind, images):
    """Gradient times input says what each pixel adds, which on a linear model is exact; read as a gradient it is not."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, 3)).double()
    model = Model(net, "linear", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))
    explained = GradientXInput()(model, images + 0.1, TARGET)
    found = Infidelity(kind)(model, explained, images + 0.1)
    assert found.params["unit"] == "logit"
    assert found.own.max() < 1e-10
    assert Infidelity(kind, unit="input")(model, explained, images + 0.1).own.min() > 0.01
    with pytest.raises(UsageError, match="there is no unit 'pixel'"):
        Infidelity(unit="pixel")(model, explained, images + 0.1)


def test_an_explanation_that_says_nothing_explains_nothing(cnn, images):
    found = Infidelity()(cnn, given(torch.zeros_like(images)), images)
    assert found.own.tolist() == [1.0] * 3
    assert found.values.tolist() == [0.0] * 3


def test_the_best_scale_is_that_of_least_squares():
    said, change = torch.rand(4, 9, dtype=torch.float64), torch.rand(9, dtype=torch.float64)
    scales = [torch.linalg.lstsq(one.unsqueeze(1), change.unsqueeze(1)).solution for one in said]
    expected = torch.stack([(scale[0] * one - change).square().mean() for scale, one in zip(scales, said, strict=True)])
    torch.testing.assert_close(unexplained(said, change, relative=False), expected)
    shares = expected / change.square().mean()
    torch.testing.assert_close(unexplained(said, change, relative=True), shares)
    assert unexplained(said, torch.zeros(9).double(), relative=True).tolist() == [0.0] * 4


@pytest.mark.parametrize("kind", ["noise", "square"])
def test_infidelity_is_captums_on_the_same_perturbations(kind, cnn, images):
    from captum.metrics import infidelity

    metric = Infidelity(kind, n_samples=20, relative=False, noise=0.3)
    values = torch.randn_like(images)
    given_ = given(values)
    if kind == "noise":
        sizes = 0.3 * (images.flatten(1).amax(1) - images.flatten(1).amin(1))
        drawn = [Noise(image, float(size), 0).take(20) for image, size in zip(images, sizes, strict=True)]
    else:
        drawn = []
        for image in images:
            along, across = metric._spans(image)
            drawn.append(image * (along.unsqueeze(2) & across.unsqueeze(1)).unsqueeze(1)[1:])
    perturbations = torch.cat(drawn)

    def perturb(inputs):
        torch.testing.assert_close(inputs, images.repeat_interleave(20, 0))
        return perturbations, inputs - perturbations

    theirs = infidelity(cnn.net, perturb, images, values, target=TARGET, n_perturb_samples=20, normalize=True)
    torch.testing.assert_close(metric(cnn, given_, images).own, theirs.detach().double(), rtol=1e-4, atol=1e-8)


def test_noise_does_not_depend_on_how_it_is_asked_for():
    row = torch.rand(2, 3)
    whole, parts = Noise(row, 0.5, 1), Noise(row, 0.5, 1)
    expected = whole.take(21)
    torch.testing.assert_close(torch.cat([parts.take(count) for count in (1, 4, 11, 5)]), expected)
    drawn = Noise(row, 0.5, 1).take(4000)
    assert abs(float(drawn.std()) - 0.5) < 0.02
    assert abs(float(drawn.mean())) < 0.02


@pytest.mark.parametrize("shape", [(3, 6), (3, 6, 4)])
def test_noise_serves_tables_and_sequences(shape):
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(torch.tensor(shape[1:]).prod()), 3)).double()
    model = Model(net, "linear", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))
    rows = torch.rand(shape, dtype=torch.float64)
    found = Infidelity()(model, Saliency()(model, rows, TARGET), rows)
    assert found.own.max() < 1e-10
    assert found.random.min() > 0.1
    with pytest.raises(ShapeError, match="squares of side None were asked"):
        Infidelity("square")(model, Saliency()(model, rows, TARGET), rows)
    with pytest.raises(UsageError, match="there is no perturbation 'squares'"):
        Infidelity("squares")(model, Saliency()(model, rows, TARGET), rows)


def dense(image, hidden):
    """Solve the equations of one copy one by one: each hidden pixel is the weighted mean of the neighbours that it has."""
    height, width = hidden.shape
    places = [(row, column) for row in range(height) for column in range(width) if hidden[row, column]]
    number = {place: index for index, place in enumerate(places)}
    matrix = torch.zeros(len(places), len(places), dtype=torch.float64)
    right = torch.zeros(len(places), len(image), dtype=torch.float64)
    for (row, column), index in number.items():
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                other = row + down, column + across
                if (down, across) == (0, 0) or not (0 <= other[0] < height and 0 <= other[1] < width):
                    continue
                weight = 1 / 6 if 0 in (down, across) else 1 / 12
                matrix[index, index] += weight
                if other in number:
                    matrix[index, number[other]] -= weight
                else:
                    right[index] += weight * image[:, other[0], other[1]]
    filled = image.clone()
    for place, values in zip(places, torch.linalg.solve(matrix, right), strict=True):
        filled[:, place[0], place[1]] = values
    return filled


def test_imputed_pixels_solve_the_equations():
    image = torch.rand(2, 9, 7, dtype=torch.float64)
    hidden = torch.stack([torch.rand(1, 9, 7) < share for share in (0.0, 0.1, 0.5, 0.95)])
    hidden[3, 0, 0, 0] = False
    found = imputed(image, hidden)
    for copy, mask in zip(found, hidden, strict=True):
        torch.testing.assert_close(copy, dense(image, mask[0]), atol=2e-3, rtol=0)
        assert torch.equal(copy[:, ~mask[0]], image[:, ~mask[0]])


@pytest.fixture
def holes():
    """Nested sets of pixels of a 24 x 20 image: scattered ones, and large holes; all but one; everything."""
    rough = torch.rand(1, 1, 32, 28)
    orders = torch.cat([torch.rand(1, 1, 24, 20), nn.functional.avg_pool2d(rough, 9, 1)])
    places = orders.flatten(1).argsort(1).argsort(1).view(2, 1, 24, 20)
    return torch.cat([places < share * 480 for share in (0.1, 0.5, 0.9, 479 / 480, 1.0)])


def test_the_error_is_below_the_tolerance_whatever_the_holes_look_like(holes):
    image = nn.functional.avg_pool2d(torch.rand(1, 1, 28, 24), 5, 1)[0]
    extent = float(image.max() - image.min())
    for copy, mask in zip(imputed(image, holes)[:-2], holes[:-2], strict=True):
        missed = (copy - dense(image.double(), mask[0]))[:, mask[0]]
        assert float(missed.square().mean().sqrt()) < TOLERANCE * extent
        assert float(missed.abs().max()) < 4 * TOLERANCE * extent


def test_what_becomes_of_a_copy_depends_neither_on_the_others_nor_on_the_offset(holes):
    image = torch.rand(2, 24, 20)
    together = imputed(image, holes)
    for copy, mask in zip(together, holes, strict=True):
        torch.testing.assert_close(imputed(image, mask.unsqueeze(0))[0], copy, rtol=0, atol=2e-6)
    shifted = imputed(image.double() * 3 + 40, holes)
    torch.testing.assert_close(shifted, imputed(image.double(), holes) * 3 + 40, rtol=0, atol=1e-6)


def test_the_layout_of_the_image_does_not_matter():
    image = torch.rand(1, 3, 9, 7)
    hidden = torch.rand(4, 1, 9, 7) < 0.6
    other = image.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(imputed(other[0], hidden), imputed(image[0], hidden))


def test_a_plane_is_continued_and_what_is_wholly_hidden_is_the_mean():
    plane = torch.full((1, 8, 8), 0.7, dtype=torch.float64)
    inner = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    inner[..., 2:6, 1:7] = True
    torch.testing.assert_close(imputed(plane, inner)[0], plane)
    image = torch.rand(2, 8, 8)
    everything = imputed(image, torch.ones(1, 1, 8, 8, dtype=torch.bool))[0]
    torch.testing.assert_close(everything, image.mean((1, 2), keepdim=True).expand(2, 8, 8))


def test_the_noise_has_the_size_that_is_said():
    image = 3 * torch.rand(1, 64, 64)
    drawn = noise_of(image, 0.1, 0)
    assert abs(float(drawn.std() / (image.max() - image.min())) - 0.1) < 0.005
    assert torch.equal(drawn, noise_of(image, 0.1, 0))


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_road_is_that_of_one_dense_system_a_copy(noise):
    """Oblong images of two channels, each copy filled by solving its equations one by one, and asked alone."""
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 7 * 4, 3)).double().eval()
    model = Model(net, "oblong", ("a", "b", "c"), Preprocess((0.0,) * 2, (1.0,) * 2))
    images, values = torch.randn(3, 2, 9, 6, dtype=torch.float64), torch.randn(3, 2, 9, 6, dtype=torch.float64)
    found = ROAD(6, 1, noise=noise, output="logit")(model, given(values), images).curves[0]
    for row, image in enumerate(images):
        order = values[row].sum(0).flatten().argsort(descending=True)
        for step, line in enumerate(found.own[row]):
            hidden = torch.zeros(54, dtype=torch.bool)
            hidden[order[: step * 9]] = True
            hidden = hidden.view(9, 6)
            filled = dense(image, hidden) if step < 6 else image.mean((1, 2), keepdim=True).expand_as(image)
            filled = filled + hidden * noise_of(image, noise, 0)
            with torch.no_grad():
                assert float(net(filled[None])[0, TARGET[row]]) == pytest.approx(float(line), abs=2e-3)


def test_road_asks_for_images():
    net = nn.Linear(4, 3)
    model = Model(net, "table", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))
    with pytest.raises(ShapeError, match="imputation was asked of inputs shaped"):
        ROAD()(model, given(torch.zeros(3, 4)), torch.rand(3, 4))
    channels = torch.arange(2).view(1, 2, 1, 1)
    images = torch.rand(1, 2, 12, 12)
    two = Model(nn.Sequential(nn.Flatten(), nn.Linear(288, 3)), "two", ("a", "b", "c"), Preprocess((0.0,) * 2, (1.0,) * 2))
    with pytest.raises(ShapeError, match="the features differ between channels"):
        ROAD(features=channels)(two, given(torch.rand(1, 2, 12, 12), torch.zeros(1, dtype=torch.int64)), images)
