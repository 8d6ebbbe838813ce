"""The inference kernels of torch's transformer layers, which run no modules: off while somebody listens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def no_fast_path() -> Iterator[None]:
    """Switch off what `nn.TransformerEncoder` and `nn.MultiheadAttention` do in place of their modules; afterwards all is as before."""
    before = torch.backends.mha.get_fastpath_enabled()
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
