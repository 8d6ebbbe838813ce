"""Integrated and expected gradients against closed forms, captum, and each other."""

import pytest
import torch
from captum.attr import IntegratedGradients as CaptumIntegratedGradients
from captum.testing.helpers.basic_models import BasicModel_MultiLayer
from torch import nn

from netlens.errors import ShapeError, UsageError
from netlens.explain import Attribution, ExpectedGradients, IntegratedGradients
from netlens.explain.baselines import BASELINES, baseline, blurred

FIXED = {"tolerance": float("inf")}


class Kink(nn.Module):
    """Logit 0 of x (N, 2) is relu(x0 + x1 - 1): on the path from 0 its gradient jumps once."""

    def forward(self, inputs):
        bent = torch.relu(inputs.sum(1) - 1)
        return torch.stack([bent, -bent], 1)


def test_a_linear_network_gives_weight_times_difference(wrap):
    net, rows, start = nn.Linear(5, 3), torch.randn(4, 5), torch.randn(4, 5)
    found = IntegratedGradients(start, n_steps=2)(wrap(net), rows, 2)
    torch.testing.assert_close(found.values, net.weight[2].detach() * (rows - start), atol=1e-6, rtol=1e-5)
    assert found.complete.all()


def test_the_same_nodes_as_captum_give_the_same_values(cnn, images):
    expected = CaptumIntegratedGradients(cnn.net).attribute(images, 0.0, target=1, n_steps=20, method="gausslegendre")
    found = IntegratedGradients("zero", n_steps=20, **FIXED)(cnn, images, 1)
    torch.testing.assert_close(found.values, expected.float(), atol=1e-6, rtol=1e-4)


def test_a_polynomial_is_integrated_exactly(wrap):
    class Fifth(nn.Module):
        def forward(self, inputs):
            return torch.stack([(inputs**5).sum(1), inputs.sum(1)], 1)

    rows = torch.randn(3, 4, dtype=torch.float64)
    found = IntegratedGradients("zero", n_steps=3)(wrap(Fifth(), 2), rows, 0)
    torch.testing.assert_close(found.values, rows**5, atol=1e-12, rtol=0)


def test_steps_are_added_until_the_kink_is_met(wrap):
    rows = torch.tensor([[1.0, 0.7], [0.2, 0.1]])
    found = IntegratedGradients("zero", n_steps=4, tolerance=1e-3, max_steps=400)(wrap(Kink(), 2), rows, 0)
    exact = torch.tensor([[1.0, 0.7], [0.0, 0.0]]) * 0.7 / 1.7
    torch.testing.assert_close(found.values[0], exact[0], atol=1e-3, rtol=0)
    assert found.complete.tolist() == [True, True]
    assert found.params["steps_taken"][1] == 4
    assert 4 < found.params["steps_taken"][0] < 60


def test_a_path_that_cannot_be_followed_is_said_to_be_incomplete(wrap):
    found = IntegratedGradients("zero", n_steps=4, tolerance=1e-6, max_steps=20)(wrap(Kink(), 2), torch.tensor([[1.0, 0.7]]), 0)
    assert found.complete.tolist() == [False]
    assert found.params["steps_taken"][0] <= 20
    assert float(found.delta[0]) == pytest.approx(float(found.values.sum()) - 0.7, abs=1e-6)


def test_the_default_meets_its_tolerance_where_a_fixed_number_of_steps_does_not(cnn, images):
    fixed = IntegratedGradients(n_steps=4, **FIXED)(cnn, images * 4, 0)
    assert (fixed.error > 1e-3).any()
    adaptive = IntegratedGradients(n_steps=4, tolerance=1e-3)(cnn, images * 4, 0)
    assert (adaptive.error <= 1e-3).all()
    assert adaptive.complete.all()


def test_several_baselines_give_the_mean_of_each(cnn, images):
    several = IntegratedGradients(("black", "zero", torch.ones(12, 12)), **FIXED)(cnn, images, 0)
    each = [IntegratedGradients(one, **FIXED)(cnn, images, 0) for one in ("black", "zero", torch.ones(12, 12))]
    torch.testing.assert_close(several.values, torch.stack([one.values for one in each]).mean(0), atol=1e-7, rtol=1e-5)
    torch.testing.assert_close(several.delta, torch.stack([one.delta for one in each]).mean(0), atol=1e-6, rtol=1e-4)


def test_only_the_rows_that_miss_get_more_steps(wrap):
    rows = torch.tensor([[0.1, 0.1], [2.0, 1.3], [0.3, 0.2]])
    taken = IntegratedGradients("zero", n_steps=4, tolerance=1e-3)(wrap(Kink(), 2), rows, 0).params["steps_taken"]
    assert [steps > 4 for steps in taken] == [False, True, False]


@pytest.mark.parametrize("wrong", [{"n_steps": 0}, {"n_steps": 9, "max_steps": 8}, {"tolerance": 0}, {"tolerance": float("nan")}])
def test_steps_that_make_no_sense_are_refused(cnn, images, wrong):
    with pytest.raises(ShapeError, match="1 <= n_steps <= max_steps and a tolerance above 0"):
        IntegratedGradients(**wrong)(cnn, images)


