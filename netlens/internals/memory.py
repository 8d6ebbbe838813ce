"""How far back a recurrent layer remembers: what is left, at the end, of a nudge given some steps before."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from netlens.errors import UsageError
from netlens.internals.recurrent_listening import listening, run
from netlens.internals.unroll import Strand
from netlens.models.model import Model


@dataclass(frozen=True)
class Memory:
    """What reaches the last hidden state of one strand from each step; on the CPU.

    `gain` (N, distance) : the Frobenius norm of the derivative of the last hidden state with respect to the state (hidden and, of an
    LSTM, cell) that many steps before, over the square root of the units: 1 means that a nudge arrives whole. NaN before the start.
    `hidden`, `cell` : the same for each part of the state alone.
    """

    layer: str
    kind: str
    level: int
    direction: str
    hidden: torch.Tensor
    cell: torch.Tensor | None

    @property
    def gain(self) -> torch.Tensor:
        """(N, distance) for hidden and cell together."""
        return self.hidden if self.cell is None else (self.hidden.square() + self.cell.square()).sqrt()

    def reach(self, share: float = 0.05) -> torch.Tensor:
        """(N,) how many steps back a nudge still arrives with at least `share` of the gain that it has in the last step itself."""
        if not 0 < share < 1:
            raise UsageError("memory", f"the share {share} is none", expected="a number between 0 and 1")
        gain = self.gain
        held = (gain[:, 1:] >= share * gain[:, :1]).long()
        return held.cumprod(1).sum(1)


def memory(model: Model, inputs: torch.Tensor, layer: str = "") -> tuple[Memory, ...]:
    """Measure how the derivative of the last hidden state with respect to earlier ones falls with their distance.

    Parameters
    ----------
    inputs : as `model.preprocess` gives them. layer : the path of one recurrent module; empty for all.

    Notes
    -----
    Cost: one forward pass, and one backward pass for each unit. In a plain RNN the derivative is a product of one matrix a step; it
    vanishes, or explodes, exponentially with the distance. In an LSTM the cell has a path on which each step only multiplies by the
    forget gate.

    References
    ----------
    Bengio, Simard and Frasconi 1994, doi:10.1109/72.279181; Hochreiter and Schmidhuber 1997, doi:10.1162/neco.1997.9.8.1735.
    """
    with listening(model, inputs, "memory", layer) as (network, batch, calls):
        run(network, batch, calls, "memory")
        return tuple(
            Memory(call.layer, call.kind, strand.level, strand.direction, *_norms(strand))
            for call in calls
            for strand in call.strands
        )


def _norms(strand: Strand) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The norms (N, distance) to hidden and to cell states, by distance from the last step of each row."""
    last = strand.hidden[-1] if strand.direction == "forward" else strand.hidden[0]
    parts = (*strand.hidden, *strand.cell)
    squares = [last.new_zeros(len(last)) for _ in parts]
    for unit in last.unbind(1):
        slopes = torch.autograd.grad(unit.sum(), parts, retain_graph=True, allow_unused=True)
        squares = [total if one is None else total + one.square().sum(1) for total, one in zip(squares, slopes, strict=True)]
    norms = (torch.stack(squares, 1) / last.shape[1]).sqrt().detach().cpu()
    count, lengths = len(strand.hidden), strand.mask.sum(1).cpu()
    if strand.direction == "forward":
        places = lengths[:, None] - 1 - torch.arange(count)[None]
    else:
        places = torch.arange(count)[None].expand(len(last), count)
    absent = (places < 0) | (places >= lengths[:, None])
    halves = [
        norms[:, start : start + count].gather(1, places.clamp(min=0)).masked_fill(absent, torch.nan)
        for start in (0, count)
        if norms.shape[1] > start
    ]
    return halves[0], halves[1] if len(halves) > 1 else None
