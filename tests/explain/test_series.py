"""Activation maps on series: against CAM and the formulas by hand, the axis of time found, and refusals where it cannot be told."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from netlens.data import Preprocess
from netlens.errors import ModelError, ShapeError
from netlens.explain import (
    EXPLAINERS,
    EigenCAM,
    GradCAM,
    GradCAMPlusPlus,
    GuidedBackprop,
    GuidedGradCAM,
    KernelSHAP,
    LayerCAM,
    NeuronGradient,
    ScoreCAM,
    describe,
)
from netlens.explain.applicability import refusals
from netlens.explain.cam import map_layers
from netlens.explain.features import Steps, feature_map
from netlens.explain.replacement import replacement
from netlens.explain.series import enlarge
from netlens.models import Model
from netlens.quality import Deletion, EffectiveSize, Infidelity, NoiseStability, agreement, randomise
from netlens.quality.base import elementwise, pixelwise
from tests.explain.test_contract_explainers import state_of

TARGET = torch.tensor([0, 2, 1])
CAMS = (GradCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM, EigenCAM)
ON_SERIES = (*CAMS, GuidedGradCAM)
SHAPES = {"channels first": (3, 2, 24), "channels last": (3, 24, 2), "rows": (3, 24)}


class Waves(nn.Module):
    """Convolutions along time, a global mean, one linear layer, as in Wang, Yan and Oates 2017."""

    def __init__(self, channels: int = 2, turned: bool = False, width: int = 6) -> None:
        super().__init__()
        self.turned = turned
        self.conv1, self.norm, self.relu1 = nn.Conv1d(channels, 5, 5, padding=2), nn.BatchNorm1d(5), nn.ReLU()
        self.pool = nn.MaxPool1d(2)
        self.conv2, self.relu2 = nn.Conv1d(5, width, 3, padding=1), nn.ReLU()
        self.fc = nn.Linear(width, 3)

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        series = series.unsqueeze(1) if series.ndim == 2 else series.mT if self.turned else series
        maps = self.pool(self.relu1(self.norm(self.conv1(series))))
        return self.fc(self.relu2(self.conv2(maps)).mean(2))


@pytest.fixture(params=SHAPES)
def case(request, wrap):
    """A network of series and three of them, in each of the ways in which series are given."""
    shape = SHAPES[request.param]
    return wrap(Waves(1 if len(shape) == 2 else 2, request.param == "channels last")), torch.randn(*shape)


@pytest.fixture
def waves(wrap):
    return wrap(Waves())


@pytest.fixture
def series():
    return torch.randn(3, 2, 24)


def read(model, series, layer):
    """Maps (N, K, t) of a layer and the gradients of the logits with respect to them, by hand."""
    kept = []
    handle = model.layer(layer).register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    scores = model.net.eval()(series).gather(1, TARGET.unsqueeze(1)).sum()
    handle.remove()
    return kept[-1].detach(), torch.autograd.grad(scores, kept[-1])[0]


def test_grad_cam_is_cam_where_a_mean_over_time_and_a_linear_layer_follow(case):
    model, series = case
    maps, _ = read(model, series, "relu2")
    cam = torch.einsum("nkt,nk->nt", maps, model.net.fc.weight[TARGET].detach())  # Zhou et al. 2016, equation 2
    found = GradCAM(relu=False)(model, series, TARGET)
    assert (found.layer, found.values.shape) == ("relu2", (3, 1, 12))
    torch.testing.assert_close(found.values[:, 0], cam / 12, atol=3e-6, rtol=0)
    total = found.values.flatten(1).sum(1) + model.net.fc.bias[TARGET].detach()
    torch.testing.assert_close(total, model.logits(series).gather(1, TARGET.unsqueeze(1)).squeeze(1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("layer", ["relu1", "conv2", "relu2"])
def test_each_formula_by_hand(waves, series, layer):
    a, g = read(waves, series, layer)
    below = 2 * g.square() + a.sum(2, keepdim=True) * g**3
    alpha = torch.where(below == 0, 0.0, g.square() / torch.where(below == 0, 1.0, below))
    expected = {
        GradCAM: (g.mean(2, keepdim=True) * a).sum(1).relu(),
        GradCAMPlusPlus: ((alpha * g.relu()).sum(2, keepdim=True) * a).sum(1).relu(),
        LayerCAM: (g.relu() * a).sum(1).relu(),
    }
    for method, values in expected.items():
        torch.testing.assert_close(method(layer)(waves, series, TARGET).values[:, 0], values, atol=1e-6, rtol=1e-4)
    component = torch.linalg.svd(a.mT.double(), full_matrices=False).Vh[:, 0]  # time x maps
    projected = (a.mT.double() @ component.unsqueeze(2)).squeeze(2)
    projected = projected * projected.sum(1, keepdim=True).sign()
    torch.testing.assert_close(EigenCAM(layer)(waves, series).values[:, 0].double(), projected, atol=1e-4, rtol=1e-3)


def test_score_cam_hides_what_a_map_enlarged_along_time_does_not_show(case):
    model, series = case
    maps, _ = read(model, series, "relu2")
    found = ScoreCAM()(model, series, TARGET).values
    for row in range(3):
        scores = []
        for one in maps[row]:
            mask = (one - one.min()) / (one.max() - one.min()) if one.max() > one.min() else torch.zeros_like(one)
            sized = functional.interpolate(mask[None, None], 24, mode="linear", align_corners=False)[0, 0]
            shaped = sized.view(-1, 1) if series.shape[1:] == (24, 2) else sized
            scores.append(model.logits(series[row : row + 1] * shaped)[0, TARGET[row]])
        cam = (torch.stack(scores).softmax(0).unsqueeze(1) * maps[row]).sum(0).relu()
        torch.testing.assert_close(found[row, 0], cam, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("way", ["bilinear", "nearest"])
def test_guided_grad_cam_is_guided_backprop_times_the_enlarged_map(case, way):
    model, series = case
    cam, guided = GradCAM()(model, series, TARGET).values, GuidedBackprop()(model, series, TARGET).values
    mode = {"mode": "linear", "align_corners": False} if way == "bilinear" else {"mode": "nearest"}
    sized = functional.interpolate(cam, 24, **mode)
    sized = sized[:, 0] if series.ndim == 2 else sized.mT if series.shape[1] == 24 else sized
    found = GuidedGradCAM(interpolation=way)(model, series, TARGET).values
    torch.testing.assert_close(found, guided * sized, atol=1e-7, rtol=1e-4)


def test_the_axis_of_time_is_found_and_said(case):
    model, series = case
    params = GradCAM()(model, series, TARGET).params
    axis = series.ndim - 1 if series.shape[-1] == 24 else 1
    shape = ", ".join(map(str, series.shape[1:]))
    assert params["time_axis"] == axis
    assert params["series"] == f"12 steps along axis {axis} of the inputs (N, {shape})"


@pytest.mark.parametrize("turned", [False, True])
def test_as_many_channels_as_steps_are_told_apart(wrap, turned):
    found = GradCAM()(wrap(Waves(24, turned, width=12)), torch.randn(3, 24, 24), TARGET)
    assert (found.layer, found.params["time_axis"]) == ("relu2", 1 if turned else 2)


@pytest.mark.parametrize("method", EXPLAINERS.values(), ids=EXPLAINERS)
def test_every_method_keeps_the_contract_on_series_or_is_refused(waves, series, method):
    refused = refusals(waves, series)[method.name]
    assert refused == "" or method not in ON_SERIES
    if refused:
        with pytest.raises((ModelError, ShapeError)):
            method()(waves, series, TARGET)
        return
    waves.net.train()
    before, inputs = state_of(waves), series.clone()
    asked = method(baseline="zero") if method.name in ("integrated_gradients", "deep_lift") else method()
    found = asked(waves, series, TARGET)
    assert found.values.shape == series.shape or (found.layer and found.values.shape == (3, 1, 12))
    assert torch.equal(asked(waves, series, TARGET).values, found.values)
    for row in range(3):
        alone = asked(waves, series[row : row + 1], TARGET[row : row + 1]).values
        torch.testing.assert_close(alone[0], found.values[row], atol=1e-4 * float(found.values[row].abs().max()), rtol=1e-3)
    assert state_of(waves) == before
    assert torch.equal(series, inputs)


@pytest.mark.parametrize("method", ON_SERIES)
def test_the_model_is_left_as_it_was_when_it_raises(waves, series, method):
    before = state_of(waves)
    waves.net.fc.forward = None  # type: ignore[assignment]
    try:
        with pytest.raises(ModelError, match="tiny broke"):
            method()(waves, series, TARGET)
    finally:
        del waves.net.fc.forward
    assert state_of(waves) == before


class Mixed(nn.Module):
    """A convolution along time, then tokens (N, t, K), then a norm and an activation of these."""

    def __init__(self, steps: int = 24) -> None:
        super().__init__()
        self.conv, self.mix, self.norm = nn.Conv1d(2, 8, 3, padding=1), nn.Linear(8, 8), nn.LayerNorm(8)
        self.act, self.fc = nn.GELU(), nn.Linear(8 * steps, 3)

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        return self.fc(self.act(self.norm(self.mix(self.conv(series).mT))).flatten(1))


@pytest.mark.parametrize("steps", [24, 8])  # with 8, a map and tokens have the same shape
@pytest.mark.parametrize("layer", ["mix", "norm", "act"])
def test_tokens_of_a_series_are_no_maps(wrap, steps, layer):
    model, series = wrap(Mixed(steps)), torch.randn(1, 2, steps)
    assert map_layers(model, series) == ["conv"]
    said = (
        rf"the layer '{layer}' of tiny gives \(1, {steps}, 8\)\. Expected .*tokens \(N, t, D\) of a series are none.*maps: conv"
    )
    with pytest.raises(ModelError, match=said):
        GradCAM(layer)(model, series, 0)


def test_blocks_and_functions_between_modules_do_not_hide_a_map(wrap):
    class Block(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.conv, self.drop = nn.Conv1d(channels, channels, 3, padding=1), nn.Dropout(0.5)

        def forward(self, maps):
            return functional.relu(maps + self.drop(self.conv(maps)))

    net = nn.Sequential(nn.Conv1d(2, 6, 3, padding=1), Block(6), Block(6), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(6, 3))
    model, series = wrap(net), torch.randn(2, 2, 16)
    assert map_layers(model, series) == ["0", "1.conv", "1.drop", "2.conv", "2.drop"]
    assert GradCAM("2")(model, series, 0).values.shape == (2, 1, 16)


class Stirred(Waves):
    """Its series are mixed before the first convolution, so that no place of what that is given is a step."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(24, 24)

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        return super().forward(self.mix(series))


