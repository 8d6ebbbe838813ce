"""The same perturbations and the same truths by Quantus, where it is installed: `uv run --with quantus --with "numpy<2.4" pytest`."""

import numpy as np
import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.explain import Attribution
from netlens.models import Model
from netlens.quality.complexity import Entropy, Sparseness
from netlens.quality.faithfulness import Deletion, PixelFlipping
from netlens.quality.known_answers import pointing_game, relevance_mass, relevance_rank
from netlens.quality.road import ROAD

quantus = pytest.importorskip("quantus", reason="Quantus is not installed")

TARGET = torch.tensor([0, 1, 2, 0])


@pytest.fixture
def asked():
    """A model, images of 10 x 10 pixels whose darkest value is 0, and values of them."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 64, 3)).eval()
    images = torch.rand(4, 1, 10, 10)
    images[:, :, 0, 0] = 0.0
    return Model(net, "small", ("a", "b", "c"), Preprocess((0.0,), (1.0,))), images, torch.randn(4, 1, 10, 10)


def theirs(metric, asked, **others):
    """What Quantus says, at no shaping of the values of its own."""
    model, images, values = asked
    given = {"a_batch": values.numpy(), "x_batch": images.numpy(), "y_batch": TARGET.numpy(), "device": "cpu"}
    return metric(model=model.net, **(given | others))


def settings(**others):
    return {"abs": False, "normalise": False, "disable_warnings": True, "display_progressbar": False} | others


def ours(metric, asked):
    model, images, values = asked
    return metric(model, Attribution(values, TARGET, "given"), images)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("measure", "softmax"), [(Deletion, True), (PixelFlipping, False)])
def test_curves_are_those_of_pixel_flipping(asked, measure, softmax):
    found = ours(measure(n_steps=20, n_random=1, replacement="zero"), asked).curves[0].own
    flipped = quantus.PixelFlipping(**settings(features_in_step=5, perturb_baseline="black"))
    expected = np.array(theirs(flipped, asked, softmax=softmax))
    assert np.ptp(expected) > 0.05
    np.testing.assert_allclose(found[:, 1:], expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_road_is_theirs_but_for_the_noise(asked):
    found = ours(ROAD(n_steps=10, n_random=1, noise=0.0), asked).curves[0].own.mean(0)
    road = quantus.ROAD(**settings(percentages=list(range(10, 100, 10)), noise=0.0))
    expected = theirs(road, asked)
    assert len(set(expected.values())) > 1
    np.testing.assert_allclose(found[1:10], list(expected.values()), atol=1e-9)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("measure", "name"),
    [(relevance_mass, "RelevanceMassAccuracy"), (relevance_rank, "RelevanceRankAccuracy"), (pointing_game, "PointingGame")],
)
def test_known_answers_are_scored_as_theirs(asked, measure, name):
    mask = torch.rand(4, 1, 10, 10) < 0.3
    mask.view(4, -1)[torch.arange(2), asked[2][:2].abs().flatten(1).argmax(1)] = True
    metric = getattr(quantus, name)(**settings(abs=True))
    expected = theirs(metric, asked, s_batch=mask.numpy().astype(int))
    assert len(set(map(float, expected))) > 1
    np.testing.assert_allclose(measure(asked[2].abs().flatten(1), mask.flatten(1)), np.array(expected, float), atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("measure", "name"), [(Sparseness(), "Sparseness"), (Entropy(), "Complexity")])
def test_complexity_is_theirs(asked, measure, name):
    expected = theirs(getattr(quantus, name)(**settings(abs=True)), asked)
    np.testing.assert_allclose(ours(measure, asked).values, np.array(expected, float), atol=1e-4)
