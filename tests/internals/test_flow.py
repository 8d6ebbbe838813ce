"""Planted networks flow as planted; what is recorded is what torch computed."""

import numpy as np
import pytest
import torch
from torch import nn

from netlens.errors import ModelError, ShapeError, UsageError
from netlens.internals import PLANTED, Recorder, deep, learn


@pytest.fixture(scope="module")
def samples(digits):
    batch = digits[0].take(300)
    return batch.inputs, batch.labels


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("sigmoid", "vanishing"), ("large", "exploding"), ("relu", "even"), ("normalised", "even"), ("residual", "even")],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_planted_networks_are_told_apart(samples, kind, verdict, seed):
    assert learn(deep(kind, 64, 10, seed=seed), *samples, steps=3, rate=0.05, seed=seed).verdict == verdict


def test_the_remedies_learn_where_the_ill_network_does_not(samples):
    ends = {kind: learn(deep(kind, 64, 10), *samples, steps=40).loss for kind in PLANTED}
    assert ends["sigmoid"][-5:].mean() > 2.25
    assert not np.isfinite(ends["large"]).all()
    for kind in ("relu", "normalised", "residual"):
        assert ends[kind][-5:].mean() < 0.9 * ends["sigmoid"][-5:].mean()


def test_gradients_weights_and_steps_are_those_of_torch():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    recorder, optimiser = Recorder(net), torch.optim.SGD(net.parameters(), 0.5)
    nn.functional.cross_entropy(net(torch.rand(8, 3)), torch.randint(2, (8,))).backward()
    gradients = [net[place].weight.grad.clone() for place in (0, 2)]
    before = [net[place].weight.detach().clone() for place in (0, 2)]
    recorder.before()
    optimiser.step()
    recorder.after(1.5)
    flow = recorder.flow()
    assert flow.layers == ("0", "2")
    assert flow.loss.tolist() == [1.5]
    rms = [gradient.square().mean().sqrt().item() for gradient in gradients]
    np.testing.assert_allclose(flow.gradient[0], rms, rtol=1e-5)
    np.testing.assert_allclose(flow.weight[0], [one.square().mean().sqrt().item() for one in before], rtol=1e-5)
    np.testing.assert_allclose(flow.update[0], 0.5 * np.asarray(rms), rtol=1e-4)
    assert flow.counts[0].sum(1).tolist() == [12, 8]
    np.testing.assert_allclose(flow.ratio, flow.update / flow.weight)


def test_gradients_that_are_zero_are_counted(samples):
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 10))
    with torch.no_grad():
        net[1].bias[:3] = -1e4
    flow = learn(net, *samples, steps=2)
    assert flow.zeros[0, 0] == pytest.approx(0.5, abs=0.1)
    assert flow.counts[0, 0].sum() == round((1 - flow.zeros[0, 0]) * 6 * 64)


def test_the_network_itself_does_not_learn(samples):
    net = deep("relu", 64, 10)
    before = net.first.weight.clone()
    one, other = (learn(net, *samples, steps=3) for _ in range(2))
    torch.testing.assert_close(net.first.weight, before)
    np.testing.assert_array_equal(one.loss, other.loss)


def test_bad_questions_are_refused():
    with pytest.raises(ShapeError, match="0 inputs"):
        learn(nn.Linear(4, 2), torch.rand(0, 4), torch.zeros(0, dtype=torch.long))
    with pytest.raises(ShapeError, match="3 inputs and 2 labels"):
        learn(nn.Linear(4, 2), torch.rand(3, 4), torch.zeros(2, dtype=torch.long))
    with pytest.raises(ModelError, match="no weights that learn"):
        Recorder(nn.ReLU())
    with pytest.raises(UsageError, match=r"there is no kind 'sigmoids'.*Did you mean 'sigmoid'"):
        deep("sigmoids", 64, 10)


@pytest.mark.parametrize(
    ("inputs", "labels", "given", "error", "said"),
    [
        (torch.rand(3, 4), torch.zeros(3), {}, ShapeError, "labels are .*float32.*one class index"),
        (torch.rand(3, 4), torch.tensor([0, 1, -1]), {}, ShapeError, "labels are .*from -1"),
        (torch.rand(3, 4), torch.tensor([0, 1, 7]), {}, ShapeError, "Linear does not learn from inputs .*7 is out of bounds"),
        (torch.rand(3, 5), torch.tensor([0, 1, 1]), {}, ShapeError, r"Linear does not learn from inputs \(3, 5\)"),
        (torch.rand(3, 4), torch.tensor([0, 1, 1]), {"steps": 0}, UsageError, "steps is 0"),
        (torch.rand(3, 4), torch.tensor([0, 1, 1]), {"rate": float("nan")}, UsageError, "rate nan"),
    ],
)
def test_what_cannot_be_learnt_is_told(inputs, labels, given, error, said):
    with pytest.raises(error, match=said):
        learn(nn.Linear(4, 2), inputs, labels, **given)


def test_a_flow_of_no_step_is_told():
    with pytest.raises(UsageError, match=r"no step was recorded.*before\(\)"):
        Recorder(nn.Linear(4, 2)).flow()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_network_in_another_precision_learns(dtype):
    found = learn(nn.Linear(4, 2).to(dtype), torch.rand(8, 4), torch.arange(8) % 2, steps=2)
    assert np.isfinite(found.loss).all()
