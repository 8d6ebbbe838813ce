"""How much a forward pass tells: errors against a long reference, and what another seed changes, on a trained network."""

from __future__ import annotations

import pytest
import torch

from netlens.explain.base import asking
from netlens.explain.coalitions import Coalitions, shapley
from netlens.explain.kernel_shap import KernelSHAP
from netlens.explain.lime import LIME
from netlens.explain.perturbation import game
from netlens.explain.precision import rank_correlation
from netlens.explain.regression import constrained
from netlens.seeding import generator

PASSES = 1000
SEEDS = 4
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained():
    """The tutorial's network, trained for the session's own cache, and digits that it has not seen."""
    from netlens.data import load
    from netlens.trained import obtain

    model, _ = obtain("mnist-cnn", device="cpu")
    return model, load("mnist-5k", "test").take(2).inputs


def plain(players: int, seed: int) -> Coalitions:
    """Coalitions as the Shapley kernel draws them, one by one."""
    draw = generator(seed)
    sizes = torch.arange(1, players, dtype=torch.float64)
    chosen = torch.multinomial(1 / (sizes * (players - sizes)), PASSES, replacement=True, generator=draw) + 1
    order = torch.rand(PASSES, players, generator=draw).argsort(1).argsort(1)
    one = torch.ones(PASSES)
    return Coalitions(order < chosen.unsqueeze(1), one.double() / PASSES, one.bool())


@pytest.mark.parametrize("replacement", ["black", "zero"])
def test_the_error_of_kernel_shap_is_a_tenth_of_plain_samplings(trained, replacement):
    model, images = trained
    with asking(model, images, None, "test") as question:
        played = game(question, "grid", replacement)
        full, empty = played.ends

        def values(make):
            designs = [make(len(players)) for players in played.players]
            scores = played.scores([design.masks for design in designs])
            gains, changes = [(found - start).unsqueeze(0) for found, start in zip(scores, empty, strict=True)], full - empty
            parts = zip(designs, gains, changes.split(1), strict=True)
            return [fit.values for design, gain, change in parts for fit in constrained(design, gain, change)]

        reference = values(lambda players: shapley(players, 20_000, 99, "test"))

        def error(make):
            runs = [values(lambda players, seed=seed: make(players, seed)) for seed in range(SEEDS)]
            shares = [(a - b).square().sum() / b.square().sum() for run in runs for a, b in zip(run, reference, strict=True)]
            return float(torch.stack(shares).mean())

        designed = error(lambda players, seed: shapley(players, PASSES, seed, "test"))
        assert designed <= error(plain) / 10


@pytest.mark.parametrize("method", [KernelSHAP, LIME])
def test_another_seed_keeps_the_order_of_the_features_that_carry_evidence(trained, method):
    model, images = trained
    runs = torch.stack(
        [method("grid", n_samples=PASSES, seed=seed)(model, images).params["feature_values"] for seed in range(SEEDS)]
    )
    for row in range(len(images)):
        carries = (runs[:, row] != 0).any(0)  # the rest equals what replaces it
        pairs = [rank_correlation(runs[a, row, carries], runs[b, row, carries]) for a in range(SEEDS) for b in range(a)]
        assert sum(pairs) / len(pairs) >= 0.9
