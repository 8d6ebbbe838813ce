"""Spectra against NumPy, and pictures only of what sees the image."""

import numpy as np
import pytest
import torch
from torch import nn

from netlens.errors import ModelError
from netlens.internals import filters, weights
from netlens.internals.weights import frame


def test_singular_values_and_norms_are_numpys():
    net = nn.Sequential(nn.Conv2d(2, 6, 3), nn.Flatten(), nn.Linear(24, 4))
    conv, linear = weights(net)
    matrix = net[0].weight.detach().numpy().reshape(6, 18)
    np.testing.assert_allclose(conv.singular, np.linalg.svd(matrix, compute_uv=False), rtol=1e-5)
    assert conv.norm == pytest.approx(np.linalg.norm(matrix), rel=1e-6)
    assert conv.counts.sum() == matrix.size
    assert (conv.path, linear.path) == ("0.weight", "2.weight")
    assert linear.spread == pytest.approx(float(net[2].weight.detach().numpy().std()), rel=1e-5)


@pytest.mark.parametrize("rank", [1, 3])
def test_the_effective_rank_of_equal_directions_is_their_number(rank):
    net = nn.Linear(8, 8)
    with torch.no_grad():
        net.weight.copy_(torch.diag(torch.tensor([2.0] * rank + [0.0] * (8 - rank))))
    (found,) = weights(net)
    assert found.effective_rank == pytest.approx(rank)
    assert found.stable_rank == pytest.approx(rank)


def test_transposed_convolutions_have_their_outputs_as_rows():
    (found,) = weights(nn.ConvTranspose2d(3, 5, 2))
    assert found.matrix == (5, 12)


def test_a_large_matrix_has_no_spectrum():
    (found,) = weights(nn.Linear(20, 30), largest=10)
    assert found.singular.size == 0
    assert frame([found])["effective rank"].tolist() == [None]


def test_shared_weights_are_read_once():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    net[1].weight = net[0].weight
    assert len(weights(net)) == 1


def test_half_precision_is_read():
    (found,) = weights(nn.Linear(4, 4).half())
    assert found.singular.shape == (4,)


def test_bad_weights_are_refused():
    net = nn.Linear(3, 3)
    with torch.no_grad():
        net.weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match="hold a value that is not finite"):
        weights(net)
    with pytest.raises(ModelError, match="no weights with two axes"):
        weights(nn.ReLU())


def test_the_first_convolution_is_a_picture(cnn, images):
    found = filters(cnn, images)
    assert (found.path, found.pictures.shape) == ("conv1", (32, 1, 5, 5))
    np.testing.assert_array_equal(found.pictures, cnn.net.conv1.weight.detach())


def test_rows_of_a_linear_layer_on_pixels_are_pictures(wrapped):
    net, images = nn.Sequential(nn.Flatten(), nn.Linear(48, 5)), torch.rand(2, 3, 4, 4)
    found = filters(wrapped(net), images)
    assert found.pictures.shape == (5, 3, 4, 4)
    answer = (torch.from_numpy(found.pictures) * images[0]).sum((1, 2, 3)) + net[1].bias
    torch.testing.assert_close(answer, net(images)[0])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("conv2", "32 channels of an earlier layer"),
        ("fc1", "576 units of an earlier layer, whose order is arbitrary"),
        ("relu1", "no weights of its own"),
    ],
)
def test_what_does_not_see_the_image_is_no_picture(cnn, images, path, said):
    found = filters(cnn, images, path)
    assert found.pictures is None
    assert said in found.reason


def test_a_linear_layer_after_a_shuffle_is_no_picture(wrapped):
    class Shuffled(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(16, 3)

        def forward(self, inputs):
            return self.fc(inputs.flatten(1).flip(1))

    assert filters(wrapped(Shuffled()), torch.rand(1, 1, 4, 4)).pictures is None


def test_inputs_that_are_no_images_have_no_pictures(wrapped):
    assert "are no images" in filters(wrapped(nn.Sequential(nn.Linear(4, 3))), torch.rand(2, 4)).reason


def test_a_typo_is_named(cnn, images):
    with pytest.raises(ModelError, match="Did you mean 'conv2'"):
        filters(cnn, images, "conv22")
