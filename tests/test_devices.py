"""Devices: which one is taken, and what is said when there is none."""

import pytest
import torch

from netlens.devices import choose
from netlens.errors import UsageError


@pytest.fixture
def machine(monkeypatch):
    """Pretend that this machine has, or lacks, CUDA and MPS."""

    def has(*names):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in names)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in names)

    return has


@pytest.mark.parametrize(("there", "taken"), [((), "cpu"), (("mps",), "mps"), (("cuda",), "cuda"), (("cuda", "mps"), "cuda")])
def test_auto_takes_cuda_then_mps_then_the_cpu(machine, there, taken):
    machine(*there)
    assert choose() == choose("auto") == taken
    assert choose("cpu") == "cpu"


@pytest.mark.parametrize(("device", "there", "listed"), [("cuda", (), "auto, cpu"), ("mps", ("cuda",), "auto, cpu, cuda")])
def test_a_device_that_is_not_there_is_refused(machine, device, there, listed):
    machine(*there)
    with pytest.raises(
        UsageError, match=f"^audit: torch finds no '{device}' device on this machine. Expected one of: {listed}. "
    ):
        choose(device, "audit")


def test_an_unknown_device_is_refused_with_the_nearest():
    with pytest.raises(
        UsageError, match=r"^device: there is no device 'cud'\. Did you mean 'cuda'\? Known: auto, cpu, cuda, mps\.$"
    ):
        choose("cud")