@pytest.mark.parametrize("method", ON_SERIES)
def test_where_time_cannot_be_told_the_reason_is_said(wrap, series, method):
    model = wrap(Stirred())
    said = r"which axis of the inputs \(3, 2, 24\) is time cannot be told.*Use saliency or integrated_gradients"
    with pytest.raises(ModelError, match=said):
        method()(model, series, 0)
    assert "is time cannot be told" in refusals(model, series)[method.name]


@pytest.mark.parametrize("method", ON_SERIES)
def test_a_recurrent_network_of_series_has_no_maps(wrap, series, method):
    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.act, self.fc = nn.GRU(24, 5, batch_first=True), nn.ReLU(), nn.Linear(5, 3)

        def forward(self, inputs):
            return self.fc(self.act(self.gru(inputs)[0]).mean(1))

    model = wrap(Reader())
    assert refusals(model, series)[method.name]
    with pytest.raises(ModelError, match=r"no layer with maps|do not handle: UnsafeSplit in `gru`"):
        method()(model, series, 0)


def test_the_last_layer_serves_the_gradient_of_a_neuron(waves, series):
    found = NeuronGradient(unit=1, position=(5,))(waves, series, TARGET)
    assert found.layer == "relu2"
    assert found.values.shape == series.shape
    touched = found.values.abs().sum((0, 1)).nonzero().flatten()
    assert touched.min() >= 6  # step 5 of 12 sees steps 4 to 6, that is 8 to 13, and two on each side
    assert touched.max() <= 15


