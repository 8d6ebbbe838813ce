"""A thousand calls in a row take no more memory than the first ones, whatever the method."""

import gc
import mmap
from pathlib import Path

import pytest
import torch
from torch import nn

from netlens.explain import LRP, DeepLIFT, GuidedGradCAM, IntegratedGradients, KernelSHAP, Occlusion, Saliency, ScoreCAM
from netlens.explain.features import Grid

CALLS = 1000
STATM = Path("/proc/self/statm")  # its second field counts the pages that lie in memory
METHODS = {
    "saliency": Saliency(),
    "integrated_gradients": IntegratedGradients("zero", n_steps=2, tolerance=float("inf")),
    "guided_grad_cam": GuidedGradCAM(),
    "score_cam": ScoreCAM(),
    "deep_lift": DeepLIFT(),
    "lrp": LRP(),
    "occlusion": Occlusion(12, 12, "zero"),
    "kernel_shap": KernelSHAP(Grid(2), "zero"),
}


def resident() -> int:
    gc.collect()
    return int(STATM.read_text().split()[1]) * mmap.PAGESIZE


@pytest.mark.slow
@pytest.mark.skipif(not STATM.exists(), reason="this system does not tell how much memory a process holds")
@pytest.mark.parametrize("name", METHODS)
def test_memory_does_not_grow_over_a_thousand_calls(wrap, name):
    parts = [nn.Conv2d(1, 2, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(2 * 11 * 11, 3)]
    model, images = wrap(nn.Sequential(*parts)), torch.rand(2, 1, 24, 24)
    method = METHODS[name]
    for _ in range(100):
        method(model, images, 0)
    before = resident()
    for _ in range(CALLS):
        method(model, images, 0)
    grown = resident() - before
    assert grown < CALLS * images[0].nbytes / 2  # one image kept at every other call would be more
