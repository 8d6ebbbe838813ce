"""The tutorial's networks. Each activation is a module used once, so that every method of explanation can see it."""

import torch
from torch import nn


class MnistCNN(nn.Module):
    """Two convolutions, two poolings, two linear layers: the network of the first lesson.

    Parameters
    ----------
    size : height and width of the input, a multiple of 4.
    channels : channels of the input.
    classes : how many logits to give.

    Notes
    -----
    Padding 2 keeps the size through each 5 x 5 convolution and each pooling halves it: 28 -> 14 -> 7. So the first
    linear layer takes 64 * 7 * 7 numbers. (Without padding they would be 64 * 4 * 4; mixing the two up does not run.)
    """

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, kernel_size=5, padding=2)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(32, 64, kernel_size=5, padding=2)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(64 * (size // 4) ** 2, 500)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(500, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map images (N, channels, size, size) to logits (N, classes)."""
        maps = self.pool1(self.relu1(self.conv1(inputs)))  # (N, 32, size / 2, size / 2)
        maps = self.pool2(self.relu2(self.conv2(maps)))  # (N, 64, size / 4, size / 4)
        logits: torch.Tensor = self.fc2(self.relu3(self.fc1(self.flatten(maps))))
        return logits


class MnistMLP(nn.Module):
    """Two hidden layers of 256 and 128 units: the baseline that knows nothing of images."""

    def __init__(self, size: int = 28, channels: int = 1, classes: int = 10) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc1 = nn.Linear(channels * size * size, 256)
        self.relu1 = nn.ReLU()
        self.fc2 = nn.Linear(256, 128)
        self.relu2 = nn.ReLU()
        self.fc3 = nn.Linear(128, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map images (N, channels, size, size) to logits (N, classes)."""
        hidden = self.relu1(self.fc1(self.flatten(inputs)))
        logits: torch.Tensor = self.fc3(self.relu2(self.fc2(hidden)))
        return logits
