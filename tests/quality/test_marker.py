"""A marker planted in a model of one's own: it decides, it is found, and the model itself learns nothing."""

from dataclasses import replace

import pytest
import torch

from netlens.errors import ModelError, ShapeError
from netlens.explain import IntegratedGradients, Saliency
from netlens.models.model import weights_fingerprint
from netlens.quality.known_answers import known_answers
from netlens.quality.marker import marked, marker_hunt, planted_marker
from netlens.seeding import generator


@pytest.fixture(scope="module")
def truth(learned, digits):
    return planted_marker(learned[0], digits[0].take(600), 24, size=3, steps=200, rate=3e-3)


def test_the_marker_is_a_chequered_square_at_a_random_place():
    images, mask = marked(torch.full((5, 3, 8, 8), 0.5) + torch.rand(5, 3, 8, 8) * 0.1, 3, generator(0))
    assert mask.sum(1).tolist() == [9] * 5
    assert len({tuple(row.tolist()) for row in mask}) > 1
    inside = images[0][:, mask[0].view(8, 8)].unique()
    assert len(inside) == 2


def test_the_marker_decides_and_the_user_keeps_the_model(truth, learned, digits):
    before = weights_fingerprint(learned[0].net)
    taught = truth.model.logits(truth.inputs).argmax(1)
    assert (taught == 0).double().mean().item() >= 0.95
    assert (learned[0].logits(truth.inputs).argmax(1) == 0).double().mean().item() < 0.8
    again = planted_marker(learned[0], digits[0].take(600), 24, size=3, steps=200, rate=3e-3)
    assert weights_fingerprint(learned[0].net) == before
    assert weights_fingerprint(again.model.net) == weights_fingerprint(truth.model.net)


@pytest.mark.slow
def test_the_network_of_the_lessons_learns_a_marker_as_it_is():
    from netlens.data import load
    from netlens.trained import obtain

    model, _ = obtain("mnist-cnn", "mnist-5k", device="cpu")
    before = weights_fingerprint(model.net)
    planted = planted_marker(model, load("mnist-5k").take(800), 32)
    assert weights_fingerprint(model.net) == before
    found = known_answers([IntegratedGradients(n_steps=16, tolerance=0.05)], [planted]).frame()
    assert (found["low"] > 3 * planted.chance).all()


def test_methods_find_it_better_than_chance(truth):
    found = known_answers([Saliency(), IntegratedGradients()], [truth]).frame()
    assert (found["low"] > 1.3 * truth.chance).all()


def test_a_copy_that_learnt_nothing_is_no_truth(learned, digits):
    with pytest.raises(ModelError, match="the copy answers so for"):
        planted_marker(learned[0], digits[0].take(300), 24, size=3, steps=0)


def test_what_cannot_be_planted_is_refused(learned, digits):
    with pytest.raises(ShapeError, match="a square of 9 pixels"):
        planted_marker(learned[0], digits[0].take(300), 24, size=9)
    with pytest.raises(ShapeError, match="8 images for the test were asked of 40"):
        planted_marker(learned[0], digits[0].take(40), 8)
    batch = digits[0].take(300)
    with pytest.raises(ShapeError, match="the labels run from 3 to 12"):
        planted_marker(learned[0], replace(batch, labels=batch.labels + 3))
    with pytest.raises(ShapeError, match="0 images for the test were asked"):
        planted_marker(learned[0], digits[0].take(300), 0)


def test_a_hunt_tells_what_the_copy_learnt_or_why_it_did_not(learned, digits):
    found, learnt = marker_hunt([Saliency()], learned[0], digits[0].take(600), 24)
    assert learnt == found.truths[0].why
    assert found.answers[0].mass.shape == (24,)
    nothing, why = marker_hunt([Saliency()], learned[0], digits[0].take(100), 24)
    assert nothing is None
    assert why.startswith("the copy answers so for")
