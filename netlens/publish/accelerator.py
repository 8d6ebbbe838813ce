"""Say which device `auto` means, and ask torch only on a machine that may have an accelerator: importing torch takes seconds."""

from __future__ import annotations

import platform
from pathlib import Path

SIGNS = ("/proc/driver/nvidia/version", "/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")


def kind(device: str = "auto", operation: str = "netlens") -> str:
    """Name the device that a run with `device` uses: `cpu`, `cuda` or `mps`.

    Raises
    ------
    UsageError : this machine has no such device.
    """
    if device == "cpu" or (device == "auto" and not possible()):
        return "cpu"
    from netlens.devices import choose

    return choose(device, operation)


def possible() -> bool:
    """Whether torch could find an accelerator here. False is sure; True means that torch must be asked."""
    system = platform.system()
    if system == "Linux":
        return any(Path(sign).exists() for sign in SIGNS)
    return system != "Darwin" or platform.machine() == "arm64"
