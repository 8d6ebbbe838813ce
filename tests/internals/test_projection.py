"""Projections against scikit-learn, and the refusal of what has no picture."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from netlens.capture import activations
from netlens.errors import ModelError, ShapeError, UsageError
from netlens.internals import projection


@pytest.mark.parametrize("axes", [2, 3])
def test_pca_is_scikit_learns_up_to_sign(learned, digits, axes):
    model, _ = learned
    found = projection(model, digits[1], axes=axes, most=100)
    with activations(model, ["relu3"]) as kept, torch.no_grad():
        model.net(digits[1].take(100).inputs)
    theirs = PCA(axes).fit(kept["relu3"].double())
    points = theirs.transform(kept["relu3"].double())
    np.testing.assert_allclose(np.abs(found.points), np.abs(points), atol=1e-4)
    np.testing.assert_allclose(found.kept, theirs.explained_variance_ratio_, rtol=1e-4)
    assert (found.layer, found.features) == ("fc2", 500)


def test_signs_are_fixed_and_t_sne_has_a_seed(learned, digits):
    model, _ = learned
    for settings in ({}, {"method": "tsne"}):
        one, other = (projection(model, digits[1], most=60, **settings) for _ in range(2))
        np.testing.assert_array_equal(one.points, other.points)
    assert one.kept == ()
    assert 0.5 < one.trust <= 1


def test_neighbours_of_a_class_that_lies_apart_agree(learned, digits):
    model, _ = learned
    found = projection(model, digits[1], method="tsne", most=150)
    assert found.agreement > 0.6
    assert found.answers.tolist() == model.logits(digits[1].take(150).inputs).argmax(1).tolist()


def test_bad_questions_are_refused(learned, digits, wrapped):
    model, _ = learned
    with pytest.raises(UsageError, match="there is no method 'umap'"):
        projection(model, digits[1], method="umap")
    with pytest.raises(ShapeError, match="4 axes"):
        projection(model, digits[1], axes=4)
    with pytest.raises(ShapeError, match="there are 10 samples"):
        projection(model, digits[1], most=10)
    with pytest.raises(ModelError, match="has no linear layer and no convolution"):
        projection(wrapped(torch.nn.Sequential(torch.nn.Flatten())), digits[1])
    with pytest.raises(ModelError, match="Did you mean 'fc2'"):
        projection(model, digits[1], "fc22")


def test_without_a_linear_layer_the_last_convolution_is_read(wrapped, digits):
    net = torch.nn.Sequential(torch.nn.Conv2d(1, 6, 3), torch.nn.ReLU(), torch.nn.Conv2d(6, 10, 6), torch.nn.Flatten())
    found = projection(wrapped(net, 10), digits[1], most=40)
    assert (found.layer, found.features) == ("2", 6)


class Twice(nn.Module):
    """A layer that is called twice, and one that is given its input by name."""

    def __init__(self):
        super().__init__()
        self.flat, self.again, self.last = nn.Flatten(), nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, inputs):
        return self.last(input=self.again(self.again(self.flat(inputs)).relu()))


def test_a_layer_that_is_called_twice_or_by_name_is_projected(digits, wrapped):
    model, test = wrapped(Twice(), 10), digits[1]
    found = projection(model, test, "again", most=50)
    once = model.net.again(test.take(50).inputs.flatten(1)).relu().detach()
    theirs = PCA(2).fit_transform(once.double())
    np.testing.assert_allclose(np.abs(found.points), np.abs(theirs), atol=1e-4)
    assert projection(model, test, most=50).layer == "last"


def test_a_layer_that_is_never_run_is_told(digits, wrapped):
    net = Twice()
    net.idle = nn.Linear(64, 3)
    with pytest.raises(ModelError, match="the layer 'idle' of tiny receives nothing"):
        projection(wrapped(net, 10), digits[1], "idle", most=50)
