"""Parameter randomisation: published outcomes, the trap of the background, and the user's model left alone."""

import warnings

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ModelError, ShapeError
from netlens.explain import Attribution, GradCAM, GradientXInput, GuidedBackprop, IntegratedGradients, Saliency
from netlens.models import Model
from netlens.models.model import weights_fingerprint
from netlens.quality.base import crossed, interval
from netlens.quality.sanity import broken_copy, edges, randomise, weighted
from netlens.quality.stamp import Policy


class Outline:
    """A method that draws the edges of the input, and asks no network."""

    name = "outline"

    def __call__(self, model, inputs, target=None):  # noqa: ARG002 - as every method
        return Attribution(edges(inputs), torch.zeros(len(inputs), dtype=torch.long), self.name)


@pytest.fixture(scope="module")
def exam(digits):
    return digits[1].take(16).inputs


def test_the_user_keeps_the_model_and_the_random_state(learned, exam):
    model = learned[0]
    print_before, state = weights_fingerprint(model.net), torch.get_rng_state()
    randomise(Saliency(), model, exam[:2], draws=1)
    assert weights_fingerprint(model.net) == print_before
    assert torch.equal(torch.get_rng_state(), state)


def test_a_cascade_breaks_the_top_first_and_keeps_what_it_broke(learned):
    model = learned[0]
    paths = ["fc2", "fc1"]
    net = broken_copy(model, paths, 0).net
    changed = {path for path, layer in model.layers.items() for a, b in zip(layer.parameters(), net.get_submodule(path).parameters(), strict=True) if not torch.equal(a, b)}  # fmt: skip
    assert changed == set(paths)
    assert torch.equal(net.fc2.weight, broken_copy(model, ["fc2"], 0).net.fc2.weight)
    assert not torch.equal(net.fc2.weight, broken_copy(model, ["fc2"], 1).net.fc2.weight)


def test_stages_run_from_the_top_and_the_decisive_one_spares_the_first_layer(learned, exam):
    result = randomise(Saliency(), learned[0], exam[:2], draws=1)
    assert result.layers == ("fc2", "fc1", "conv2", "conv1")
    assert result.layers[result.decisive] == "conv2"
    assert len(result.maps) == 5
    only = randomise(Saliency(), learned[0], exam[:2], draws=1, decisive_only=True)
    assert only.kept[only.decisive].tolist() == result.kept[result.decisive].tolist()
    grouped = randomise(Saliency(), learned[0], exam[:2], draws=1, stages=2)
    assert grouped.layers == ("fc2 … conv2", "conv1")  # the first layer is never lumped together with others
    assert grouped.kept[grouped.decisive].tolist() == only.kept[only.decisive].tolist()


