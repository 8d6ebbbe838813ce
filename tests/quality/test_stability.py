"""Sensitivity, stability and complexity against closed forms, captum and planted instability."""

import math
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError, UsageError
from netlens.explain import Attribution, GradCAM, GradientXInput, KernelSHAP, Saliency, SmoothGrad
from netlens.models import Model
from netlens.models.architectures import MnistCNN
from netlens.quality.base import interval, pixelwise
from netlens.quality.complexity import EffectiveSize, Entropy, Sparseness
from netlens.quality.copies import nearby
from netlens.quality.sensitivity import AverageSensitivity, MaxSensitivity
from netlens.quality.stability import NoiseStability, SeedStability, ShiftStability, reseeded, shifted
from netlens.seeding import generator

TARGET = torch.tensor([0, 2, 1])
ASKING = (MaxSensitivity, AverageSensitivity, NoiseStability, ShiftStability)


@pytest.fixture
def linear():
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, 3)).double()
    return Model(net, "linear", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))


@pytest.fixture
def cnn():
    return Model(MnistCNN(size=12, classes=3).eval(), "tiny", ("a", "b", "c"), Preprocess((0.1,), (0.3,)))


@pytest.fixture
def images():
    return torch.rand(3, 1, 12, 12, dtype=torch.float64)


@dataclass(frozen=True)
class Given:
    """A method whose values are a function of the inputs."""

    name: ClassVar[str] = "given"
    function: object

    def __call__(self, _model, inputs, target=None):
        return Attribution(self.function(inputs), torch.as_tensor(target), self.name)


def test_the_gradient_of_a_linear_model_is_not_sensitive(linear, images):
    for metric in (MaxSensitivity(), AverageSensitivity()):
        assert metric(linear, Saliency(), images).values.tolist() == [0.0] * 3
    assert NoiseStability()(linear, Saliency(), images).values.tolist() == pytest.approx([1.0] * 3)


def test_the_sensitivity_of_gradient_times_input_is_computable_by_hand(linear, images):
    weight = linear.net[1].weight[TARGET].detach().view(3, 1, 12, 12)
    points = nearby(images, 0.05, 6, 4)
    assert ((points - images.unsqueeze(1)).abs().flatten(1).amax(1) <= 0.05).all()
    moved = (weight.unsqueeze(1) * (points - images.unsqueeze(1))).flatten(2).norm(dim=2)
    expected = moved / (weight * images).flatten(1).norm(dim=1, keepdim=True)
    found = MaxSensitivity(0.05, 6, 4)(linear, GradientXInput(), images, TARGET)
    torch.testing.assert_close(found.values, expected.amax(1), rtol=1e-5, atol=1e-8)
    found = AverageSensitivity(0.05, 6, 4)(linear, GradientXInput(), images, TARGET)
    torch.testing.assert_close(found.values, expected.mean(1), rtol=1e-5, atol=1e-8)


def test_the_largest_sensitivity_is_captums_on_the_same_points(cnn, images):
    from captum.attr import Saliency as Gradient
    from captum.metrics import sensitivity_max

    images = images.float()
    points = nearby(images, 0.1, 5, 0)

    def gradient(inputs, target):
        points = inputs[0].detach().requires_grad_()
        return (Gradient(cnn.net).attribute(points, target, abs=False),)

    theirs = sensitivity_max(
        gradient, images, perturb_func=lambda _inputs, _radius: (points.flatten(0, 1),), n_perturb_samples=5, target=TARGET
    )
    ours = MaxSensitivity(0.1, 5)(cnn, Saliency(), images, TARGET)
    torch.testing.assert_close(ours.values.float(), theirs, rtol=1e-4, atol=1e-6)


def test_a_method_that_answers_at_random_is_not_stable(cnn, images):
    loose = Given(lambda inputs: torch.rand(inputs.shape))
    for metric in (NoiseStability(), ShiftStability()):
        assert metric(cnn, loose, images, TARGET).values.abs().max() < 0.3
    assert MaxSensitivity()(cnn, loose, images, TARGET).values.min() > 0.3


def test_an_explanation_that_follows_the_image_is_stable_under_shifts(cnn, images):
    following = Given(lambda inputs: inputs)
    assert ShiftStability(2)(cnn, following, images, TARGET).values.tolist() == pytest.approx([1.0] * 3)
    staying = Given(lambda inputs: torch.arange(144.0).remainder(7).view(1, 1, 12, 12).expand(inputs.shape))
    assert ShiftStability()(cnn, staying, images, TARGET).values.max() < 0.9


def test_what_moves_in_continues_the_edge():
    image = torch.arange(9.0).view(1, 1, 3, 3)
    assert shifted(image, 0, 1, 1)[0, 0].tolist() == [[0, 0, 1], [3, 3, 4], [6, 6, 7]]
    assert shifted(image, -1, 0, 1)[0, 0].tolist() == [[3, 4, 5], [6, 7, 8], [6, 7, 8]]


def test_the_background_is_left_out_unless_asked_for(cnn):
    """The values agree on the black background only: compared as a whole they look stable."""
    images = torch.zeros(2, 1, 12, 12)
    images[..., 4:8, 4:8] = 0.5 + 0.5 * torch.rand(2, 1, 4, 4)
    fixed = torch.linspace(-1, 1, 144).view(1, 1, 12, 12)
    loose = Given(lambda inputs: torch.where(images[:1] > 0, 0.3 * torch.rand(inputs.shape), fixed))
    narrow, whole = (NoiseStability(whole=whole)(cnn, loose, images, 0).mean for whole in (False, True))
    assert narrow < 0.5 < 0.8 < whole


