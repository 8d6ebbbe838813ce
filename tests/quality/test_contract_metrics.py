"""What every measure keeps, whichever it is."""

import inspect

import pytest
import torch

from netlens.data import Preprocess
from netlens.explain import Attribution, SmoothGrad
from netlens.models import Model
from netlens.models.architectures import MnistCNN
from netlens.quality import EXPLAINER_METRICS, METRICS, Score

EVERY = {**METRICS, **EXPLAINER_METRICS}
every_metric = pytest.mark.parametrize("metric", EVERY.values(), ids=EVERY)


@pytest.fixture
def cnn():
    return Model(MnistCNN(size=12, classes=3), "tiny", ("a", "b", "c"), Preprocess((0.1,), (0.3,)))


def ask(metric, model, images):
    if metric.name in METRICS:
        values = torch.linspace(-1, 1, images.numel()).sin().view(images.shape)
        return metric()(model, Attribution(values, torch.tensor([0, 2]), "given"), images)
    return metric()(model, SmoothGrad(3), images, torch.tensor([0, 2]))


@every_metric
def test_a_measure_says_what_it_is(metric):
    assert EVERY[metric.name] is metric
    assert metric.direction in ("higher", "lower")
    assert metric.cost
    assert metric.reference.removeprefix("doi:") in inspect.getdoc(metric)
    assert "References" in inspect.getdoc(metric)
    assert metric() == metric()


@every_metric
def test_a_score_holds_one_value_a_sample_and_their_interval(metric, cnn):
    found = ask(metric, cnn, torch.rand(2, 1, 12, 12))
    assert isinstance(found, Score)
    assert (found.name, found.direction, found.reference) == (metric.name, metric.direction, metric.reference)
    assert found.values.shape == (found.n,) == (2,)
    assert found.values.dtype == torch.float64
    assert found.values.isfinite().all()
    assert found.mean == pytest.approx(float(found.values.mean()))
    assert found.low <= found.mean <= found.high
    if found.own is not None:
        assert torch.allclose(found.values.abs(), (found.own - found.random).abs())


@every_metric
def test_the_model_the_inputs_and_the_random_state_are_left_as_they_were(metric, cnn):
    cnn.net.train()
    cnn.net.pool1.eval()
    modes = [module.training for module in cnn.net.modules()]
    images = torch.rand(2, 1, 12, 12)
    before, weights = images.clone(), cnn.fingerprint
    state = torch.get_rng_state()
    first = ask(metric, cnn, images)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(images, before)
    assert [module.training for module in cnn.net.modules()] == modes
    assert Model(cnn.net, "tiny", cnn.classes, cnn.preprocess).fingerprint == weights
    assert torch.equal(ask(metric, cnn, images).values, first.values)
