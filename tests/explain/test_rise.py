"""RISE against its expectation on a linear network, where it is the covariance of the masks times the weights."""

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError
from netlens.explain.precision import rank_correlation
from netlens.explain.rise import RISE
from netlens.models import Model
from netlens.models.architectures import MnistCNN
from netlens.seeding import generator

GREY = Preprocess((0.1,), (0.3,))


@pytest.fixture
def cnn() -> Model:
    torch.manual_seed(0)
    return Model(MnistCNN(size=12, classes=3), "tiny", ("a", "b", "c"), GREY)


@pytest.mark.parametrize("keep", [0.5, 0.3])
def test_a_linear_network_gives_the_covariance_of_the_masks_times_the_weights(keep: float) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(2 * 64, 2))
    model = Model(net, "linear", ("a", "b"), Preprocess((0.1,) * 2, (0.3,) * 2))
    image = torch.randn(1, 2, 8, 8)
    method = RISE(cells=2, keep=keep, replacement="zero", n_samples=4000)
    found = method(model, image, 1)
    masks = method._masks(40000, (8, 8), generator(9)).double().flatten(1)
    effect = (net[1].weight[1].detach() * image.flatten()).double().view(2, 64).sum(0)
    expected = (torch.cov(masks.T) @ effect) / masks.mean(0)
    assert found.spread is not None
    error = found.values.sum(1).flatten() - expected
    assert (error.abs() < 5 * found.spread.sum(1).flatten() + 0.01).all()
    assert rank_correlation(found.values.sum(1).flatten(), expected) > 0.98


def test_masks_are_shown_as_often_as_asked_everywhere_and_move() -> None:
    masks = RISE(keep=0.3)._masks(8000, (20, 13), generator(0))
    assert masks.shape == (8000, 1, 20, 13)
    assert (masks.mean(0) - 0.3).abs().max() < 0.02
    assert ((masks >= 0) & (masks <= 1)).all()


def test_masks_come_in_pairs_at_one_half() -> None:
    masks = RISE()._masks(10, (28, 28), generator(0))
    torch.testing.assert_close(masks[0::2] + masks[1::2], torch.ones(5, 1, 28, 28))


def test_the_spread_is_what_other_seeds_show(cnn: Model) -> None:
    image = 3 * torch.randn(1, 1, 12, 12)
    runs = [RISE(4, replacement="zero", n_samples=200, seed=seed)(cnn, image, 0) for seed in range(16)]
    seen = torch.stack([run.values for run in runs]).std(0)
    stated = torch.stack([run.spread for run in runs if run.spread is not None]).square().mean(0).sqrt()
    assert 0.7 < float((stated.square().mean() / seen.square().mean()).sqrt()) < 1.4


def test_one_seed_gives_the_same_bits_and_a_batch_its_rows(cnn: Model) -> None:
    images, method = torch.randn(3, 1, 12, 12), RISE(n_samples=200)
    whole = method(cnn, images)
    assert torch.equal(whole.values, method(cnn, images).values)
    for row in range(3):
        torch.testing.assert_close(whole.values[row], method(cnn, images[row : row + 1]).values[0], atol=1e-6, rtol=1e-4)


def test_sequences_are_refused_with_methods_that_take_them() -> None:
    model = Model(nn.Linear(5, 2), "table", ("a", "b"), GREY)
    with pytest.raises(ShapeError, match="Use kernel_shap, lime or occlusion"):
        RISE()(model, torch.randn(2, 5))


@pytest.mark.parametrize("method", [RISE(cells=0), RISE(keep=1.0), RISE(n_samples=30)])
def test_settings_that_make_no_sense_are_refused(cnn: Model, method: RISE) -> None:
    with pytest.raises(ShapeError, match="0 < keep < 1, and a multiple of 20"):
        method(cnn, torch.randn(1, 1, 12, 12))


def test_an_even_image_has_nothing_that_inpainting_could_hide(cnn: Model) -> None:
    found = RISE(4, replacement="inpaint", n_samples=40)(cnn, torch.full((1, 1, 12, 12), 0.7), 0)
    assert found.params["replacement"] == "inpaint"
    assert found.values.abs().max() < 1e-5


def test_inpainting_gives_the_evidence_of_a_spot_and_each_row_its_own() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(144, 2))
    with torch.no_grad():
        net[1].weight.zero_()[1, [65, 66, 77, 78]] = 1  # a square of four at (5, 5)
    model = Model(net, "spot", ("a", "b"), GREY)
    images = torch.zeros(2, 1, 12, 12)
    images[0, 0, 5:7, 5:7] = 1
    method = RISE(6, replacement="inpaint", n_samples=400)
    found = method(model, images, 1).values
    assert found[0, 0, 5:7, 5:7].min() > 3 * found[0].abs().median()
    assert found[1].abs().max() < 1e-12
    torch.testing.assert_close(method(model, images[:1], 1).values, found[:1])
