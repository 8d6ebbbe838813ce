"""Models in an odd state: each is explained, or refused with one clear error."""

import copy
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import netlens
from netlens.errors import ModelError, ShapeError
from netlens.explain import (
    EXPLAINERS,
    LRP,
    DeepLIFT,
    DeepSHAP,
    ExpectedGradients,
    GradCAM,
    GradCAMPlusPlus,
    IntegratedGradients,
    Occlusion,
    Saliency,
    SmoothGrad,
    VarGrad,
)
from netlens.models import Model

GRADIENT_METHODS = ("saliency", "gradient_x_input", "smooth_grad", "var_grad", "integrated_gradients", "expected_gradients")


def table_net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 3))


@pytest.mark.parametrize("name", [*GRADIENT_METHODS, "gradient_shap"])
def test_a_network_that_cuts_the_graph_is_refused_and_another_method_named(wrap, name):
    class Rounded(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 3)

        def forward(self, inputs):
            return self.fc(inputs.detach())

    settings = {"baseline": "zero"} if name == "integrated_gradients" else {}
    with pytest.raises(
        ModelError,
        match=r"no gradient of tiny reaches what is explained.*occlusion, lime or kernel_shap|tiny cannot be differentiated",
    ):
        EXPLAINERS[name](**settings)(wrap(Rounded()), torch.rand(2, 6), 0)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch.ao's quantisation is to move to a library of its own
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_quantised_network_is_refused_by_gradients_and_explained_by_occlusion(wrap):
    net = torch.ao.quantization.quantize_dynamic(table_net(), {nn.Linear}, dtype=torch.qint8)
    with pytest.raises(ModelError, match="it is quantised, or it cuts the graph"):
        Saliency()(wrap(net), torch.rand(2, 6), 0)
    assert EXPLAINERS["occlusion"](replacement="zero")(wrap(net), torch.rand(2, 6), 0).values.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("method", [Saliency(), SmoothGrad(), IntegratedGradients("zero", n_steps=8), ExpectedGradients()])
