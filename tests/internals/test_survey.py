"""What is streamed is what one pass over everything would give, and nothing stays behind."""

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

from netlens.capture import activations
from netlens.errors import ModelError, ShapeError, UsageError
from netlens.internals import idle, similarity, survey


def whole(model, images, path):
    with activations(model, [path]) as kept, torch.no_grad():
        model.net(images)
    return kept[path]


@pytest.mark.parametrize("path", ["conv1", "relu2", "pool2", "fc1"])
@pytest.mark.parametrize("rows", [4, 16, 50])
def test_streamed_numbers_are_those_of_one_pass(cnn, images, path, rows):
    units = survey(cnn, images, [path], top=5, rows=rows)[path]
    values = whole(cnn, images, path).flatten(2) if path != "fc1" else whole(cnn, images, path).unsqueeze(2)
    peaks, means = values.amax(2), values.mean(2).double()
    np.testing.assert_allclose(units.highest, peaks.amax(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(units.lowest_peak, peaks.amin(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(units.mean, means.mean(0), atol=1e-6)
    np.testing.assert_allclose(units.spread, means.std(0, correction=0), atol=1e-6)
    best, order = peaks.sort(dim=0, descending=True)
    np.testing.assert_allclose(units.top_peaks, best[:5], rtol=1e-5, atol=1e-6)
    distinct = (best[:4] - best[1:5]).abs().amin(0) > 1e-6
    assert distinct.any()
    assert units.top[:, distinct].tolist() == order[:5, distinct].tolist()


def test_a_data_set_can_be_surveyed(learned, digits):
    model, _ = learned
    found = survey(model, digits[1], top=3)
    assert found.n == 359
    assert [units.path for units in found.layers] == list(model.layers)
    assert found["fc2"].top.shape == (3, 10)
    logits = model.logits(digits[1].all().inputs)
    assert found["fc2"].top[0].tolist() == logits.argmax(0).tolist()


def test_each_call_of_a_module_is_read_by_itself(wrapped):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 3)

        def forward(self, inputs):
            return self.fc(self.fc(inputs))

    model, rows = wrapped(Twice()), torch.rand(9, 3)
    found = survey(model, rows)
    assert [units.path for units in found.layers] == ["fc", "fc#2"]
    np.testing.assert_allclose(found["fc#2"].highest, model.net(rows).amax(0).detach(), rtol=1e-5)


def test_units_of_tokens_are_their_features(wrapped):
    net, rows = nn.Sequential(nn.Linear(6, 5), nn.GELU(), nn.LayerNorm(5)), torch.rand(4, 7, 6)
    found = survey(wrapped(net), rows)
    assert [len(units) for units in found.layers] == [5, 5, 5]
    np.testing.assert_allclose(found["1"].highest, net[:2](rows).amax((0, 1)).detach(), rtol=1e-5)


def test_memory_does_not_grow_with_the_data(cnn, images):
    small, large = (survey(cnn, images.repeat(times, 1, 1, 1), top=2) for times in (1, 20))
    assert sum(units.top.size + units.mean.size for units in small.layers) == sum(
        units.top.size + units.mean.size for units in large.layers
    )
    for few, many in zip(small.layers, large.layers, strict=True):
        np.testing.assert_allclose(few.mean, many.mean, atol=1e-6)


def test_half_precision_gives_almost_the_same(wrapped):
    net, rows = nn.Sequential(nn.Linear(6, 5), nn.ReLU()), torch.rand(30, 6)
    full = survey(wrapped(net), rows)["1"]
    half = survey(wrapped(net.bfloat16()), rows.bfloat16())["1"]
    np.testing.assert_allclose(full.highest, half.highest, atol=0.02)


def test_the_model_is_left_as_it_was(cnn, images):
    cnn.net.train()
    survey(cnn, images)
    assert cnn.net.training
    assert not any(module._forward_hooks for module in cnn.net.modules())


def test_bad_questions_are_refused(cnn, images):
    with pytest.raises(ModelError, match="Did you mean 'conv1'"):
        survey(cnn, images, ["conv11"])
    with pytest.raises(ShapeError, match="there is no sample"):
        survey(cnn, images[:0])
    with pytest.raises(ShapeError, match="does not run on inputs"):
        survey(cnn, torch.rand(2, 5, 12, 12))
    with pytest.raises(UsageError, match="top is -1"):
        survey(cnn, images, top=-1)
    with pytest.raises(UsageError, match="no layer in the survey 'fc3'"):
        survey(cnn, images)["fc3"]


def test_recurrent_layers_are_read_by_their_outputs(wrapped):
    class Reads(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.fc = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 3)

        def forward(self, inputs):
            return self.fc(self.lstm(inputs)[0][:, -1])

    model, rows = wrapped(Reads()), torch.rand(10, 6, 3)
    found = survey(model, rows)
    outputs = model.net.lstm(rows)[0].detach()
    np.testing.assert_allclose(found["lstm"].highest, outputs.amax((0, 1)), rtol=1e-5)
    assert similarity(model, rows).rows == ("lstm", "fc")


class Gated(nn.Module):
    """Maps, each weighed by what a linear layer makes of all of them."""

    def __init__(self):
        super().__init__()
        self.conv, self.gate, self.relu, self.fc = nn.Conv2d(1, 5, 3), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 3)

    def forward(self, inputs):
        maps = self.conv(inputs)
        return self.fc(self.relu(maps * self.gate(maps.mean((2, 3)))[..., None, None]).mean((2, 3)))


def test_units_are_channels_also_after_a_linear_layer_that_weighs_maps(wrapped, images):
    model = wrapped(Gated())
    assert len(survey(model, images)["relu"]) == 5
    assert len(idle(model, images).functions[0].awake) == 5


def test_units_are_features_of_tokens_that_were_cut_from_an_image(wrapped):
    net = torchvision.models.VisionTransformer(32, 8, 1, 2, 16, 32, num_classes=3)
    assert len(survey(wrapped(net), torch.rand(4, 3, 32, 32))["encoder.dropout"]) == 16


def test_units_are_channels_wherever_a_network_puts_them(wrapped):
    settings = [CNBlockConfig(6, 12, 1), CNBlockConfig(12, None, 1)]
    found = survey(wrapped(ConvNeXt(settings, num_classes=3)), torch.rand(4, 3, 64, 64))
    units = {one.path: len(one) for one in found.layers}
    assert [units[f"features.{path}"] for path in ("0.1", "1.0.block.1", "1.0.block.5", "1.0.stochastic_depth")] == [6] * 4
    assert [units[f"features.{path}"] for path in ("2.0", "3.0.block.1", "3.0.stochastic_depth")] == [6, 12, 12]


class TimeFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.fc = nn.LSTM(4, 6), nn.Linear(6, 3)

    def forward(self, inputs):
        return self.fc(self.lstm(inputs.transpose(0, 1))[0][-1])


@pytest.mark.parametrize("n", [16, 20])  # sixteen are as many as there are steps
def test_of_a_module_with_time_first_samples_are_told_from_steps(wrapped, n):
    model, inputs = wrapped(TimeFirst()), torch.randn(n, 16, 4)
    with torch.no_grad():
        output = model.net.lstm(inputs.transpose(0, 1))[0]
    units = survey(model, inputs)["lstm"]
    np.testing.assert_allclose(units.highest, output.amax((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(units.mean, output.double().mean((0, 1)), atol=1e-6)
    turned = similarity(model, inputs, ["lstm"], rows=16).values
    np.testing.assert_allclose(turned, 1)


def test_a_layer_that_mixes_samples_and_steps_is_skipped_and_said(wrapped):
    class Folded(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.fc = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, inputs):
            steps = inputs.transpose(0, 1)
            return self.fc(self.inner(steps)[-1])

    found = survey(wrapped(Folded()), torch.randn(20, 16, 4))  # by chance the first batch has as many samples as steps
    assert (found.skipped, [one.path for one in found.layers]) == (("inner",), ["fc"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_network_in_another_precision_is_read(cnn, images, dtype):
    expected = survey(cnn, images)["fc2"].mean
    cnn.net.to(dtype)
    np.testing.assert_allclose(survey(cnn, images)["fc2"].mean, expected, atol=0.02)
    assert idle(cnn, images).n == len(images)
    np.testing.assert_allclose(np.diag(similarity(cnn, images).values), 1, atol=1e-6)