def test_a_map_is_enlarged_linearly_along_its_axis():
    maps = torch.tensor([[[0.0, 1.0]]])
    for shape, axis in (((1, 3, 4), 2), ((1, 4, 3), 1), ((1, 4), 1)):
        assert enlarge(maps, torch.Size(shape), axis).flatten().tolist() == [0, 0.25, 0.75, 1]
        torch.zeros(shape) + enlarge(maps, torch.Size(shape), axis)  # they broadcast


def test_steps_are_hidden_along_the_axis_of_time(case):
    model, series = case
    axis = series.ndim - 1 if series.shape[-1] == 24 else 1
    if series.ndim == 3:
        cut = feature_map(None, model, series, "test")
        assert (cut.counts, cut.chosen) == ((24, 24, 24), f"Steps(axis={axis}, width=1)")
        mean = replacement("mean", model, series, None, "test")[0]
        torch.testing.assert_close(mean, series.mean(axis, keepdim=True).expand_as(series))
    assert Steps(width=6)(model, series, "test").unique().tolist() == [0, 1, 2, 3]


def test_measures_take_the_map_of_a_series(case):
    model, series = case
    cam, shap = GradCAM(relu=False)(model, series, TARGET), KernelSHAP(n_samples=60)(model, series, TARGET)
    whole = functional.interpolate(cam.values.double(), 24, mode="linear", align_corners=False)
    torch.testing.assert_close(pixelwise(cam, series, "test"), whole[:, 0])
    assert elementwise(cam, series, "test").shape == series.shape
    axis = series.ndim - 1 if series.shape[-1] == 24 else 1
    between = agreement([cam, shap], series).values
    assert between.shape == (2, 2, 3)
    torch.testing.assert_close(between, agreement([shap, cam], series).values.flip(0, 1))
    assert Deletion(6)(model, cam, series).own.shape == (3,)
    for metric in (Infidelity(n_samples=8), EffectiveSize()):
        assert metric(model, cam, series).values.isfinite().all()
    sizes = EffectiveSize()(model, cam, series).values
    shares = whole[:, 0].abs() / whole[:, 0].abs().sum(1, keepdim=True)
    torch.testing.assert_close(sizes, 1 / shares.square().sum(1))
    assert NoiseStability(n_samples=2)(model, GradCAM(), series).values.shape == (3,)
    assert randomise(GradCAM(), model, series, draws=1, decisive_only=True).excess.shape == (3,)
    assert cam.params["time_axis"] == axis