def test_more_samples_make_seeds_agree(cnn, images):
    few, many = (SeedStability()(cnn, SmoothGrad(count, noise=0.5), images.float(), TARGET).mean for count in (2, 100))
    assert few < many
    assert many > 0.85


def test_an_exact_method_agrees_with_itself_whatever_the_seed(linear, images):
    found = SeedStability()(linear, KernelSHAP(torch.arange(144).view(1, 12, 12) // 24, n_samples=64), images, TARGET)
    assert found.values.tolist() == pytest.approx([1.0] * 3)
    assert [one.seed for one in reseeded(SmoothGrad(seed=5), 3, "test")] == [5, 6, 7]


def test_seeds_are_asked_of_sampling_methods_only(cnn, images):
    with pytest.raises(UsageError, match="saliency draws no samples"):
        SeedStability()(cnn, Saliency(), images)


@pytest.mark.parametrize("metric", ASKING)
@pytest.mark.parametrize("explainer", [Saliency(), GradCAM("pool1"), SmoothGrad(3)], ids=lambda one: one.name)
def test_a_batch_gives_what_its_rows_give(metric, explainer, cnn, images):
    images = images.float()
    together = metric()(cnn, explainer, images)
    for row in range(3):
        alone = metric()(cnn, explainer, images[row : row + 1])
        torch.testing.assert_close(alone.values[0], together.values[row], atol=2e-3, rtol=1e-2)
    assert together.params["method"] == explainer.name


@pytest.mark.parametrize("metric", ASKING)
def test_an_explanation_that_is_zero_everywhere_has_a_value(metric, cnn, images):
    found = metric()(cnn, Given(torch.zeros_like), images, TARGET)
    assert found.values.tolist() == [float(found.direction == "higher")] * 3


@pytest.mark.parametrize("metric", ASKING)
def test_bad_values_and_inputs_are_refused(metric, cnn, images):
    with pytest.raises(ShapeError, match="hold NaN or infinite"):
        metric()(cnn, Given(lambda inputs: inputs * float("nan")), images, TARGET)
    with pytest.raises(ShapeError, match="hold NaN or infinite"):
        metric()(cnn, Saliency(), images * float("nan"))
    with pytest.raises(ShapeError, match="is no class"):
        metric()(cnn, Saliency(), images, 7)


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        (MaxSensitivity(radius=0.0), "radius is 0.0"),
        (AverageSensitivity(n_samples=0), "n_samples is 0"),
        (NoiseStability(noise=math.nan), "noise is nan"),
        (ShiftStability(6), "shifts by 6"),
        (SeedStability(1), "n_seeds is 1"),
    ],
)
def test_bad_choices_are_refused(metric, said, cnn, images):
    with pytest.raises(ShapeError, match=said):
        metric(cnn, SmoothGrad(2), images)


def complexity(metric, values):
    return metric()(None, Attribution(values, torch.zeros(len(values), dtype=torch.int64), "given"), values).values


@pytest.mark.parametrize(
    ("metric", "alone", "alike"), [(Sparseness, 0.75, 0.0), (Entropy, 0.0, math.log(4)), (EffectiveSize, 1.0, 4.0)]
)
def test_one_place_alone_and_all_places_alike(metric, alone, alike):
    values = torch.tensor([[0.0, -3.0, 0.0, 0.0], [2.0, -2.0, 2.0, 2.0], [0.0, 0.0, 0.0, 0.0]])
    assert complexity(metric, values).tolist() == pytest.approx([alone, alike, alike])


def test_complexity_is_that_of_the_definitions():
    values = torch.randn(4, 30, dtype=torch.float64)
    sizes = values.abs()
    gaps = (sizes.unsqueeze(1) - sizes.unsqueeze(2)).abs().sum((1, 2))
    torch.testing.assert_close(complexity(Sparseness, values), gaps / (2 * 30 * sizes.sum(1)))
    torch.testing.assert_close(complexity(Entropy, values), torch.distributions.Categorical(probs=sizes).entropy())
    for metric in (Sparseness, Entropy, EffectiveSize):
        torch.testing.assert_close(complexity(metric, values), complexity(metric, -1e-30 * values.flip(1)))


def test_channels_are_added_up():
    images = torch.zeros(1, 3, 2, 2)
    images[0, :, 1, 1] = torch.tensor([1.0, 2.0, -0.5])
    given = Attribution(images, torch.zeros(1, dtype=torch.int64), "given")
    assert pixelwise(given, images, "test").tolist() == [[0, 0, 0, 2.5]]
    assert EffectiveSize()(None, given, images).values.tolist() == [1.0]


def test_the_interval_holds_the_mean_as_often_as_it_says():
    draw = generator(0)
    found = [interval(torch.randn(8, generator=draw)) for _ in range(2000)]
    assert abs(sum(low <= 0 <= high for _, low, high in found) / 2000 - 0.95) < 0.015
    mean, low, high = interval(torch.tensor([2.0]))
    assert mean == 2.0
    assert math.isnan(low)
    assert math.isnan(high)
