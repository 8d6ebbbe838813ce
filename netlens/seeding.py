"""One seed, one answer: seeds for Python, NumPy and torch, and torch's deterministic mode."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

NUMPY_SEEDS = 2**32  # NumPy and scikit-learn take seeds from 0 to one less


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch (all devices) and switch torch to deterministic algorithms.

    Parameters
    ----------
    seed : any integer from 0 to 2**32 - 1.

    Notes
    -----
    The same seed gives the same bits on the same machine, device and versions. Other machines round differently.
    """
    import numpy as np
    import torch

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with this
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - lime and shap draw from NumPy's global state
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Do as `seed_everything` for a while; afterwards every generator and torch's mode are as they were."""
    import numpy as np
    import torch

    before = random.getstate(), np.random.get_state()  # noqa: NPY002 - see above
    with torch.random.fork_rng(), determinism(torch.are_deterministic_algorithms_enabled()):
        benchmark = torch.backends.cudnn.benchmark
        try:
            seed_everything(seed)
            yield
        finally:
            torch.backends.cudnn.benchmark = benchmark
            random.setstate(before[0])
            np.random.set_state(before[1])  # noqa: NPY002


@contextmanager
def determinism(on: bool) -> Iterator[None]:
    """Switch torch's deterministic mode on or off for a while: some operations have no deterministic form and refuse to run."""
    import torch

    before, warn_only = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        torch.use_deterministic_algorithms(on)
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warn_only)


def generator(seed: int) -> torch.Generator:
    """Make a torch generator of its own, on the CPU so that every device sees the same numbers; any integer is a seed."""
    import torch

    return torch.Generator().manual_seed(seed % 2**64)
