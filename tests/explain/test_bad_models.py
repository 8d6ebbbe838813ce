"""Models in an odd state: each is explained, or refused with one clear error."""

import pytest
import torch
from torch import nn

from netlens.errors import ModelError
from netlens.explain import EXPLAINERS, ExpectedGradients, GradCAM, IntegratedGradients, Saliency, SmoothGrad

GRADIENT_METHODS = ("saliency", "gradient_x_input", "smooth_grad", "var_grad", "integrated_gradients", "expected_gradients")


def table_net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Linear(9, 3))


@pytest.mark.parametrize("name", GRADIENT_METHODS)
def test_a_network_that_cuts_the_graph_is_refused_and_another_method_named(wrap, name):
    class Rounded(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 3)

        def forward(self, inputs):
            return self.fc(inputs.detach())

    settings = {"baseline": "zero"} if name == "integrated_gradients" else {}
    with pytest.raises(ModelError, match=r"no gradient of tiny reaches what is explained.*occlusion, lime or kernel_shap"):
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


def test_frozen_weights_do_not_matter(cnn, images):
    expected = Saliency()(cnn, images, 0).values
    for parameter in cnn.net.parameters():
        parameter.requires_grad_(False)
    assert torch.equal(Saliency()(cnn, images, 0).values, expected)
    assert not any(parameter.requires_grad for parameter in cnn.net.parameters())


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


def test_an_exported_program_is_explained_by_what_needs_no_rules(cnn, wrap, images):
    rows = torch.export.Dim("rows", min=2, max=512)
    program = torch.export.export(cnn.net.eval(), (torch.rand(4, 1, 12, 12),), dynamic_shapes=({0: rows},))
    model = wrap(program.module())
    torch.testing.assert_close(Saliency()(model, images, 0).values, Saliency()(cnn, images, 0).values, atol=1e-7, rtol=1e-5)
    with pytest.raises(ModelError, match=r"Relu in the model itself \(made in `forward`"):
        EXPLAINERS["deep_lift"]()(model, images, 0)


@pytest.mark.parametrize("name", ["saliency", "grad_cam", "neuron_gradient", "guided_backprop", "deep_lift", "lrp"])
def test_a_compiled_network_is_explained_as_what_it_was_compiled_from(cnn, wrap, images, name):
    compiled = wrap(torch.compile(cnn.net, backend="eager"))
    assert torch.equal(EXPLAINERS[name]()(compiled, images, 0).values, EXPLAINERS[name]()(cnn, images, 0).values)
    if name in ("deep_lift", "lrp"):
        assert compiled.coverage(name, images) == []
