"""Seeds: the same numbers again, from every source of chance."""

import random

import numpy as np
import pytest
import torch

from netlens.seeding import determinism, generator, seed_everything, seeded


def draws():
    """One number from each source."""
    return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002 - the global state is what is tested


def test_one_seed_fixes_every_source_and_another_changes_every_source():
    seed_everything(3)
    first = draws()
    seed_everything(3)
    assert draws() == first
    seed_everything(4)
    assert all(new != old for new, old in zip(draws(), first, strict=True))


def test_torch_is_made_deterministic(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = True
    seed_everything(0)
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    with pytest.raises(RuntimeError, match="does not have a deterministic implementation"):
        torch.zeros(4).put_(torch.tensor([0, 0]), torch.ones(2))  # two writes to one place


def test_a_generator_has_a_stream_of_its_own():
    expected = torch.rand(3, generator=generator(5))
    seed_everything(0)
    untouched = torch.rand(1)
    seed_everything(0)
    assert torch.equal(torch.rand(3, generator=generator(5)), expected)
    assert torch.equal(torch.rand(1), untouched)
    assert not torch.equal(torch.rand(3, generator=generator(6)), expected)


def test_seeded_gives_every_state_back():
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    expected = draws()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)  # noqa: NPY002
    torch.use_deterministic_algorithms(False)
    inside = []

    def fail():
        with seeded(7):
            assert torch.are_deterministic_algorithms_enabled()
            inside.append(draws())
            raise KeyError("inside")

    with pytest.raises(KeyError, match="inside"):
        fail()
    assert not torch.are_deterministic_algorithms_enabled()
    assert draws() == expected
    with seeded(7):
        assert [draws()] == inside


@pytest.mark.parametrize("before", [True, False])
def test_determinism_is_switched_for_a_while(before):
    torch.use_deterministic_algorithms(before)
    with determinism(not before):
        assert torch.are_deterministic_algorithms_enabled() is not before
    assert torch.are_deterministic_algorithms_enabled() is before
