"""Class activation maps against the original CAM, captum, and the papers' formulas in loops."""

import pytest
import torch
from captum.attr import LayerGradCam
from torch import nn
from torch.nn import functional

from netlens.errors import ModelError, ShapeError
from netlens.explain import EigenCAM, GradCAM, GradCAMPlusPlus, GuidedGradCAM, LayerCAM, ScoreCAM
from netlens.explain.cam import map_layers
from netlens.explain.score_cam import projected

TARGET = torch.tensor([0, 2, 1])


def read(model, images, target, layer):
    """Maps of a layer and gradients of the logits with respect to them, by hand."""
    kept = []
    handle = model.layer(layer).register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    scores = model.net(images).gather(1, target.unsqueeze(1)).sum()
    handle.remove()
    return kept[-1].detach(), torch.autograd.grad(scores, kept[-1])[0]


def test_grad_cam_is_cam_where_a_mean_and_a_linear_layer_follow(pooled, images):
    maps, _ = read(pooled, images, TARGET, "relu2")
    cam = torch.einsum("nkhw,nk->nhw", maps, pooled.net.fc.weight[TARGET].detach())
    found = GradCAM("relu2", relu=False)(pooled, images, TARGET)
    torch.testing.assert_close(found.values[:, 0], cam / cam[0].numel(), atol=3e-6, rtol=0)
    logits = pooled.logits(images).gather(1, TARGET.unsqueeze(1)).squeeze(1)
    total = found.values.flatten(1).sum(1) + pooled.net.fc.bias[TARGET].detach()
    torch.testing.assert_close(total, logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("relu", [True, False])
def test_grad_cam_is_captums(cnn, images, relu):
    expected = LayerGradCam(cnn.net, cnn.layer("conv2")).attribute(images, TARGET, relu_attributions=relu).detach()
    torch.testing.assert_close(GradCAM("conv2", relu)(cnn, images, TARGET).values, expected, atol=1e-6, rtol=1e-5)


def test_grad_cam_plus_plus_is_the_papers_equation_19(cnn, images):
    maps, gradient = read(cnn, images, TARGET, "relu2")
    found = GradCAMPlusPlus("relu2")(cnn, images, TARGET).values
    for row in range(3):
        cam = torch.zeros(maps.shape[2:])
        for k in range(maps.shape[1]):
            first, a = gradient[row, k], maps[row, k]
            below = 2 * first**2 + a.sum() * first**3
            alpha = torch.where(below != 0, first**2 / torch.where(below != 0, below, 1.0), 0.0)
            cam += (alpha * first.clamp(min=0)).sum() * a
        torch.testing.assert_close(found[row, 0], cam.clamp(min=0), atol=1e-5 * float(cam.abs().max()), rtol=1e-4)


def test_layer_cam_weighs_each_place_by_its_own_gradient(cnn, images):
    maps, gradient = read(cnn, images, TARGET, "relu1")
    expected = (gradient.clamp(min=0) * maps).sum(1, keepdim=True).clamp(min=0)
    torch.testing.assert_close(LayerCAM("relu1")(cnn, images, TARGET).values, expected, atol=1e-7, rtol=1e-5)


def test_layer_cam_is_grad_cam_where_gradients_are_the_same_everywhere_and_positive(pooled, images):
    with torch.no_grad():
        pooled.net.fc.weight.abs_()
    one, other = (method("relu2")(pooled, images, TARGET).values for method in (LayerCAM, GradCAM))
    torch.testing.assert_close(one, other, atol=1e-7, rtol=1e-5)


def test_score_cam_is_the_papers_algorithm(cnn, images):
    with torch.no_grad():
        cnn.net.conv2.bias[:20] = -100  # dead maps, which show nothing
    maps, _ = read(cnn, images, TARGET, "relu2")
    assert (maps[:, :20] == 0).all()
    found = ScoreCAM("relu2")(cnn, images, TARGET).values
    for row in range(3):
        scores = []
        for one in maps[row]:
            sized = functional.interpolate(one[None, None], (12, 12), mode="bilinear", align_corners=False)
            mask = (one - one.min()) / (one.max() - one.min()) if one.max() > one.min() else torch.zeros_like(one)
            sized = functional.interpolate(mask[None, None], (12, 12), mode="bilinear", align_corners=False)
            scores.append(cnn.logits(images[row : row + 1] * sized)[0, TARGET[row]])
        weights = torch.stack(scores).softmax(0)
        cam = (weights.view(-1, 1, 1) * maps[row]).sum(0).clamp(min=0)
        torch.testing.assert_close(found[row, 0], cam, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("layer", ["relu1", "relu2", "conv2"])
def test_eigen_cam_is_the_projection_on_the_first_right_singular_vector(cnn, images, layer):
    maps, _ = read(cnn, images, TARGET, layer)
    found = EigenCAM(layer)(cnn, images).values
    for row in range(3):
        table = maps[row].flatten(1).T.double()  # places x maps
        _, _, right = torch.linalg.svd(table, full_matrices=False)
        exact = table @ right[0]
        exact = exact * exact.sum().sign()
        torch.testing.assert_close(found[row, 0].flatten().double(), exact, atol=1e-4 * float(exact.abs().max()), rtol=0)


@pytest.mark.parametrize("shape", [(2, 6, 9), (2, 9, 6)])
def test_a_projection_is_right_where_powers_converge_slowly(shape):
    left, _ = torch.linalg.qr(torch.randn(2, shape[2], 5, dtype=torch.float64))
    right, _ = torch.linalg.qr(torch.randn(2, shape[1], 5, dtype=torch.float64))
    sizes = torch.tensor([1.0, 0.999, 0.5, 0.2, 0.1], dtype=torch.float64)
    tables = left @ torch.diag(sizes) @ right.mT  # (B, places, K)
    found = projected(tables.mT)
    overlap = (found * left[..., 0]).sum(1).abs()
    torch.testing.assert_close(overlap, torch.ones(2, dtype=torch.float64), atol=1e-6, rtol=0)


@pytest.mark.parametrize("method", [GradCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM, EigenCAM])
def test_the_last_layer_with_maps_is_chosen_and_said(cnn, images, method):
    assert method()(cnn, images, 0).layer == "pool2"


def test_a_module_used_again_is_read_where_it_last_gave_maps(wrap, images):
    class Reused(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.relu = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3), nn.ReLU()
            self.fc1, self.fc2 = nn.Linear(6, 5), nn.Linear(5, 3)

        def forward(self, inputs):
            maps = self.relu(self.conv2(self.relu(self.conv1(inputs))))
            return self.fc2(self.relu(self.fc1(maps.mean((2, 3)))))

    model = wrap(Reused())
    assert map_layers(model, images) == ["conv1", "conv2", "relu"]
    net, target = model.net, torch.tensor([1, 1, 1])
    maps = net.relu(net.conv2(net.relu(net.conv1(images)))).detach().requires_grad_()
    scores = net.fc2(net.relu(net.fc1(maps.mean((2, 3)))))[:, 1].sum()
    (gradient,) = torch.autograd.grad(scores, maps)
    expected = (gradient.mean((2, 3), keepdim=True) * maps).sum(1, keepdim=True).clamp(min=0).detach()
    found = GradCAM()(model, images, target)
    assert found.layer == "relu"
    torch.testing.assert_close(found.values, expected, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("method", [GradCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM, EigenCAM])
@pytest.mark.parametrize(
    ("layer", "said"),
    [("pool3", r"has no layer 'pool3'. Did you mean 'pool\d'"), ("fc1", r"gives \(3, 500\).*Layers with maps: conv1, relu1")],
)
def test_a_layer_without_maps_is_refused(cnn, images, method, layer, said):
    with pytest.raises(ModelError, match=said):
        method(layer)(cnn, images, 0)


@pytest.mark.parametrize("method", [GradCAM, GradCAMPlusPlus, LayerCAM, ScoreCAM, EigenCAM])
def test_a_network_without_maps_is_refused_and_another_method_named(wrap, method):
    with pytest.raises(ModelError, match=r"no layer with maps.*saliency or integrated_gradients"):
        method()(wrap(nn.Linear(4, 3)), torch.randn(2, 4), 0)


def test_a_layer_that_the_logits_do_not_depend_on_is_refused(wrap, images):
    class Aside(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(1, 2, 3), nn.Linear(144, 3)

        def forward(self, inputs):
            self.conv(inputs)
            return self.fc(inputs.flatten(1))

    with pytest.raises(ModelError, match="the layer 'conv' of tiny has no path to the logits"):
        GradCAM()(wrap(Aside()), images, 0)


@pytest.mark.parametrize("method", [ScoreCAM, GuidedGradCAM])
def test_a_table_that_a_network_folds_into_maps_is_refused_where_the_map_must_be_laid_on_it(wrap, method):
    net = nn.Sequential(nn.Unflatten(1, (1, 3, 3)), nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    with pytest.raises(ShapeError, match=r"inputs shaped \(2, 9\). Expected images .* Use grad_cam or"):
        method()(wrap(net), torch.rand(2, 9), 0)
    assert GradCAM()(wrap(net), torch.rand(2, 9), 0).values.shape == (2, 1, 2, 2)
