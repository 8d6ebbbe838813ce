"""Which steps of a sequence an answer rests on: the gradient of a logit to what was read, and known, at each step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from netlens.errors import ShapeError
from netlens.internals.recurrent import stacked
from netlens.internals.recurrent_listening import listening, run
from netlens.models.model import Model


@dataclass(frozen=True)
class TimeSaliency:
    """The gradient of one logit at each step of one strand of a recurrent layer; signed, in raw units, on the CPU.

    `inputs` (N, T, F) : to what was read at the step. `hidden`, `cell` (N, T, units) : to the state after it, along every path to the
    logit, those through later steps too. `target` (N,) : the class. What lies after the end of a row is 0.
    """

    layer: str
    kind: str
    level: int
    direction: str
    target: torch.Tensor
    inputs: torch.Tensor
    hidden: torch.Tensor
    cell: torch.Tensor | None

    @property
    def over_time(self) -> torch.Tensor:
        """(N, T) the Euclidean norm of the gradient to what was read at each step."""
        return self.inputs.square().sum(2).sqrt()


def saliency_over_time(
    model: Model, inputs: torch.Tensor, target: int | torch.Tensor | None = None, layer: str = ""
) -> tuple[TimeSaliency, ...]:
    """Differentiate a logit with respect to each step that a recurrent layer reads, and to each of its states.

    Parameters
    ----------
    inputs : as `model.preprocess` gives them; token ids too, for the gradient is taken at what the recurrent layer is given.
    target : the class, or one a row; None for the class that the network chooses.
    layer : the path of one recurrent module; empty for all.

    Raises
    ------
    ModelError : there is no recurrent layer, or its equations do not give what it gives.
    ShapeError : the inputs are no batch, or the target is no class.

    Notes
    -----
    Cost: one forward and one backward pass, through the equations written out. A gradient says what a tiny change would do.

    References
    ----------
    Simonyan, Vedaldi and Zisserman 2013, arXiv:1312.6034.
    """
    operation = "saliency over time"
    with listening(model, inputs, operation, layer) as (network, batch, calls):
        logits = run(network, batch, calls, operation)
        chosen = _target(logits, target, operation)
        score = logits.gather(1, chosen[:, None]).sum()
        found = []
        for call in calls:
            for strand in call.strands:
                parts = (*call.steps, *strand.hidden, *strand.cell)
                slopes = torch.autograd.grad(score, parts, retain_graph=True, allow_unused=True)
                known = [torch.zeros_like(part) if one is None else one for part, one in zip(parts, slopes, strict=True)]
                read, hidden, cell = _cut(known, len(call.steps))
                place = call.layer, call.kind, strand.level, strand.direction, chosen.cpu()
                mask = strand.mask.cpu()[..., None]
                cells = stacked(cell) * mask if cell else None
                found.append(TimeSaliency(*place, stacked(read) * mask, stacked(hidden) * mask, cells))
    return tuple(found)


def _cut(parts: Sequence[torch.Tensor], length: int) -> list[Sequence[torch.Tensor]]:
    return [parts[start : start + length] for start in (0, length, 2 * length)]


def _target(logits: torch.Tensor, target: int | torch.Tensor | None, operation: str) -> torch.Tensor:
    if target is None:
        return logits.detach().argmax(1)
    chosen = torch.as_tensor(target, device=logits.device)
    if chosen.is_floating_point() or chosen.ndim > 1 or (chosen.ndim == 1 and len(chosen) != len(logits)):
        problem = f"the target is {tuple(chosen.shape)} {chosen.dtype} for a batch of {len(logits)}"
        raise ShapeError(operation, problem, expected="one class index, or one for each sample, (N,)")
    if int(chosen.min()) < 0 or int(chosen.max()) >= logits.shape[1]:
        raise ShapeError(operation, f"the target {chosen.tolist()} is no class", expected=f"0 to {logits.shape[1] - 1}")
    return chosen.long().expand(len(logits))