class Reversed(nn.Module):
    """The layers are registered from the last to the first, and the network holds weights of its own."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 3)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.embed = nn.Linear(4, 8)
        self.start = nn.Parameter(torch.randn(1, 1, 8))

    def forward(self, inputs):
        tokens = torch.cat([self.start.expand(len(inputs), 1, 8), self.embed(inputs)], 1)
        return self.head(self.attention(tokens, tokens, tokens)[0][:, 0])


def test_layers_stand_in_the_order_in_which_they_run():
    model = Model(Reversed().eval(), "reversed", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))
    result = randomise(Saliency(), model, torch.randn(4, 5, 4), draws=1)
    assert result.layers == ("head", "attention.out_proj", "attention", "embed")
    assert result.layers[result.decisive] == "attention"


def changed(model, net):
    """The weights of a network that differ from those of a model, by name."""
    return {name for (name, own), other in zip(model.net.named_parameters(), net.parameters(), strict=True) if not torch.equal(own, other)}  # fmt: skip


def test_weights_that_no_layer_holds_are_broken_too():
    """Those of attention lie in a module with another inside; the first token belongs to the network itself."""
    model = Model(Reversed().eval(), "reversed", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))
    with torch.no_grad():
        model.net.attention.in_proj_bias.normal_()
    assert changed(model, broken_copy(model, ["attention"], 0).net) == {"attention.in_proj_weight", "attention.in_proj_bias"}
    assert changed(model, broken_copy(model, weighted(model.net), 0).net) == {name for name, _ in model.net.named_parameters()}


def test_weights_behind_a_parametrisation_are_broken_too():
    from torch.nn.utils.parametrizations import weight_norm

    net = nn.Sequential(nn.Flatten(), weight_norm(nn.Linear(16, 6)), nn.ReLU(), weight_norm(nn.Linear(6, 3))).eval()
    model = Model(net, "normed", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))
    assert changed(model, broken_copy(model, weighted(net), 0).net) == {name for name, _ in net.named_parameters()}
    assert abs(randomise(Saliency(), model, torch.rand(6, 1, 4, 4), draws=8).kept[-1].mean().item()) < 0.5


@pytest.mark.parametrize("kind", ["exported", "script", "compiled"])
def test_networks_of_every_kind_are_broken(kind):
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    images = torch.rand(6, 1, 4, 4)
    if kind == "exported":
        other = torch.export.export(net, (images,), dynamic_shapes=({0: torch.export.Dim("rows")},)).module()
    elif kind == "script":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            other = torch.jit.trace(net, images)
    else:
        other = torch.compile(net, backend="eager")
    plain, same = (
        randomise(Saliency(), Model(one, "net", ("a", "b", "c"), Preprocess((0.0,), (1.0,))), images, draws=1)
        for one in (net, other)
    )
    assert plain.layers == same.layers == ("3", "1")
    assert torch.allclose(plain.maps[0].values, same.maps[0].values, atol=1e-6)
    assert same.kept[-1].mean().item() < 0.9


def test_the_interval_knows_that_all_samples_share_the_random_networks():
    """Of 400 experiments whose truth is 0, about 95 % of the intervals hold it; by the samples alone far fewer do."""
    draw = torch.Generator().manual_seed(0)
    held, alone = [], []
    for _ in range(400):
        networks, samples = torch.randn(3, 1, generator=draw), torch.randn(1, 12, generator=draw)
        values = (0.1 * networks + 0.2 * samples + 0.1 * torch.randn(3, 12, generator=draw)).double()
        for found, one in ((held, crossed(values)), (alone, interval(values.mean(0)))):
            found.append(one[1] <= 0 <= one[2])
    assert sum(held) / 400 > 0.93
    assert sum(alone) / 400 < 0.9
    assert crossed(values[:1]) == interval(values[0])
    assert crossed(torch.ones(3, 5)) == (1, 1, 1)


def test_no_interval_of_a_correlation_leaves_its_range(learned, exam):
    frame = randomise(Saliency(), learned[0], exam[:4], draws=2).frame()
    assert frame["low"].min() >= -1
    assert frame["high"].max() <= 1
    assert ((frame["low"] <= frame["mean"]) & (frame["mean"] <= frame["high"])).all()


def test_one_layer_at_a_time(learned, exam):
    alone = randomise(Saliency(), learned[0], exam[:2], order="independent", draws=1)
    cascade = randomise(Saliency(), learned[0], exam[:2], draws=1)
    assert alone.kept[0].tolist() == cascade.kept[0].tolist()
    assert alone.kept[3].tolist() != cascade.kept[3].tolist()


def test_a_drawing_of_the_input_keeps_everything(learned, exam):
    result = randomise(Outline(), learned[0], exam, draws=1)
    assert torch.allclose(result.kept, torch.ones_like(result.kept))
    assert result.controls["edges"].tolist() == pytest.approx([1] * len(exam))


def test_guided_backprop_fails_and_the_gradient_and_grad_cam_pass(learned, exam):
    limit = Policy().sanity_excess
    guided, gradient, cam = (
        randomise(one, learned[0], exam, draws=3).interval for one in (GuidedBackprop(), Saliency(), GradCAM())
    )
    assert guided[1] > limit
    assert gradient[1] < limit
    assert cam[1] < limit


@pytest.mark.slow
def test_the_published_outcomes_hold_on_mnist():
    from netlens.data import load
    from netlens.trained import obtain

    model, _ = obtain("mnist-cnn", "mnist-5k", device="cpu")
    inputs = load("mnist-5k", "test").take(12).inputs
    guided, gradient, cam = (randomise(one, model, inputs, draws=2) for one in (GuidedBackprop(), Saliency(), GradCAM()))
    assert guided.interval[1] > 0.5
    assert gradient.interval[2] < 0.2
    assert cam.interval[1] < Policy().sanity_excess
    naive = randomise(IntegratedGradients(n_steps=8, tolerance=1), model, inputs, draws=1, everywhere=True, sizes=True)
    assert naive.kept[-1].mean().item() > 0.95
    assert naive.excess.mean().item() < 0.05  # the control gets as much


def test_the_naive_test_is_passed_by_noise_times_the_input():
    images = torch.zeros(6, 1, 14, 14)
    images[:, :, 4:9, 5:8] = 0.5 + torch.rand(6, 1, 5, 3)
    net = nn.Sequential(nn.Flatten(), nn.Linear(196, 12), nn.ReLU(), nn.Linear(12, 3))
    model = Model(net.eval(), "random", ("a", "b", "c"), Preprocess((0.0,), (1.0,)))
    naive = randomise(GradientXInput(), model, images, everywhere=True, sizes=True)
    assert naive.kept[-1].mean().item() > 0.9
    assert naive.controls["noise x input"].mean().item() > 0.9
    assert abs(naive.interval[0]) < 0.05
    honest = randomise(GradientXInput(), model, images)
    assert abs(honest.kept[-1].mean().item()) < 0.5


def test_a_layer_without_a_beginning_gets_weights_of_the_same_size():
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(3 + 0.1 * torch.randn(5000))

        def forward(self, inputs):
            return inputs * self.weight

    model = Model(nn.Sequential(Scale()), "scale", ("a",), Preprocess((0.0,), (1.0,)))
    fresh = broken_copy(model, ["0"], 0).net[0].weight
    assert fresh.mean().item() == pytest.approx(3, abs=0.02)
    assert fresh.std().item() == pytest.approx(0.1, rel=0.1)
    assert not torch.equal(fresh, model.net[0].weight)


def test_what_cannot_be_tested_is_refused(learned, exam):
    empty = Model(nn.Flatten(), "empty", tuple("ab"), Preprocess((0.0,), (1.0,)))
    with pytest.raises(ModelError, match="empty has no layer with weights"):
        randomise(Outline(), empty, exam[:2])
    with pytest.raises(ShapeError, match="draws 0"):
        randomise(Outline(), learned[0], exam[:2], draws=0)


def test_edges_of_a_step():
    images = torch.zeros(1, 1, 6, 6)
    images[..., 3:] = 1
    expected = torch.zeros(6, 6)
    expected[:, 2:4] = 4
    assert torch.equal(edges(images)[0, 0], expected)
