"""GradientSHAP and partition SHAP: known values, shap's own beside them, and what is left of the model afterwards."""

import copy

import numpy as np
import pytest
import torch
from captum.testing.helpers.basic_models import BasicModel_MultiLayer
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError
from netlens.explain.base import Explainer
from netlens.explain.gradient_shap import GradientSHAP
from netlens.explain.kernel_shap import KernelSHAP
from netlens.explain.libraries import quietly
from netlens.explain.partition_shap import Branch, PartitionSHAP, owen
from netlens.models import Model
from netlens.models.architectures import MnistCNN

with quietly():
    import shap

GREY = Preprocess((0.1,), (0.3,))


@pytest.fixture
def cnn() -> Model:
    torch.manual_seed(0)
    return Model(MnistCNN(size=12, classes=3), "tiny", ("a", "b", "c"), GREY)


class Logit(nn.Module):
    """A network that gives one logit alone, (N, 1)."""

    def __init__(self, net: nn.Module, place: int) -> None:
        super().__init__()
        self.net, self.place = net, place

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.net(inputs)[:, self.place : self.place + 1]


def linear() -> tuple[Model, torch.Tensor]:
    net = nn.Linear(6, 2)
    return Model(net, "linear", ("a", "b"), GREY), net.weight[1].detach()


def test_a_linear_network_gives_weight_times_distance_from_the_background() -> None:
    model, weight = linear()
    inputs, ground = torch.randn(2, 6), torch.randn(5, 6)
    found = GradientSHAP(ground, n_samples=4000)(model, inputs, 1)
    assert found.spread is not None
    assert ((found.values - weight * (inputs - ground.mean(0))).abs() <= 5 * found.spread).all()


@pytest.mark.parametrize("method", [GradientSHAP(n_samples=10), PartitionSHAP(n_samples=50)])
def test_the_model_and_the_random_state_are_left_as_they_were(cnn: Model, method: Explainer) -> None:
    cnn.net.train()
    for weight in cnn.net.parameters():
        weight.grad = torch.ones_like(weight)
    names = {name: set(vars(module)) for name, module in cnn.net.named_modules()}
    state, before = np.random.get_state()[1].copy(), cnn.fingerprint  # noqa: NPY002
    found = method(cnn, torch.randn(2, 1, 12, 12))
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002
    assert cnn.net.training
    assert all((weight.grad == 1).all() and weight.requires_grad for weight in cnn.net.parameters())
    assert {name: set(vars(module)) for name, module in cnn.net.named_modules()} == names
    assert not any(module._forward_hooks or module._backward_hooks for module in cnn.net.modules())
    assert Model(cnn.net, "again", cnn.classes, GREY).fingerprint == before
    assert found.values.shape == (2, 1, 12, 12)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_networks_in_another_precision_are_explained_in_shaps(dtype: torch.dtype) -> None:
    model, _ = linear()
    ground, inputs = torch.randn(4, 6), torch.randn(2, 6)
    expected = GradientSHAP(ground, n_samples=50)(model, inputs, 1).values
    model.net.to(dtype)
    found = GradientSHAP(ground, n_samples=50)(model, inputs, 1)
    torch.testing.assert_close(found.values.float(), expected, atol=0.05, rtol=0.02)
    assert all(parameter.dtype == dtype for parameter in model.net.parameters())


@pytest.mark.parametrize("samples", [2, 75])
def test_gradient_shap_gives_the_values_of_shap(cnn: Model, samples: int) -> None:
    images, ground = torch.randn(3, 1, 12, 12), torch.randn(6, 1, 12, 12)
    found = GradientSHAP(ground, samples, seed=5)(cnn, images, 1)
    for row, image in enumerate(images.split(1)):  # shap draws on from one row to the next, and each of ours meets the same draws
        state = np.random.get_state()  # noqa: NPY002
        explainer = shap.GradientExplainer(Logit(copy.deepcopy(cnn.net), 1).eval(), ground)
        theirs, variances = explainer.shap_values(image, nsamples=samples, rseed=5, return_variances=True)
        np.random.set_state(state)  # noqa: NPY002
        torch.testing.assert_close(found.values[row], torch.as_tensor(theirs).float().view(1, 12, 12), atol=1e-5, rtol=1e-4)
        # shap divides the variance by the root of the number of points; the variance of a mean is divided by the number.
        error = torch.as_tensor(variances[0]).view(1, 12, 12).div(samples**0.5).mul(samples / (samples - 1)).sqrt()
        torch.testing.assert_close(found.spread[row], error.float(), atol=1e-5, rtol=1e-3)
    change = cnn.logits(images)[:, 1] - cnn.logits(ground)[:, 1].mean()
    torch.testing.assert_close(found.values.flatten(1).sum(1) - change, found.delta, atol=1e-5, rtol=1e-4)


