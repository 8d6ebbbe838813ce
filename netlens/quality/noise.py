"""Normal noise that does not depend on how the copies of an input are chunked."""

from __future__ import annotations

import torch

from netlens.quality.draws import row_generator

BLOCK = 8  # rows of noise drawn at once, however the copies are chunked


class Noise:
    """Normal noise for one row, the same however it is asked for."""

    def __init__(self, row: torch.Tensor, size: float, seed: int) -> None:
        self._like, self._size, self._draw = row, size, row_generator(seed, row)
        self._rest = row.new_empty(0, *row.shape)

    def take(self, count: int) -> torch.Tensor:
        """The next `count` draws, (count, ...)."""
        blocks = -(-max(0, count - len(self._rest)) // BLOCK)
        fresh = [torch.randn(BLOCK, *self._like.shape, generator=self._draw) for _ in range(blocks)]
        drawn = torch.cat([self._rest, *(block.to(self._like).mul_(self._size) for block in fresh)])
        self._rest = drawn[count:]
        return drawn[:count]
