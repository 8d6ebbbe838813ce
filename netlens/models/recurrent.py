"""The tutorial's networks that read: an image is a sequence of rows, taken in from top to bottom."""

from __future__ import annotations

import torch
from torch import nn


class RowReader(nn.Module):
    """Read an image row by row with one recurrent layer, and answer from its last hidden state.

    Parameters
    ----------
    size : width of the input; any number of rows can be read.
    channels : channels of the input; the channels of a row are read at once.
    classes : how many logits to give.
    kind : `rnn`, `lstm` or `gru`.
    hidden : units of the recurrent layer.
    """

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10, kind: str = "lstm", hidden: int = 128) -> None:
        super().__init__()
        layer = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[kind]
        self.recurrent = layer(channels * size, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map images (N, channels, rows, size) to logits (N, classes)."""
        rows = inputs.movedim(1, 2).flatten(2)  # (N, rows, channels * size)
        hidden, _ = self.recurrent(rows)  # (N, rows, hidden)
        logits: torch.Tensor = self.fc(hidden[:, -1])
        return logits


class MnistRNN(RowReader):
    """A plain recurrent network: what it knows after a row is a tanh of that row and of what it knew before."""

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10) -> None:
        super().__init__(size, channels, classes, "rnn")


class MnistLSTM(RowReader):
    """A long short-term memory: gates decide what its cell keeps, takes in and shows.

    References
    ----------
    Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735; the forget gate is of Gers, Schmidhuber and Cummins 2000.
    """

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10) -> None:
        super().__init__(size, channels, classes, "lstm")


class MnistGRU(RowReader):
    """A gated recurrent unit: two gates, and no cell beside the hidden state.

    References
    ----------
    Cho and others 2014, arXiv:1406.1078.
    """

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10) -> None:
        super().__init__(size, channels, classes, "gru")
