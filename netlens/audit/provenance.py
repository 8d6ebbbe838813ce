"""Where a report comes from: what would have to be the same for it to come out the same."""

from __future__ import annotations

import platform
from importlib.metadata import version

import torch

import netlens
from netlens.data import Dataset
from netlens.models.model import Model

LIBRARIES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "matplotlib", "nbconvert", "papermill", "typst")


def provenance(model: Model, train: Dataset, test: Dataset, seed: int, command: str) -> dict[str, str]:
    """Collect fingerprints, versions, device, seed and command; no clock, no path and no name of a machine."""
    facts = {
        "model fingerprint": model.fingerprint,
        "card digest": model.card.digest if model.card else "no card",
        "test data fingerprint": test.fingerprint,
        "training data fingerprint": train.fingerprint,
        "command": command,
        "seed": str(seed),
        "device": str(model.device),
        "processor": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "system": platform.system(),
        "Python": platform.python_version(),
        "netlens": netlens.__version__,
    }
    return facts | {library: version(library) for library in LIBRARIES}


def command(model: str, dataset: str, seed: int) -> str:
    """The command that makes the report again."""
    parts = ["netlens audit", model if not model.endswith(".toml") else "CARD"]
    parts += [f"--dataset {dataset}"] if dataset and not model.endswith(".toml") else []
    return " ".join([*parts, f"-p seed={seed}"])
