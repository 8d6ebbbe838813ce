"""How an image is written down while it is optimised: pixel by pixel, or as waves; colours mixed as in photographs, or not."""

from __future__ import annotations

from dataclasses import dataclass

import torch

# Square root of the covariance of colours in photographs, as Olah and others 2017 measured it on ImageNet.
COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


@dataclass(frozen=True)
class Canvas:
    """Images (n, C, H, W) in [0, 1], made from numbers that may be anything.

    `waves` : whether the numbers are the strengths of waves, long ones weighted up, instead of pixels. `decorrelated` : whether
    the three channels are mixtures that are independent in photographs. `ground` : the grey (or, a channel, colour) of an image of zeros.
    """

    shape: tuple[int, int, int]
    ground: tuple[float, ...]
    waves: bool = True
    decorrelated: bool = True

    def start(self, count: int, draw: torch.Generator, size: float = 0.01) -> torch.Tensor:
        """Small random numbers to start from."""
        channels, height, width = self.shape
        shape = (count, channels, height, width // 2 + 1, 2) if self.waves else (count, channels, height, width)
        return size * torch.randn(shape, generator=draw)

    def images(self, numbers: torch.Tensor) -> torch.Tensor:
        """The images that the numbers stand for."""
        height, width = self.shape[1:]
        paint = numbers
        if self.waves:
            spectrum = torch.view_as_complex(numbers) * frequency_scale(height, width).to(numbers.device)
            paint = torch.fft.irfft2(spectrum, s=(height, width), norm="ortho") / 4
        if self.decorrelated and self.shape[0] == 3:
            paint = torch.einsum("nchw,dc->ndhw", paint, colour_matrix().to(paint))
        level = torch.tensor(self.ground, device=paint.device).clamp(0.02, 0.98).view(1, -1, 1, 1)
        return torch.sigmoid(paint + torch.logit(level))


def frequency_scale(height: int, width: int) -> torch.Tensor:
    """How strongly each wave counts: in inverse proportion to its frequency, as in photographs."""
    down, across = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequency = (down.square() + across.square()).sqrt().clamp(min=1 / max(height, width))
    scale: torch.Tensor = (height * width) ** 0.5 / frequency / max(height, width)
    return scale


def colour_matrix() -> torch.Tensor:
    """The matrix that mixes independent channels to red, green and blue; its longest column has length 1."""
    matrix = torch.tensor(COLOURS)
    longest: torch.Tensor = matrix.norm(dim=0).max()
    return matrix / longest
