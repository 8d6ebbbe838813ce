"""The tutorial's networks that read."""

import time

import pytest
import torch

from netlens.models.recurrent import MnistGRU, MnistLSTM, MnistRNN, RowReader
from netlens.trained import obtain


@pytest.mark.parametrize(("network", "gates"), [(MnistRNN, 1), (MnistLSTM, 4), (MnistGRU, 3)])
@pytest.mark.parametrize(("size", "channels", "classes"), [(28, 1, 10), (8, 3, 4)])
def test_sizes_by_formula(network, gates, size, channels, classes):
    net = network(size, channels, classes)
    assert sum(p.numel() for p in net.parameters()) == gates * 128 * (channels * size + 128 + 2) + 129 * classes
    assert net(torch.zeros(2, channels, size, size)).shape == (2, classes)


def test_rows_are_read_from_top_to_bottom_with_all_their_channels():
    net = RowReader(size=5, channels=2, classes=3, kind="rnn", hidden=4).eval()
    images = torch.randn(2, 2, 6, 5)
    state = torch.zeros(2, 4)
    layer = net.recurrent
    for row in range(6):
        read = torch.cat([images[:, 0, row], images[:, 1, row]], 1)
        state = torch.tanh(read @ layer.weight_ih_l0.T + layer.bias_ih_l0 + state @ layer.weight_hh_l0.T + layer.bias_hh_l0)
    assert torch.allclose(net(images), net.fc(state), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist-lstm", "mnist-gru"])
def test_it_learns_to_read_digits_within_a_minute(name):
    start = time.process_time()
    _, record = obtain(name, "mnist-5k", device="cpu")
    assert record.test_accuracy[-1] >= 0.95
    assert time.process_time() - start < 120, "a minute on two cores"