def test_the_exact_values_of_captums_test_network(wrap):
    net = BasicModel_MultiLayer()
    found = IntegratedGradients("zero", n_steps=200, tolerance=1e-3)(wrap(net, 2), torch.tensor([[20.0, 50.0, 30.0]]), 0)
    assert float(found.values.sum()) == pytest.approx(390, rel=2e-3)


def test_baselines(cnn, images):
    made = {name: baseline(name, cnn, images, "test", seed=3) for name in BASELINES}
    assert made["zero"].abs().max() == 0
    torch.testing.assert_close(made["black"], torch.full_like(images, -0.1 / 0.3))
    assert (made["noise"] >= images.amin((1, 2, 3), keepdim=True)).all()
    assert (made["noise"] <= images.amax((1, 2, 3), keepdim=True)).all()
    torch.testing.assert_close(blurred(torch.full((1, 2, 9, 5), 0.7)), torch.full((1, 2, 9, 5), 0.7))
    assert float(made["blur"].std()) < 0.3 * float(images.std())


def test_the_blur_is_a_gaussian():
    image = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    image[0, 0, 20, 20] = 1
    found, sigma = blurred(image)[0, 0], 0.15 * 41
    places = torch.arange(-20, 21, dtype=torch.float64)
    line = torch.exp(-0.5 * (places / sigma) ** 2)
    line[places.abs() > 3 * sigma + 1] = 0
    torch.testing.assert_close(found, torch.outer(line, line) / line.sum() ** 2, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("choice", "kind", "said"),
    [
        ("blak", UsageError, "Did you mean 'black'"),
        (torch.zeros(5), ShapeError, "a shape that broadcasts"),
        (torch.tensor(float("nan")), ShapeError, "the baseline holds NaN"),
        ((), ShapeError, "no baseline was given"),
    ],
)
def test_a_wrong_baseline_is_refused(cnn, images, choice, kind, said):
    with pytest.raises(kind, match=said):
        IntegratedGradients(choice)(cnn, images)


@pytest.mark.parametrize("choice", ["black", "blur"])
def test_images_baselines_are_refused_for_tables(wrap, choice):
    with pytest.raises(ShapeError, match=f"a {choice} image was asked for.*Use baseline='zero'"):
        IntegratedGradients(choice)(wrap(nn.Linear(4, 3)), torch.randn(2, 4))


def test_expected_gradients_of_a_linear_network_are_exact(wrap):
    net, rows, ground = nn.Linear(5, 3), torch.randn(4, 5), torch.randn(16, 5)
    found = ExpectedGradients(ground, n_samples=16)(wrap(net), rows, 1)
    torch.testing.assert_close(found.values, net.weight[1].detach() * (rows - ground.mean(0)), atol=1e-6, rtol=1e-4)
    assert found.complete.all()


def test_expected_gradients_are_integrated_gradients_averaged_over_the_background(cnn, images):
    ground = torch.rand(6, 1, 12, 12)
    found = ExpectedGradients(ground, n_samples=3000, max_samples=3000)(cnn, images, 2)
    exact = torch.stack([IntegratedGradients(one, n_steps=100, **FIXED)(cnn, images, 2).values for one in ground]).mean(0)
    assert ((found.values - exact).abs() < 4 * found.spread + 1e-7).all()
    torch.testing.assert_close(found.values, exact, atol=0.03 * float(exact.abs().max()), rtol=0)


def test_expected_gradients_draw_more_until_they_add_up(cnn, images):
    ground = torch.rand(8, 1, 12, 12)
    found = ExpectedGradients(ground, n_samples=8, tolerance=0.03, max_samples=4096)(cnn, 3 * images, 2)
    assert found.complete.all()
    assert max(found.params["samples_taken"]) > 8
    exact = cnn.logits(3 * images)[:, 2] - cnn.logits(ground)[:, 2].mean()
    torch.testing.assert_close(found.values.flatten(1).sum(1) - exact, found.delta, atol=1e-5, rtol=1e-3)


def test_a_background_larger_than_the_samples_is_drawn_from(wrap):
    net, rows, ground = nn.Linear(5, 3), torch.randn(1, 5), torch.randn(50, 5)
    one, other = (ExpectedGradients(ground, n_samples=10, seed=seed)(wrap(net), rows, 1) for seed in (0, 1))
    assert one.params["samples_taken"] == [10]
    assert not torch.equal(one.values, other.values)
    assert one.complete.all()


@pytest.mark.parametrize("ground", [torch.zeros(3, 4), torch.zeros(0, 1, 12, 12), torch.full((2, 1, 12, 12), float("inf"))])
def test_a_wrong_background_is_refused(cnn, images, ground):
    with pytest.raises(ShapeError, match="the background"):
        ExpectedGradients(ground)(cnn, images)


def test_the_error_is_a_share_of_what_was_promised():
    values = torch.tensor([[3.0, 1.0], [5.0, -5.0], [0.0, 0.0]])
    found = Attribution(values, torch.zeros(3).long(), "m", delta=torch.tensor([0.4, 0.05, 0.0]), tolerance=0.2)
    torch.testing.assert_close(found.error.float(), torch.tensor([0.4 / 3.6, 0.5, 0.0]))
    assert found.complete.tolist() == [True, False, True]
    assert Attribution(values, torch.zeros(3).long(), "m").error is None
    assert Attribution(values, torch.zeros(3).long(), "m", delta=torch.zeros(3)).complete is None
