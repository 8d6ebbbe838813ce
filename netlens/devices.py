"""Choose where a network runs."""

from netlens.errors import UsageError, unknown

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose(device: str = "auto", operation: str = "device") -> str:
    """Name the device to use: `cpu`, `cuda` or `mps`.

    Parameters
    ----------
    device : one of `DEVICES`; `auto` takes CUDA when there is one, then Apple's MPS, then the CPU.

    Raises
    ------
    UsageError : the name is unknown, or this machine has no such device.
    """
    import torch

    if device not in DEVICES:
        raise unknown(operation, "device", device, DEVICES)
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if present[name])
    if not present[device]:
        here = ", ".join(name for name, there in present.items() if there)
        raise UsageError(
            operation,
            f"torch finds no '{device}' device on this machine",
            expected=f"one of: auto, {here}",
            remedy="Leave out --device, or run `netlens doctor` to see what torch finds.",
        )
    return device
