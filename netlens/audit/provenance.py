"""Where a report comes from: what would have to be the same for it to come out the same."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import torch

import netlens
from netlens.audit.policy import Policy
from netlens.audit.subject import Subject

LIBRARIES = ("torch", "torchvision", "numpy", "scipy", "scikit-learn", "matplotlib", "nbconvert", "papermill", "typst")
NONE = "not supplied"


def provenance(subject: Subject, policy: Policy, command: str) -> dict[str, str]:
    """Collect fingerprints, versions, device, seed and command; no clock, no path and no name of a machine."""
    facts = {
        "model fingerprint": subject.model.fingerprint,
        "card digest": subject.card.digest if subject.card else "no card",
        "test data fingerprint": subject.test.fingerprint,
        "training data fingerprint": subject.train.fingerprint if subject.train else NONE,
        "policy": judged_by(policy.use, policy.rows(), policy.required),
        "command": command,
        "profile": subject.profile,
        "seed": str(subject.seed),
        "device": str(subject.model.device),
        "processor": f"{platform.machine()}, {torch.backends.cpu.get_cpu_capability()}",
        "system": platform.system(),
        "Python": platform.python_version(),
        "netlens": netlens.__version__,
    }
    return facts | {library: version(library) for library in LIBRARIES}


def judged_by(use: str, rows: Sequence[Mapping[str, Any]], required: Sequence[str]) -> str:
    """What decided: the profile of use, and the hash of every threshold with its reason and of the checks that must be shown."""
    return f"{use}, {digest([rows, required])[:16]}"


def digest(value: object) -> str:
    """SHA-256 over a value that JSON can hold, whatever the order of keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def command(model: str, dataset: str, profile: str, policy: str, seed: int) -> str:
    """The command that makes the report again; files are named CARD and POLICY, whatever they are called here."""
    own = model.endswith(".toml")
    parts = ["netlens audit", "CARD" if own else model]
    parts += [f"--dataset {dataset}"] if dataset and not own else []
    parts += [f"--profile {profile}"]
    parts += [f"--policy {'POLICY' if policy.endswith('.toml') else policy}"] if policy else []
    return " ".join([*parts, f"--seed {seed}"])