def test_gradient_shap_draws_the_same_for_a_row_alone_and_states_its_error(cnn: Model) -> None:
    images, ground = torch.randn(2, 1, 12, 12), torch.randn(6, 1, 12, 12)
    runs = [GradientSHAP(ground, 40, seed)(cnn, images, 0) for seed in range(12)]
    alone = GradientSHAP(ground, 40, 0)(cnn, images[1:], 0)
    torch.testing.assert_close(runs[0].values[1], alone.values[0])
    seen = torch.stack([run.values for run in runs]).std(0)
    stated = torch.stack([run.spread for run in runs if run.spread is not None]).square().mean(0).sqrt()
    assert 0.8 < float((stated.square().mean() / seen.square().mean()).sqrt()) < 1.25


def test_partition_shap_is_exact_where_pairs_share_a_branch() -> None:
    model = Model(BasicModel_MultiLayer(), "reference", ("a", "b"), GREY)
    found = PartitionSHAP()(model, torch.tensor([[20.0, 50.0, 30.0]]), 0)
    assert found.values.sum() == pytest.approx(390)
    scores = {shown: float(model.logits(torch.tensor([shown]) * torch.tensor([[20.0, 50.0, 30.0]]))[0, 0]) for shown in SHOWN}

    def gain(without: tuple[float, ...], *also: int) -> float:
        return scores[tuple(1.0 if place in also else value for place, value in enumerate(without))] - scores[without]

    # The tree is (0, (1, 2)): player 0 against the pair, and the players of the pair with and without player 0.
    first = (gain((0.0, 0.0, 0.0), 0) + gain((0.0, 1.0, 1.0), 0)) / 2
    second = sum(gain((a, 0.0, b), 1) for a in (0.0, 1.0) for b in (0.0, 1.0)) / 4
    torch.testing.assert_close(found.values[0, :2], torch.tensor([first, second]))


class _Masker:
    """What shap asks of a masker; the masked input is the mask itself."""

    immutable_outputs = True

    def __init__(self, root: Branch) -> None:
        self.shape = (1, len(root.members))
        links: list[list[float]] = []

        def join(branch: Branch) -> float:
            size = len(branch.members)
            if size == 1:
                return float(branch.members[0])
            links.append([*map(join, branch.halves), size, size])
            return float(len(root.members) + len(links) - 1)

        join(root)
        self.clustering = np.array(links)

    def __call__(self, mask: np.ndarray, _row: object) -> tuple[np.ndarray]:
        return (mask[np.newaxis].copy(),)


@pytest.mark.parametrize(("players", "passes"), [(2, 4), (7, 6), (7, 500), (60, 40), (60, 600), (60, 9000)])
def test_the_search_of_partition_shap_is_that_of_shap(players: int, passes: int) -> None:
    rng = np.random.default_rng(players + passes)
    one, pairs, asked = rng.normal(size=players), rng.normal(size=(players, players)) / players, []

    def score(masks: np.ndarray) -> np.ndarray:
        asked.append(len(masks))
        shown = masks.astype(float)
        return np.tanh(shown @ one / 3) + np.einsum("si,ij,sj->s", shown, pairs, shown)

    root = Branch(list(range(players)), rng.normal(size=(2, players)).tolist())
    ends = score(np.array([[False] * players, [True] * players]))
    asked.clear()
    search, scores = owen(root, *ends, passes), None
    while True:
        try:
            scores = score(search.send(scores))
        except StopIteration as end:
            found = end.value
            break
    assert sum(asked) <= passes
    assert found.sum() == pytest.approx(ends[1] - ends[0])
    state = np.random.get_state()  # noqa: NPY002  # shap breaks ties with numpy's own numbers
    explainer = shap.PartitionExplainer(score, _Masker(root))
    theirs = explainer(np.ones((1, players), dtype=bool), max_evals=passes + 2, batch_size=512, silent=True)
    np.random.set_state(state)  # noqa: NPY002
    np.testing.assert_allclose(found, theirs.values[0], atol=1e-10)


SHOWN = [(a, b, c) for a in (0.0, 1.0) for b in (0.0, 1.0) for c in (0.0, 1.0)]


def test_partition_shap_is_linear_on_a_linear_network_and_adds_up_when_passes_run_out(cnn: Model) -> None:
    model, weight = linear()
    inputs, sample = torch.randn(2, 6), torch.randn(6)
    found = PartitionSHAP(replacement=sample)(model, inputs, 1)
    torch.testing.assert_close(found.values, weight * (inputs - sample), atol=1e-5, rtol=1e-4)
    short = PartitionSHAP(n_samples=20)(cnn, torch.randn(2, 1, 12, 12))
    assert short.complete is not None
    assert short.complete.all()
    assert short.spread is None


def test_partition_shap_agrees_with_kernel_shap_on_two_features(cnn: Model) -> None:
    image, labels = torch.randn(1, 1, 12, 12), (torch.arange(144) // 72).view(1, 1, 12, 12)
    one, other = (method(labels, "zero")(cnn, image, 1) for method in (PartitionSHAP, KernelSHAP))
    torch.testing.assert_close(one.values, other.values, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("ground", [torch.zeros(3, 5), torch.zeros(0, 6), torch.full((2, 6), torch.inf)])
def test_a_background_that_does_not_fit_is_refused(ground: torch.Tensor) -> None:
    model, _ = linear()
    with pytest.raises(ShapeError, match=r"Expected \(K, 6\)|NaN or infinite"):
        GradientSHAP(ground)(model, torch.randn(2, 6))
