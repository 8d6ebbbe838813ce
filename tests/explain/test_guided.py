"""Guided backpropagation and Guided Grad-CAM against captum, and on the networks that mislead other libraries."""

import pytest
import torch
from captum.attr import GuidedBackprop as CaptumGuidedBackprop
from captum.attr import GuidedGradCam as CaptumGuidedGradCam
from torch import nn

from netlens.errors import ModelError
from netlens.explain import GuidedBackprop, GuidedGradCAM, Saliency

TARGET = torch.tensor([0, 2, 1])


@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU activations")  # captum says so at each call
def test_guided_backpropagation_is_captums(cnn, images):
    expected = CaptumGuidedBackprop(cnn.net).attribute(images.clone().requires_grad_(), target=TARGET)
    found = GuidedBackprop()(cnn, images, TARGET).values
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert not torch.allclose(found, Saliency()(cnn, images, TARGET).values, atol=1e-3 * float(found.abs().max()))


@pytest.mark.filterwarnings("ignore:Setting backward hooks on ReLU activations")  # captum says so at each call
def test_guided_grad_cam_is_captums(cnn, images):
    expected = CaptumGuidedGradCam(cnn.net, cnn.layer("pool2")).attribute(images.clone().requires_grad_(), target=TARGET).detach()
    found = GuidedGradCAM("pool2", interpolation="nearest")(cnn, images, TARGET).values
    torch.testing.assert_close(found, expected, atol=1e-6 * float(expected.abs().max()), rtol=1e-4)


def test_a_relu_is_guided_however_it_is_made(wrap, small):
    rows, one = torch.rand(2, 1, 6, 6), nn.ReLU()
    as_module, twice = small(nn.ReLU()), small(one, one)
    in_place, as_function = small(nn.ReLU(inplace=True)), small(torch.relu)
    expected = GuidedBackprop()(wrap(as_module), rows, 1).values
    for other in (twice, in_place, as_function):
        other.load_state_dict(as_module.state_dict(), strict=False)
        torch.testing.assert_close(GuidedBackprop()(wrap(other), rows, 1).values, expected, atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("method", [GuidedBackprop, GuidedGradCAM])
@pytest.mark.parametrize(
    ("activation", "said"),
    [
        (nn.GELU(), "Gelu in `extra.0` .no rule for GELU"),
        (nn.functional.silu, "Silu in the model itself .no rule for this operation"),
        (nn.Identity(), "it has no Relu, so the method is the plain gradient"),
    ],
)
def test_a_network_without_rules_is_refused_and_another_method_named(wrap, small, method, activation, said):
    with pytest.raises(ModelError, match=rf"{said}.*Use (saliency|grad_cam) or"):
        method()(wrap(small(activation)), torch.rand(2, 1, 6, 6), 0)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")  # deprecated, and still what many models are saved as
def test_torchscript_is_refused(wrap, small):
    script = torch.jit.trace(small(nn.ReLU()).eval(), torch.rand(1, 1, 6, 6))
    with pytest.raises(ModelError, match="TorchScript in the model itself"):
        GuidedBackprop()(wrap(script), torch.rand(2, 1, 6, 6), 0)
