"""One sequence that a recurrent module read, written out and checked against what the module gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from netlens.errors import ModelError
from netlens.internals.unroll import Strand

# The largest difference between what a module gives and what the equations give, over the larger of 1 and the largest output.
# Half precision rounds at every step.
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 6e-2}


@dataclass
class Call:
    """One sequence that a recurrent module read, written out: `steps` (N, F) each and `strands` are in the graph of the logits."""

    layer: str
    kind: str
    number: int
    steps: list[torch.Tensor]
    strands: list[Strand]
    error: float
    given_back: torch.Tensor | None = None  # the hidden state that a cell handed to the network after its last step


def leaf(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in float32 at least, as a part of a graph."""
    exact = tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
    return exact if exact.requires_grad or not torch.is_grad_enabled() else exact.detach().requires_grad_()


def compared(ours: Sequence[torch.Tensor], theirs: Sequence[torch.Tensor], path: str, module: nn.Module, operation: str) -> float:
    """How far the equations miss, checked against the tolerance."""
    error = max(
        float((one.detach().double() - two.detach().double()).abs().max() / max(1.0, float(two.detach().abs().max())))
        for one, two in zip(ours, theirs, strict=True)
    )
    tolerance = TOLERANCE[theirs[0].dtype]
    if not error <= tolerance:
        problem = (
            f"the equations of {type(module).__name__} do not give what the layer '{path}' gives: they differ by {error:.2g}"
        )
        remedy = "Is it a subclass with a forward of its own, or are its weights not finite?"
        raise ModelError(operation, problem, expected=f"a difference of at most {tolerance:g}", remedy=remedy)
    return error