def test_other_precisions_are_explained_in_their_own(wrap, dtype, method):
    net = table_net()
    rows = torch.rand(2, 6).bfloat16().float()
    exact = method(wrap(net), rows, 0).values
    found = method(wrap(net.to(dtype)), rows, 0).values
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    share = {torch.bfloat16: 0.1, torch.float16: 0.02, torch.float64: 1e-5}[dtype]
    torch.testing.assert_close(found.float(), exact, atol=share * float(exact.abs().max()), rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("method", [DeepLIFT("zero"), LRP(), DeepSHAP("zero")])
def test_rules_divide_in_single_precision(wrap, dtype, method):
    net = table_net().to(dtype).float()
    rows = torch.rand(2, 6).to(dtype).float()
    exact = method(wrap(net), rows, 0).values
    torch.testing.assert_close(method(wrap(net.to(dtype)), rows, 0).values, exact, atol=1e-6, rtol=1e-5)
    assert {weight.dtype for weight in net.parameters()} == {dtype}


def test_values_that_overflow_are_refused(cnn, images):
    with torch.no_grad():
        cnn.net.fc2.weight.mul_(1e37)
    with pytest.raises(ShapeError, match=r"the values of var_grad hold NaN or infinite numbers.*net\.double"):
        VarGrad()(cnn, images, 0)


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_grad_cam_plus_plus_squares_no_gradient(cnn, images, size):
    with torch.no_grad():
        cnn.net.fc2.weight.mul_(size)
        cnn.net.fc2.bias.mul_(size)
    expected = GradCAMPlusPlus()(replace(cnn, net=copy.deepcopy(cnn.net).double()), images, 0).values
    torch.testing.assert_close(GradCAMPlusPlus()(cnn, images, 0).values, expected, rtol=1e-3, atol=0, check_dtype=False)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_inputs_that_are_part_of_a_graph_are_explained(cnn, attentive, images, name):
    model = attentive if EXPLAINERS[name].family == "attention" else cnn
    leaf = images.clone().requires_grad_()
    found = EXPLAINERS[name]()(model, leaf * 1, 0)
    assert torch.equal(found.values, EXPLAINERS[name]()(model, images, 0).values)
    assert leaf.grad is None


@pytest.mark.parametrize("method", [Saliency(), Occlusion(), GradCAM()])
@pytest.mark.parametrize("target", ["a", [0, None, 1], 10**30])
def test_a_target_that_is_no_index_is_refused(cnn, images, method, target):
    with pytest.raises(ShapeError, match=r"the target is .*Expected indices of classes, 0 to 2\. model\.classes\.index\(name\)"):
        method(cnn, images, target)


@pytest.mark.parametrize("error", [AssertionError, TypeError, IndexError, ValueError, RuntimeError])
@pytest.mark.parametrize("name", ["saliency", "occlusion", "deep_lift", "attention", "gradient_shap"])
def test_a_network_that_does_not_take_the_inputs_is_one_clear_error(wrap, error, name):
    class Particular(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 3)

        def forward(self, inputs):
            if inputs.ndim:
                raise error("wrong height")
            return self.fc(inputs)

    with pytest.raises(ModelError, match=rf"tiny broke on inputs shaped .*{error.__name__}: wrong height"):
        EXPLAINERS[name]()(wrap(Particular()), torch.rand(2, 6), 0)


def test_a_backward_pass_that_breaks_is_one_clear_error(wrap):
    class Saving(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.fc = nn.Linear(6, 9), nn.Linear(9, 3)

        def forward(self, inputs):
            return self.fc(checkpoint(self.body, inputs, use_reentrant=True))

    with pytest.raises(ModelError, match=r"tiny broke in its backward pass .*use_reentrant"):
        Saliency()(wrap(Saving()), torch.rand(2, 6), 0)


@pytest.mark.parametrize("name", ["saliency", "grad_cam", "neuron_gradient", "guided_grad_cam", "deep_lift", "score_cam"])
def test_a_network_that_gives_a_dictionary_is_explained_once_it_is_wrapped(cnn, packed_net, images, name):
    packed = netlens.wrap(packed_net, cnn.classes, preprocess=cnn.preprocess, sample=images)
    assert torch.equal(EXPLAINERS[name]()(packed, images, 0).values, EXPLAINERS[name]()(cnn, images, 0).values)


def test_frozen_weights_do_not_matter(cnn, images):
    expected = Saliency()(cnn, images, 0).values
    for parameter in cnn.net.parameters():
        parameter.requires_grad_(False)
    assert torch.equal(Saliency()(cnn, images, 0).values, expected)
    assert not any(parameter.requires_grad for parameter in cnn.net.parameters())


def test_weights_that_are_not_made_yet_are_refused(wrap):
    with pytest.raises(ModelError, match=r"the weights of LazyLinear are made when the network first runs.*Run it once"):
        Saliency()(wrap(nn.LazyLinear(3)), torch.rand(2, 6), 0)


@pytest.mark.parametrize("name", EXPLAINERS)
def test_the_callers_autocast_does_not_reach_inside(cnn, attentive, images, name):
    model = attentive if EXPLAINERS[name].family == "attention" else cnn
    expected = EXPLAINERS[name]()(model, images, 0).values
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(EXPLAINERS[name]()(model, images, 0).values, expected)
        assert torch.is_autocast_enabled("cpu")


class Cast(nn.Module):
    """Gives its logits in a type of its own."""

    def __init__(self, net, dtype):
        super().__init__()
        self.net, self.dtype = net, dtype

    def forward(self, inputs):
        return self.net(inputs).to(self.dtype)


@pytest.mark.parametrize("name", EXPLAINERS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.int64])
def test_logits_of_any_type_are_explained_or_refused(cnn, images, name, dtype):
    kind, model = EXPLAINERS[name], Model(Cast(cnn.net, dtype), "tiny", cnn.classes, cnn.preprocess)
    cut = dtype == torch.int64 and "gradients" in kind.needs and name != "neuron_gradient"
    with pytest.raises(ModelError) if cut or kind.family == "attention" else nullcontext():
        assert kind()(model, images, 0).values.isfinite().all()


def test_weights_made_in_inference_mode_are_refused(wrap):
    with torch.inference_mode():
        net = table_net()
    with pytest.raises(ModelError, match=r"the weights of the network were made in torch\.inference_mode"):
        Saliency()(wrap(net), torch.rand(2, 6), 0)


def test_dropout_and_batch_norm_are_asleep_in_a_model_that_trains(wrap):
    net = nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9), nn.Dropout(0.9), nn.Linear(9, 3))
    rows = torch.rand(4, 6)
    expected = Saliency()(wrap(net.eval()), rows, 0).values
    assert torch.equal(Saliency()(wrap(net.train()), rows, 0).values, expected)
    assert int(net[1].num_batches_tracked) == 0


@pytest.mark.parametrize("method", [Saliency(), GradCAM()])
def test_an_activation_in_place_gives_what_the_usual_one_gives(wrap, small, method):
    one, other = small(nn.ReLU(), nn.Tanh()), small(nn.ReLU(inplace=True), nn.Tanh())
    other.load_state_dict(one.state_dict())
    rows = torch.rand(2, 1, 6, 6)
    torch.testing.assert_close(method(wrap(one), rows, 0).values, method(wrap(other), rows, 0).values)


def test_one_feature_is_explained(wrap):
    net = nn.Linear(1, 3)
    for method in (Saliency(), IntegratedGradients("zero"), SmoothGrad(), ExpectedGradients(torch.zeros(2, 1))):
        values = method(wrap(net), torch.ones(2, 1), 2).values
        torch.testing.assert_close(values, net.weight[2].detach().expand(2, 1), atol=1e-6, rtol=1e-5)


