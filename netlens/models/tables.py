"""The tutorial's network for tables: it takes rows of standardised numbers."""

import torch
from torch import nn


class TableMLP(nn.Module):
    """Two hidden layers over the columns of a table.

    Parameters
    ----------
    features : columns of the input.
    classes : how many logits to give.
    width : units of each hidden layer.
    """

    def __init__(self, features: int, classes: int = 2, width: int = 32) -> None:
        super().__init__()
        self.fc1 = nn.Linear(features, width)
        self.relu1 = nn.ReLU()
        self.fc2 = nn.Linear(width, width)
        self.relu2 = nn.ReLU()
        self.fc3 = nn.Linear(width, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map rows (N, features) to logits (N, classes)."""
        hidden = self.relu1(self.fc1(inputs))
        logits: torch.Tensor = self.fc3(self.relu2(self.fc2(hidden)))
        return logits
