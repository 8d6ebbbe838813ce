"""CKA: one with itself, blind to rotation and scale, equal to its definition, and near zero for what is unrelated."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from netlens import views
from netlens.errors import ModelError, ShapeError
from netlens.internals import similarity


class Given(nn.Module):
    """Layers that give columns of the input, changed by matrices."""

    def __init__(self, *matrices):
        super().__init__()
        self.parts = nn.ModuleList([nn.Linear(len(m), m.shape[1], bias=False) for m in matrices])
        for part, matrix in zip(self.parts, matrices, strict=True):
            part.weight.data = matrix.T.contiguous()

    def forward(self, inputs):
        return torch.cat([part(inputs) for part in self.parts], 1)[:, :3]


def rotation(size, seed=0):
    return torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(seed)))[0]


def test_a_layer_is_like_itself(cnn, images):
    found = similarity(cnn, images)
    np.testing.assert_allclose(np.diag(found.values), 1, atol=1e-6)
    np.testing.assert_allclose(found.values, found.values.T, atol=1e-9)
    assert found.rows == tuple(cnn.layers)


def test_rotation_scale_and_shift_change_nothing(wrapped):
    rows = torch.randn(96, 10)
    model = wrapped(Given(torch.eye(10), rotation(10), 7 * rotation(10, 1)))
    found = similarity(model, rows, rows=32)
    np.testing.assert_allclose(found.values, 1, atol=1e-5)
    moved = similarity(model, rows + 3, rows=32)
    np.testing.assert_allclose(moved.values, 1, atol=1e-4)


def test_a_matrix_that_is_no_rotation_changes_it(wrapped):
    stretched = torch.diag(torch.tensor([30.0] + [1.0] * 9))
    found = similarity(wrapped(Given(torch.eye(10), stretched)), torch.randn(96, 10), rows=32)
    assert found.values[0, 1] < 0.6


def definition(one, other):
    """Nguyen and others 2021, equation 3, written out."""
    n = len(one)
    k, l = ((x @ x.T).double().numpy() for x in (one, other))  # noqa: E741 - as in the paper
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    ones = np.ones(n)
    middle = (ones @ k @ ones) * (ones @ l @ ones) / ((n - 1) * (n - 2))
    return (np.trace(k @ l) + middle - 2 / (n - 2) * (ones @ k @ l @ ones)) / (n * (n - 3))


def test_batches_are_averaged_as_defined(wrapped):
    rows = torch.randn(60, 6)
    net = Given(torch.randn(6, 4), torch.randn(6, 5))
    found = similarity(wrapped(net), rows, ["parts.0", "parts.1"], rows=20)
    sums = np.zeros(3)
    for part in rows.split(20):
        x, y = (layer(part).detach() for layer in net.parts)
        sums += [definition(x, y), definition(x, x), definition(y, y)]
    assert found.values[0, 1] == pytest.approx(sums[0] / math.sqrt(sums[1] * sums[2]), abs=1e-5)
    assert found.n == 60


def test_unrelated_features_score_about_zero(wrapped):
    left, right = torch.zeros(400, 200), torch.zeros(400, 200)
    left[:200], right[200:] = torch.eye(200), torch.eye(200)
    found = similarity(wrapped(Given(left, right)), torch.randn(1280, 400), rows=64)
    assert abs(found.values[0, 1]) < 0.02  # the biased estimate would be about 0.75


def test_two_networks_can_be_compared(cnn, wrapped, images):
    from netlens.models.architectures import MnistMLP

    other = wrapped(MnistMLP(size=12, classes=3))
    found = similarity(cnn, images, other=other)
    assert found.values.shape == (len(cnn.layers), len(other.layers))
    assert found.columns == tuple(other.layers)


def test_bad_questions_are_refused(cnn, images):
    with pytest.raises(ShapeError, match="3 samples in a batch"):
        similarity(cnn, images[:3])
    with pytest.raises(ModelError, match="Did you mean 'fc1'"):
        similarity(cnn, images, ["fc11"])


def test_layers_stand_in_the_order_of_the_forward_pass(wrapped):
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.later, self.first = nn.Linear(4, 3), nn.Linear(4, 4)

        def forward(self, inputs):
            return self.later(self.first(inputs))

    model, rows = wrapped(Backwards()), torch.rand(8, 4)
    assert similarity(model, rows).rows == ("first", "later")
    assert similarity(model, rows, ["later", "first"]).rows == ("later", "first")


def test_half_precision_gives_almost_the_same(wrapped):
    net, rows = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), torch.randn(64, 6)
    full = similarity(wrapped(net), rows).values
    half = similarity(wrapped(net.bfloat16()), rows.bfloat16()).values
    np.testing.assert_allclose(full, half, atol=0.02)


def test_a_layer_that_says_nothing_is_like_no_other_and_the_view_says_so(cnn, images):
    with torch.no_grad():
        cnn.net.conv2.weight.zero_()
        cnn.net.conv2.bias.fill_(0.3)
    found = similarity(cnn, images)
    silent = [place for place, row in enumerate(found.values) if np.isnan(row).all()]
    assert [found.rows[place] for place in silent][:2] == ["conv2", "relu2"]
    assert np.isfinite(found.values[0, 0])
    view = views.similarity(found)
    assert "The same for all samples, and so like no other: conv2, relu2" in view.alt
    assert "nan" not in view.alt + view.caption
    view.figure()


def test_layers_without_a_row_for_each_sample_are_told(wrapped):
    class Folded(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.fc = nn.Linear(4, 4), nn.Linear(8, 3)

        def forward(self, inputs):
            return self.fc(self.inner(inputs.view(-1, 4)).view(-1, 8))

    with pytest.raises(ModelError, match="no layer of those asked for in tiny gives numbers with a row for each sample"):
        similarity(wrapped(Folded()), torch.rand(9, 8), ["inner"])
