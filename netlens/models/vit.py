"""A small vision transformer: it cuts an image into patches and lets them look at each other."""

import torch
from torch import nn
from torch.nn import functional


class MnistViT(nn.Module):
    """Patches, a class token, three blocks of attention: the network of the lesson on attention.

    Parameters
    ----------
    size : height and width of the input: a multiple of 4 from 16 pixels on, else a multiple of 2.
    channels : channels of the input.
    classes : how many logits to give.
    dim : numbers that describe a token.
    depth : blocks.
    heads : heads of each attention, a divisor of `dim`.

    Notes
    -----
    A convolution of 3 x 3 pixels and one that cuts into patches of 4 x 4 make 7 x 7 tokens of a 28 x 28 image. So each begins with what
    lies in its own patch and one pixel around it; what it knows of the rest it has from attention. With the class token there are 50.
    The logits are read from the class token.
    """

    def __init__(
        self, size: int = 28, channels: int = 1, classes: int = 10, *, dim: int = 48, depth: int = 3, heads: int = 4
    ) -> None:
        super().__init__()
        patch = 4 if size >= 16 else 2
        self.conv1 = nn.Conv2d(channels, 16, kernel_size=3, padding=1)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(16, dim, kernel_size=patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.position = nn.Parameter(0.02 * torch.randn(1, 1 + (size // patch) ** 2, dim))
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map images (N, channels, size, size) to logits (N, classes)."""
        patches = self.conv2(self.relu(self.conv1(inputs))).flatten(2).transpose(1, 2)  # (N, patches, dim)
        tokens = torch.cat([self.class_token.expand(len(inputs), -1, -1), patches], 1) + self.position
        for block in self.blocks:
            tokens = block(tokens)
        logits: torch.Tensor = self.head(self.norm(tokens)[:, 0])
        return logits


class Block(nn.Module):
    """Tokens look at each other, then each thinks for itself; both results are added to what was there."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = SelfAttention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.ReLU(), nn.Linear(2 * dim, dim))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, dim) to tokens of the same shape."""
        tokens = tokens + self.attention(self.norm1(tokens))
        result: torch.Tensor = tokens + self.mlp(self.norm2(tokens))
        return result


class SelfAttention(nn.Module):
    """Each token asks all tokens: query times key says whom to listen to, values are what is heard. By torch's fused kernel."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ask = nn.Linear(dim, 3 * dim)
        self.answer = nn.Linear(dim, dim)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Map tokens (N, T, dim) to tokens of the same shape."""
        split = self.ask(tokens).unflatten(2, (3, self.heads, -1))  # (N, T, 3, heads, dim / heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        heard = functional.scaled_dot_product_attention(query, key, value)  # (N, heads, T, dim / heads)
        result: torch.Tensor = self.answer(heard.transpose(1, 2).flatten(2))
        return result
