"""The small vision transformer: its patches are what its docstring says, and it learns."""

import pytest
import torch

from netlens.models.tutorial import TUTORIAL_MODELS
from netlens.models.vit import MnistViT
from netlens.trained import obtain


@pytest.mark.parametrize(("size", "patch", "across"), [(28, 4, 7), (8, 2, 4)])
def test_a_token_begins_with_its_own_patch_and_one_pixel_around_it(size, patch, across):
    net, image = MnistViT(size=size).eval(), torch.rand(1, 1, size, size, requires_grad=True)
    patches = net.conv2(net.relu(net.conv1(image)))
    assert patches.shape == (1, 48, across, across)
    (seen,) = torch.autograd.grad(patches[0, :, 1, 2].square().sum(), image)
    rows, columns = (seen[0, 0] != 0).nonzero().unbind(1)
    assert rows.min() >= patch - 1
    assert rows.max() <= 2 * patch
    assert columns.min() >= 2 * patch - 1
    assert columns.max() <= 3 * patch


def test_it_gives_a_logit_a_class_whatever_the_channels():
    assert MnistViT(size=32, channels=3, classes=7)(torch.rand(2, 3, 32, 32)).shape == (2, 7)


@pytest.mark.slow
def test_it_reads_digits():
    assert obtain("mnist-vit", "digits")[1].test_accuracy[-1] > 0.95


@pytest.mark.slow
def test_it_reads_the_digits_of_mnist_at_95_percent():
    assert TUTORIAL_MODELS["mnist-vit"].dataset == "mnist-5k"
    assert obtain("mnist-vit")[1].test_accuracy[-1] >= 0.95
