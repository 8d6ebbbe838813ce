"""Activation maps on the tokens of transformers: the layer, the grid and the tokens without a place are found."""

import pytest
import timm
import torch
import torchvision
from torch import nn

from netlens.errors import ModelError
from netlens.explain import EigenCAM, GradCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM
from netlens.explain.cam import map_layers
from netlens.models.vit import MnistViT
from tests.explain.test_attention import vit

CAMS = (GradCAM(), GradCAMPlusPlus(), LayerCAM(), ScoreCAM(), EigenCAM())


@pytest.mark.parametrize("method", CAMS, ids=[method.name for method in CAMS])
def test_the_last_norm_that_still_bears_on_the_logits_is_chosen_and_said(wrap, method):
    found = method(wrap(MnistViT(classes=3)), torch.rand(2, 1, 28, 28))
    assert found.layer == "blocks.2.norm1"
    assert found.values.shape == (2, 1, 7, 7)
    assert found.params["tokens"] == "50 tokens: 7 x 7 patches, 1 before them without a place"


def test_grad_cam_on_tokens_by_hand(wrap):
    model, images, target = wrap(vit(reg_tokens=1)), torch.randn(2, 3, 32, 32), torch.tensor([0, 2])
    kept = []
    handle = model.net.blocks[1].norm1.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    score = model.net.eval()(images).gather(1, target.unsqueeze(1)).sum()
    handle.remove()
    (gradient,) = torch.autograd.grad(score, kept)
    tokens, weights = kept[0][:, 2:].detach(), gradient[:, 2:].mean(1, keepdim=True)  # a class token and a register go before
    expected = (tokens * weights).sum(2).relu().view(2, 1, 4, 4)
    found = GradCAM()(model, images, target)
    assert found.layer == "blocks.1.norm1"
    torch.testing.assert_close(found.values, expected, atol=1e-7, rtol=1e-4)


def test_where_the_tokens_mean_is_read_grad_cam_adds_up_to_the_logit(wrap):
    """The token's form of the identity that ties Grad-CAM to CAM."""

    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.act, self.fc = nn.Conv2d(1, 6, 4, stride=4), nn.Tanh(), nn.Linear(6, 3)

        def forward(self, images):
            return self.fc(self.act(self.conv(images).flatten(2).mT).mean(1))

    model, images = wrap(Mean()), torch.randn(2, 1, 12, 12)
    found = GradCAM(relu=False)(model, images, 1)
    assert found.layer == "act"
    total = found.values.flatten(1).sum(1) + model.net.fc.bias[1].detach()
    torch.testing.assert_close(total, model.logits(images)[:, 1], atol=1e-5, rtol=1e-4)


def test_a_block_may_be_named(wrap):
    found = GradCAM("blocks.0")(wrap(MnistViT(classes=3)), torch.rand(1, 1, 28, 28))
    assert (found.layer, found.values.shape) == ("blocks.0", (1, 1, 7, 7))


def test_an_early_layer_with_maps_may_still_be_named(wrap):
    model, images = wrap(MnistViT(classes=3)), torch.rand(1, 1, 28, 28)
    assert GradCAM("conv1")(model, images).values.shape == (1, 1, 28, 28)
    assert map_layers(model, images)[:4] == ["conv1", "relu", "conv2", "blocks.0.norm1"]


def test_channels_that_come_last_are_not_taken_for_a_width(wrap):
    net = torchvision.models.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=3)
    nn.init.normal_(net.head.weight)
    model, images = wrap(net), torch.randn(1, 3, 64, 64)
    found = GradCAM(relu=False)(model, images, 0)
    assert found.layer == "permute"
    for layer in ("norm", "features.3.1"):  # a norm, known by its kind; a block, by the image's proportions
        assert GradCAM(layer, relu=False)(model, images, 0).values.shape == (1, 1, 8, 8)
    torch.testing.assert_close(GradCAM("norm", relu=False)(model, images, 0).values, found.values)
    other = timm.models.swin_transformer.SwinTransformer(
        64, 4, embed_dim=16, depths=(2, 2), num_heads=(2, 4), window_size=4, num_classes=3
    )
    assert GradCAM()(wrap(other), images, 0).values.shape == (1, 1, 8, 8)


def test_the_fast_path_of_torchs_encoder_does_not_hide_its_layers(wrap):
    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 8, 4, stride=4)
            self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
            self.fc = nn.Linear(8, 3)

        def forward(self, images):
            return self.fc(self.blocks(self.conv(images).flatten(2).mT).mean(1))

    found = GradCAM()(wrap(Encoder()), torch.rand(2, 1, 12, 12), 0)
    assert (found.layer, found.values.shape) == ("blocks.layers.1.norm2", (2, 1, 3, 3))


def test_tokens_that_lie_nowhere_are_no_maps(wrap):
    class Sorted(nn.Module):
        def __init__(self):
            super().__init__()
            self.act, self.fc = nn.Tanh(), nn.Linear(4, 3)

        def forward(self, images):
            return self.fc(self.act(images.view(len(images), 36, 4).sort(1).values).mean(1))

    with pytest.raises(ModelError, match="no layer with maps"):
        GradCAM()(wrap(Sorted()), torch.rand(1, 1, 12, 12), 0)
    with pytest.raises(ModelError, match=r"the layer 'act' of tiny gives \(1, 36, 4\)"):
        GradCAM("act")(wrap(Sorted()), torch.rand(1, 1, 12, 12), 0)
