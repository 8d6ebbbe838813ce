"""How much memory a chunk may take, and how to tell that it ran out."""

from __future__ import annotations

import os
from functools import cache

import torch

from netlens.errors import UsageError

MEGABYTE = 2**20
MEMORY_MB = 1024
LEARNT_FROM = 31 * MEGABYTE  # the C library of Linux learns from the freeing of blocks of up to 32 MB


def budget(device: torch.device) -> int:
    """Bytes that one chunk may take at its peak: `NETLENS_MEMORY_MB`, else 1,024 MB or half of a GPU's memory.

    Raises
    ------
    UsageError : the variable holds no positive number.
    """
    said = os.environ.get("NETLENS_MEMORY_MB", "")
    if said:
        if not said.isdecimal() or int(said) == 0:
            raise UsageError("netlens", f"NETLENS_MEMORY_MB is '{said}'", expected="a whole number of megabytes, such as 512")
        return int(said) * MEGABYTE
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory) // 2
    return MEMORY_MB * MEGABYTE


@cache
def keep_freed() -> None:
    """Teach the allocator to keep the memory of freed tensors for the next chunk, once in a process.

    It gives memory back to the system beyond twice the largest block that it has seen freed, and the next chunk faults it in anew, page
    by page. A block that nobody writes to costs nothing. Elsewhere than on Linux this changes nothing.
    """
    torch.empty(LEARNT_FROM, dtype=torch.uint8)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on whichever device."""
    signs = ("out of memory", "not enough memory", "can't allocate memory", "ALLOC_FAILED")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(sign in str(error) for sign in signs)