def test_one_feature_has_nothing_to_be_compared_with(wrap):
    with pytest.raises(ShapeError, match=r"row 0 is one single feature.*use occlusion or integrated_gradients"):
        EXPLAINERS["kernel_shap"]()(wrap(nn.Linear(1, 3)), torch.ones(2, 1), 2)


@pytest.mark.parametrize("seed", [-1, 2**40, 2**70])
@pytest.mark.parametrize("name", [name for name, kind in EXPLAINERS.items() if hasattr(kind, "seed")])
def test_any_whole_number_is_a_seed(cnn, images, name, seed):
    found = EXPLAINERS[name](seed=seed)(cnn, images[:1], 0)
    assert torch.equal(EXPLAINERS[name](seed=seed)(cnn, images[:1], 0).values, found.values)


def test_volumes_are_explained_by_features_of_ones_own(wrap):
    net, rows = nn.Sequential(nn.Conv3d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)), torch.rand(2, 1, 4, 4, 4)
    halves = (torch.arange(4) // 2).view(4, 1, 1).expand(1, 1, 4, 4, 4)
    assert EXPLAINERS["kernel_shap"](features=halves)(wrap(net), rows, 0).complete.all()
    with pytest.raises(ShapeError, match="Use kernel_shap with features of your own"):
        Occlusion()(wrap(net), rows, 0)


def test_a_gradient_that_is_not_finite_is_refused(wrap):
    class Root(nn.Module):
        def forward(self, inputs):
            return inputs.sqrt()

    with pytest.raises(ModelError, match="the gradient of tiny is not a finite number everywhere"):
        Saliency()(wrap(Root()), torch.zeros(1, 3), 0)


def test_logits_and_classes_that_do_not_match_are_refused(wrap):
    with pytest.raises(ModelError, match="tiny gives 3 logits and has 4 classes"):
        Saliency()(wrap(table_net(), classes=4), torch.rand(2, 6), 0)


def test_a_recurrent_network_is_explained(wrap):
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.fc = nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 3)

        def forward(self, inputs):
            return self.fc(self.rnn(inputs)[0][:, -1])

    net, rows = Recurrent(), torch.rand(2, 7, 4)
    found = IntegratedGradients("zero")(wrap(net), rows, 1)
    assert found.values.shape == rows.shape
    assert found.complete.all()
    points = rows.clone().requires_grad_()
    net(points)[:, 1].sum().backward()
    torch.testing.assert_close(Saliency()(wrap(net), rows, 1).values, points.grad)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_on_a_gpu_is_explained_on_it(cnn, images):
    expected = {name: EXPLAINERS[name]()(cnn, images, 0).values for name in GRADIENT_METHODS}
    cnn.net.cuda()
    for name, values in expected.items():
        found = EXPLAINERS[name]()(cnn, images, 0)
        assert found.values.device.type == "cpu"
        torch.testing.assert_close(found.values, values, atol=1e-3 * float(values.abs().max()), rtol=1e-2)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")  # deprecated, and still what many models are saved as
@pytest.mark.parametrize("make", [torch.jit.script, lambda net: torch.jit.trace(net, torch.rand(2, 1, 12, 12))])
def test_torchscript_is_explained_by_what_reads_no_layer(cnn, wrap, images, make):
    script = wrap(make(cnn.net.eval()))
    for method in (Saliency(), IntegratedGradients(n_steps=8), SmoothGrad(n_samples=4)):
        expected = method(cnn, images, 0).values
        torch.testing.assert_close(method(script, images, 0).values, expected, atol=1e-6 * float(expected.abs().max()), rtol=1e-4)
    for method in (GradCAM("conv2"), GradCAM()):
        with pytest.raises(ModelError, match="tiny is TorchScript, which does not show what its layers give"):
            method(script, images, 0)


@pytest.mark.parametrize("name", ["saliency", "guided_backprop", "deep_lift", "lrp", "deep_shap"])
def test_an_exported_program_is_explained_as_what_it_was_exported_from(cnn, wrap, images, name):
    rows = torch.export.Dim("rows", min=2, max=512)
    program = torch.export.export(cnn.net.eval(), (torch.rand(4, 1, 12, 12),), dynamic_shapes=({0: rows},))
    model, method = wrap(program.module()), EXPLAINERS[name]()
    torch.testing.assert_close(method(model, images, 0).values, method(cnn, images, 0).values, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", ["saliency", "grad_cam", "neuron_gradient", "guided_backprop", "deep_lift", "lrp"])
def test_a_compiled_network_is_explained_as_what_it_was_compiled_from(cnn, wrap, images, name):
    compiled = wrap(torch.compile(cnn.net, backend="eager"))
    assert torch.equal(EXPLAINERS[name]()(compiled, images, 0).values, EXPLAINERS[name]()(cnn, images, 0).values)
    if name in ("deep_lift", "lrp"):
        assert compiled.coverage(name, images) == []