class Early(nn.Module):
    """The logit of "yes" is 4 times the mean of steps 3 to 6, counted from 1, of the first channel; that of "no" is 0."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(2, 1, 1, bias=False)
        nn.init.constant_(self.conv.weight, 0)
        self.conv.weight.data[0, 0] = 1

    def forward(self, series: torch.Tensor) -> torch.Tensor:
        yes = 4 * self.conv(series)[:, 0, 2:6].mean(1)
        return torch.stack([yes, 0 * yes], 1)


def test_the_sentence_names_the_steps():
    model, series = Model(Early(), "early", ("yes", "no"), Preprocess((0.0,), (1.0,))), torch.zeros(1, 2, 16)
    series[:, 0, 2:6] = 1
    for method in (GradCAM("conv"), LayerCAM("conv"), KernelSHAP()):
        (said,) = describe(model, series, method(model, series))
        start = "The network answers “yes” with 98.2 %. Hiding steps 3 to 6, the 25 % of the series that speaks most for it, drops this to 50 %"
        assert said.startswith(start), said
    series[:, 0, 4] = 0
    (said,) = describe(model, series, LayerCAM("conv")(model, series), names=[f"{hour} h" for hour in range(16)])
    assert "Hiding steps '2 h' to '3 h' and step '5 h', the 19 % of the series that speak most for it," in said
    (said,) = describe(model, -series, GradCAM("conv")(model, -series, 0))
    assert said.endswith("No positive evidence was found: no part of the series speaks for it, and none against it.")
