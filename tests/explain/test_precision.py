"""Reduced precision: used where a trial keeps the ranking, and nowhere else."""

import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from netlens.data import Preprocess
from netlens.errors import UsageError
from netlens.explain import precision
from netlens.explain.kernel_shap import KernelSHAP
from netlens.explain.precision import faithful, rank_correlation
from netlens.models import Model
from netlens.models.twin import twin

GREY = Preprocess((0.0,), (1.0,))


def network(offset: float) -> Model:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 2))
    with torch.no_grad():
        net[3].bias.fill_(offset)
    return Model(net, "tiny", ("a", "b"), GREY)


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> torch.Tensor:
    monkeypatch.setattr(precision, "has_bf16", lambda _device: True)  # the arithmetic is the same without the units
    torch.manual_seed(1)
    return torch.rand(2, 1, 8, 8)


def test_ranks_are_scipys() -> None:
    torch.manual_seed(0)
    one, other = torch.randint(0, 9, (60,)), torch.randint(0, 9, (60,))
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert rank_correlation(one, torch.ones(60)) == 0
    assert rank_correlation(torch.ones(3), torch.zeros(3)) == 1


def test_a_trial_fails_on_another_order_and_on_much_rounding() -> None:
    scores = torch.linspace(0, 1, 32, dtype=torch.float64)
    assert faithful(scores, scores + 0.001 * torch.randn(32))
    assert not faithful(scores, scores.flip(0))
    assert not faithful(scores, scores**5)


def test_short_numbers_are_used_where_they_change_nothing(images: torch.Tensor) -> None:
    full, short = (KernelSHAP("grid", "zero", precision=choice)(network(0.0), images, 0) for choice in ("float32", "auto"))
    assert full.params["precisions"] == ["float32", "float32"]
    assert short.params["precisions"] == ["bfloat16", "bfloat16"]
    assert not torch.equal(full.values, short.values)
    for row in range(2):
        assert rank_correlation(full.params["feature_values"][row], short.params["feature_values"][row]) > 0.95
    assert short.complete is not None
    assert short.complete.all()


def test_short_numbers_are_refused_where_they_would_drown_the_scores(images: torch.Tensor) -> None:
    model = network(1000.0)  # bfloat16 resolves 4 at 1,000; the scores differ by less than 1
    full, short = (KernelSHAP("grid", "zero", precision=choice)(model, images, 0) for choice in ("float32", "auto"))
    assert short.params["precisions"] == ["float32", "float32"]
    torch.testing.assert_close(full.values, short.values, atol=1e-4, rtol=0)


def test_a_processor_without_the_units_stays_in_full_precision(images: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "has_bf16", lambda _device: False)
    found = KernelSHAP("grid", "zero", precision="auto")(network(0.0), images, 0)
    assert found.params["precisions"] == ["float32", "float32"]


class Tied(nn.Module):
    """A convolution, and a linear layer that shares its weights with an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.table = nn.Embedding(5, 4)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.table.weight

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.head(self.norm(self.conv(inputs)).mean((2, 3)))
        return scores


def test_weights_cast_once_give_what_casts_at_every_pass_give(images: torch.Tensor) -> None:
    torch.manual_seed(0)
    net = Tied().eval()
    short = twin(net, "test", short=torch.channels_last)
    assert short.conv.weight.dtype == torch.bfloat16
    assert short.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert short.head.weight is net.table.weight  # an embedding gives what its weights are
    assert short.norm.weight is net.norm.weight
    assert net.conv.weight.dtype == torch.float32
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(short(images), net(images))


def test_a_network_that_cannot_be_copied_runs_in_short_numbers_all_the_same(images: torch.Tensor) -> None:
    model = network(0.0)
    usual = KernelSHAP("grid", "zero", precision="auto")(model, images, 0)
    model.net.stream = (number for number in range(3))  # a generator has no copy
    found = KernelSHAP("grid", "zero", precision="auto")(model, images, 0)
    assert found.params["precisions"] == ["bfloat16", "bfloat16"]
    assert torch.equal(found.values, usual.values)


def test_an_unknown_precision_is_refused(images: torch.Tensor) -> None:
    with pytest.raises(UsageError, match=r"there is no precision 'bf16'.*Known: float32, auto"):
        KernelSHAP(precision="bf16")(network(0.0), images)  # type: ignore[arg-type]
