"""Asking a model about raw samples: its own answers, in any precision, and the model is left as it was."""

import numpy as np
import pytest
import torch

from netlens.behaviour.adversarial import adversarial
from netlens.behaviour.answers import probabilities, raw_logits
from netlens.behaviour.corruptions import corruptions
from netlens.behaviour.masking import masking
from netlens.behaviour.unfamiliar import unfamiliar
from netlens.errors import ModelError
from tests.behaviour.conftest import Halves, halves, images


class Reads:
    """Raw samples that are read when they are asked for."""

    def __init__(self, raw):
        self.raw, self.asked = raw, []

    def __len__(self):
        return len(self.raw)

    def __getitem__(self, ids):
        self.asked.append(len(ids))
        return self.raw[ids]


def test_a_lazy_data_set_is_read_in_parts():
    raw = images(60).raw
    lazy = Reads(np.repeat(raw, 50, axis=0))
    assert torch.equal(raw_logits(halves(), lazy), raw_logits(halves(), lazy.raw))
    assert len(lazy.asked) == 3
    assert sum(lazy.asked) == 3000


def test_half_precision(model, data):
    whole = probabilities(model, data.raw)
    model.net.half()
    assert probabilities(model, data.raw) == pytest.approx(whole, abs=0.01)
    assert adversarial(model, data.take(8), n_steps=3).valid


def test_answers_that_are_no_numbers(data):
    broken = halves(gain=float("nan"))
    for ask in (adversarial, corruptions, masking, unfamiliar):
        with pytest.raises(ModelError, match="not finite"):
            ask(broken, data.all())


def test_the_model_is_left_as_it_was(data):
    model = halves()
    model.net.train()
    model.net.linear.weight.requires_grad_(False)
    before = model.net.linear.weight.clone()
    adversarial(model, data.take(8), n_steps=2)
    corruptions(model, data.take(8))
    masking(model, data.take(8))
    assert model.net.training
    assert not model.net.linear.weight.requires_grad
    assert model.net.linear.weight.grad is None
    assert torch.equal(model.net.linear.weight, before)


def test_measures_work_without_gradients(data):
    with torch.inference_mode():
        outside = halves()
    with torch.no_grad():
        assert adversarial(halves(), data.take(8), n_steps=2).zero.value == 0
    with pytest.raises(ModelError, match="inference_mode"):
        adversarial(outside, data.take(8), n_steps=2)


def test_a_seed_gives_the_same_answers_again(model, data):
    batch = data.take(20)
    for ask in (corruptions, unfamiliar, lambda *given, seed: adversarial(*given, n_steps=3, seed=seed).curve):
        one, again = (ask(model, batch, seed=5) for _ in range(2))
        assert repr(one) == repr(again)


def test_an_attack_costs_what_it_says():
    class Counting(Halves):
        passes = 0

        def forward(self, inputs):
            type(self).passes += len(inputs)
            return super().forward(inputs)

    net = Counting().eval()
    batch = images(30).all()
    adversarial(type(halves())(net, "counting", ("left", "right"), halves().preprocess), batch, epsilons=(0.01,), n_steps=10)
    assert Counting.passes <= 30 * (2 * 10 + 8)  # both runs of PGD, the tests around them, and the plan
