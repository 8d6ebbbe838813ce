"""One seed, one answer: seeds for Python, NumPy and torch, and torch's deterministic mode."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


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


def generator(seed: int) -> torch.Generator:
    """Make a torch generator of its own, on the CPU so that every device sees the same numbers."""
    import torch

    return torch.Generator().manual_seed(seed)
