"""Measures of columns: on linear networks each has a closed form, and on small tables permutation can be done in full."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from netlens.data import Standardise
from netlens.errors import ModelError, ShapeError
from netlens.explain import importance
from netlens.models import Model

W = torch.tensor([[1.0, -2.0, 0.0], [0.5, 3.0, 0.0]])


def linear(weights=W):
    net = nn.Linear(weights.shape[1], weights.shape[0])
    net.weight.data, net.bias.data = weights.clone(), torch.tensor([0.3, -0.1])
    return Model(net, "linear", ("a", "b"), Standardise((0.0,) * 3, (1.0,) * 3))


@pytest.fixture
def rows():
    draw = torch.randn(400, 3, generator=torch.Generator().manual_seed(0))
    return draw * torch.tensor([1.0, 0.5, 2.0])


def test_weights_of_a_linear_network_are_their_lengths(rows):
    found = importance.by_weights(Model(nn.Sequential(nn.ReLU(), linear().net), "deep", ("a", "b"), linear().preprocess), rows)
    assert found.values.tolist() == pytest.approx([math.hypot(1, 0.5), math.hypot(2, 3), 0])
    assert np.isnan(found.errors).all()


def test_gradients_of_a_linear_network_are_its_weights_without_error(rows):
    found = importance.by_gradients(linear(), rows, 1)
    assert found.values.tolist() == pytest.approx([0.5, 3, 0])
    assert np.allclose(found.errors, 0)


def test_correlation_is_that_of_numpy_with_its_sign(rows):
    found = importance.by_correlation(linear(), rows, 0)
    logit = (rows @ W[0]).numpy()
    expected = [np.corrcoef(column, logit)[0, 1] for column in rows.T.numpy()]
    assert found.values.tolist() == pytest.approx(expected, abs=1e-6)
    assert found.values[1] < -0.5 < 0.5 < found.values[0]
    repeated = [
        np.corrcoef(*np.random.default_rng(k).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 400).T)[0, 1] for k in range(400)
    ]
    assert np.std(repeated) == pytest.approx((1 - 0.36) / math.sqrt(399), rel=0.1)


def test_a_column_that_never_changes_goes_with_nothing(rows):
    rows[:, 1] = 5
    assert importance.by_correlation(linear(), rows, 0).values[1] == 0
    assert importance.by_permutation(linear(), rows, torch.zeros(400, dtype=torch.long)).values[1] == 0


def test_shap_of_a_linear_network_is_weight_times_value(rows):
    few = rows[:50]
    found = importance.by_shap(linear(), few, 1)
    sizes = (few * W[1]).abs()
    assert found.values.tolist() == pytest.approx(sizes.mean(0).tolist(), abs=1e-5)
    assert found.errors.tolist() == pytest.approx((sizes.std(0) / math.sqrt(50)).tolist(), abs=1e-5)


def test_permutation_tends_to_the_mean_over_all_pairs_of_rows(rows):
    few, labels = rows[:12], torch.arange(12) % 2
    model = linear()
    found = importance.by_permutation(model, few, labels, repeats=3000)
    before = nn.functional.cross_entropy(model.logits(few).double(), labels, reduction="none")
    for column in range(3):
        losses = torch.zeros(12, dtype=torch.float64)
        for row in range(12):
            others = [other for other in range(12) if other != row]
            changed = few[row].repeat(11, 1)
            changed[:, column] = few[others, column]
            losses[row] = nn.functional.cross_entropy(model.logits(changed).double(), labels[row].repeat(11))
        rises = losses - before
        assert found.values[column] == pytest.approx(rises.mean().item(), abs=0.02)
        assert found.errors[column] == pytest.approx(rises.std().item() / math.sqrt(12), abs=0.03)


def test_columns_that_say_the_same_matter_only_together(rows):
    twins = torch.stack([rows[:, 0], rows[:, 0], rows[:, 2]], 1)

    class Larger(nn.Module):
        def forward(self, inputs):
            best = inputs[:, :2].max(1).values
            return torch.stack([-4 * best, 4 * best], 1)

    model, labels = Model(Larger(), "larger", ("a", "b"), linear().preprocess), (rows[:, 0] > 0).long()
    alone = importance.by_permutation(model, twins, labels)
    together = importance.by_permutation(model, twins, labels, together=[[0, 1], [2]])
    assert together.values[0] > 1.5 * alone.values[:2].max()
    assert together.values[1] == alone.values[2] == 0


def test_the_same_seed_gives_the_same_and_no_row_keeps_its_value(rows):
    labels = torch.zeros(400, dtype=torch.long)
    first, second, third = (importance.by_permutation(linear(), rows, labels, seed=seed).values for seed in (0, 0, 1))
    assert first.tolist() == second.tolist() != third.tolist()
    for seed in range(5):
        moved = importance._derangement(7, torch.Generator().manual_seed(seed))
        assert sorted(moved.tolist()) == list(range(7))
        assert all(place != value for place, value in enumerate(moved.tolist()))


def test_shares_add_up_to_one_and_nothing_stays_nothing():
    found = importance.Importance("x", np.array([1.0, -3.0]), np.zeros(2), "", "")
    assert found.shares.tolist() == [0.25, 0.75]
    assert importance.Importance("x", np.zeros(2), np.zeros(2), "", "").shares.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: importance.by_gradients(linear(), torch.zeros(2, 1, 4, 4), 0), ShapeError, r"by_gradients: the inputs are torch.float32 shaped \(2, 1, 4, 4\)"),
        (lambda: importance.by_shap(linear(), torch.zeros(0, 3), 0), ShapeError, r"by_shap: .*\(0, 3\)\. Expected rows of a table \(N, F\), at least 1"),
        (lambda: importance.by_permutation(linear(), torch.zeros(1, 3), torch.zeros(1).long()), ShapeError, "at least 2"),
        (lambda: importance.by_permutation(linear(), torch.zeros(3, 3), torch.zeros(3).long(), repeats=0), ShapeError, "repeats is 0"),
        (
            lambda: importance.by_weights(Model(nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 2)), "n", ("a", "b"), linear().preprocess), torch.zeros(2, 3)),
            ModelError, "the first layer of n with weights is LayerNorm.*Use by_permutation",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_told(call, error, said):
    with pytest.raises(error, match=said):
        call()
