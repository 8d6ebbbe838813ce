"""Reduced precision for perturbed forward passes, used only where a trial on the same input shows that it changes nothing."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from netlens.errors import unknown
from netlens.explain.base import Question

Precision = Literal["float32", "auto"]
TRIAL = 32
WORTHWHILE = 4  # trials; a row with fewer copies than so many trials is scored in full precision
AGREEMENT = 0.99
NOISE = 0.1


def reduced(question: Question, choice: Precision) -> bool:
    """Whether bfloat16 is to be tried: asked for with `auto`, float32 inputs, and a processor with units for it.

    Raises
    ------
    UsageError : `choice` is neither `float32` nor `auto`.
    """
    if choice not in ("float32", "auto"):
        raise unknown(question.operation, "precision", str(choice), ("float32", "auto"))
    return choice == "auto" and question.inputs.dtype == torch.float32 and has_bf16(question.inputs.device)


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices in hardware."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def faithful(full: torch.Tensor, short: torch.Tensor) -> bool:
    """Whether scores (n,) in reduced precision rank a trial as the full ones do.

    The rank correlation must reach 0.99, and the rounding's variance must stay below a hundredth of the scores' own, so that it adds
    less than one percent to the variance of an estimate made from them.
    """
    error = (short - full).std(correction=0)
    return rank_correlation(full, short) >= AGREEMENT and bool(error <= NOISE * full.std(correction=0))


def rank_correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    """Spearman's rank correlation of two vectors, ties sharing their mean rank; 1 when both are constant, 0 when one is."""
    left, right = (_ranks(values) for values in (one, other))
    deviations = left.std(correction=0), right.std(correction=0)
    if min(deviations) == 0:
        return float(max(deviations) == 0)
    return float(((left - left.mean()) * (right - right.mean())).mean() / (deviations[0] * deviations[1]))


def _ranks(values: torch.Tensor) -> torch.Tensor:
    _, place, counts = np.unique(values.double().numpy(), return_inverse=True, return_counts=True)
    return torch.from_numpy((counts.cumsum() - (counts - 1) / 2)[place])
