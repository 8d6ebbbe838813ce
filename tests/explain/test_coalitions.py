"""The sampling design: what it promises of sizes, pairs, balance and weights."""

from math import comb

import pytest
import torch

from netlens.errors import ShapeError
from netlens.explain.coalitions import Coalitions, shapley, uniform


def kernel_mass(players: int) -> torch.Tensor:
    sizes = torch.arange(1, players, dtype=torch.float64)
    mass = 1 / (sizes * (players - sizes))
    return mass / mass.sum()


@pytest.mark.parametrize("players", [2, 3, 4, 7, 8])
def test_all_coalitions_are_there_once_when_they_fit(players: int) -> None:
    design = shapley(players, 2**players, 0, "test")
    assert design.exact
    assert len(design.masks) == 2**players - 2 == len(design.masks.unique(dim=0))
    for size, mass in enumerate(kernel_mass(players), 1):
        of_size = design.masks.sum(1) == size
        torch.testing.assert_close(design.weights[of_size], (mass / comb(players, size)).expand(int(of_size.sum())))


@pytest.mark.parametrize("players", [12, 13, 49])
def test_sampled_sizes_carry_the_mass_of_the_kernel(players: int) -> None:
    mass = torch.zeros(players - 1, dtype=torch.float64)
    for seed in range(40):
        design = shapley(players, 400, seed, "test")
        assert len(design.masks) == 400
        mass += torch.bincount(design.masks.sum(1) - 1, design.weights, minlength=players - 1) / 40
    torch.testing.assert_close(mass, kernel_mass(players), atol=6e-4, rtol=0)


@pytest.mark.parametrize("make", [shapley, uniform])
def test_every_coalition_is_followed_by_its_complement(make: object) -> None:
    assert callable(make)
    design: Coalitions = make(20, 500, 3, "test")
    assert not design.exact
    assert (design.masks[0::2] == ~design.masks[1::2]).all()
    assert design.weights.sum() == pytest.approx(1)
    torch.testing.assert_close(design.weights[0::2], design.weights[1::2])


def test_uniform_coalitions_show_each_player_half_of_the_time_and_independently() -> None:
    design = uniform(30, 4000, 0, "test")
    shown = design.masks.double()
    assert (design.weights @ shown - 0.5).abs().max() < 1e-9
    together = (shown * design.weights.unsqueeze(1)).T @ shown
    assert together.fill_diagonal_(0.25).sub(0.25).abs().max() < 0.04


def test_one_seed_gives_one_design_and_another_another() -> None:
    first, again, other = (shapley(20, 300, seed, "test").masks for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"40 samples are too few for 49 features that matter. Expected at least 98"):
        shapley(49, 40, 0, "KernelSHAP")
