"""The tutorial's networks: their sizes by formula, and nothing hidden in `forward`."""

import pytest
import torch
from torch import nn

from netlens.data import DATASETS, load
from netlens.models.architectures import MnistCNN, MnistMLP
from netlens.models.arguments import arguments
from netlens.models.load import find_callable
from netlens.models.tutorial import TUTORIAL_MODELS


def cnn_parameters(size, channels, classes):
    flat = 64 * (size // 4) ** 2
    return (25 * channels + 1) * 32 + (25 * 32 + 1) * 64 + (flat + 1) * 500 + (500 + 1) * classes


def mlp_parameters(size, channels, classes):
    return (channels * size**2 + 1) * 256 + (256 + 1) * 128 + (128 + 1) * classes


@pytest.mark.parametrize(("network", "formula"), [(MnistCNN, cnn_parameters), (MnistMLP, mlp_parameters)])
@pytest.mark.parametrize(("size", "channels", "classes"), [(28, 1, 10), (8, 3, 4)])
def test_sizes_by_formula(network, formula, size, channels, classes):
    net = network(size, channels, classes)
    assert sum(p.numel() for p in net.parameters()) == formula(size, channels, classes)
    assert net(torch.zeros(2, channels, size, size)).shape == (2, classes)


def test_the_first_linear_layer_takes_64_maps_of_7_by_7():
    net = MnistCNN()
    seen = {}
    for name in ("conv1", "pool1", "conv2", "pool2", "flatten"):
        module = net.get_submodule(name)
        module.register_forward_hook(lambda _module, _inputs, output, name=name: seen.update({name: tuple(output.shape[1:])}))
    net(torch.zeros(1, 1, 28, 28))
    assert seen == {
        "conv1": (32, 28, 28), "pool1": (32, 14, 14), "conv2": (64, 14, 14), "pool2": (64, 7, 7), "flatten": (64 * 7 * 7,)
    }  # fmt: skip
    assert net.fc1.in_features == 64 * 7 * 7 == 3136


@pytest.mark.parametrize("network", [MnistCNN, MnistMLP])
def test_the_modules_in_their_order_are_the_whole_network(network):
    net, inputs = network(), torch.randn(3, 1, 28, 28)
    assert torch.equal(nn.Sequential(*net.children())(inputs), net(inputs))


@pytest.mark.parametrize("name", TUTORIAL_MODELS)
def test_each_tutorial_model_can_be_built_for_each_of_its_data_sets(name, tmp_path):
    model = TUTORIAL_MODELS[name]
    assert set(model.recipes) <= set(DATASETS)
    offline = [dataset for dataset in model.recipes if DATASETS[dataset].offline]
    assert model.dataset == offline[0], "the usual data set needs no download"
    for dataset in offline:
        train = load(dataset, "train")
        net = find_callable(model.factory, tmp_path, "test")(**arguments(train) | model.arguments).eval()
        assert net(train.take(2).inputs).shape == (2, len(train.classes))
