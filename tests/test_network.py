"""Nothing reaches for the network behind the user's back, and the one thing that may says clearly when it cannot."""

import socket
import urllib.request

import pytest

from netlens.data import load
from netlens.errors import DataError

BLOCKED = "A test tried to use socket"


@pytest.mark.filterwarnings(f"ignore:{BLOCKED}")
def test_sockets_are_blocked_in_tests():
    with pytest.raises(RuntimeError, match=BLOCKED):
        socket.create_connection(("127.0.0.1", 9))
    with pytest.raises(RuntimeError, match=BLOCKED):
        socket.socket()
    with pytest.raises(RuntimeError, match=BLOCKED):
        urllib.request.urlopen("http://localhost:9")


@pytest.mark.filterwarnings(f"ignore:{BLOCKED}")
def test_mnist_without_data_and_without_a_network_ends_in_one_message(tmp_path, capsys):
    with pytest.raises(DataError) as caught:
        load("mnist", data_root=tmp_path)
    words = str(caught.value)
    assert BLOCKED in words, "the download was not stopped by the block"
    assert words.startswith(f"data set 'mnist': MNIST could not be read from or downloaded to '{tmp_path}' (")
    assert f"Expected {tmp_path}/MNIST/raw/ with train-images-idx3-ubyte" in words
    assert "use 'mnist-5k', which needs no download" in words
    assert "\n" not in words
    assert capsys.readouterr() == ("", "")


@pytest.mark.filterwarnings(f"ignore:{BLOCKED}")
def test_a_failed_download_leaves_no_file_that_looks_like_data(tmp_path):
    with pytest.raises(DataError, match="downloaded"):
        load("mnist", data_root=tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_offline_data_sets_need_no_socket(monkeypatch):
    from netlens.data.load import _read

    def refuse(*_):
        raise AssertionError("a socket was asked for")

    monkeypatch.setattr(socket, "socket", refuse)
    _read.cache_clear()
    assert len(load("mnist-5k")) == 1000
    assert len(load("digits")) == 359
