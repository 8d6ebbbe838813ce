"""Units that follow something: chosen on one half of the samples, and measured on the other."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from netlens.errors import ShapeError
from netlens.internals.recurrent import States


@dataclass(frozen=True)
class Tracking:
    """Correlations of units with a quantity over all samples and steps.

    `unit` : the one with the largest correlation, in size, on the first half of the samples. `correlation` : what it has on the
    other half. `by_unit` (units,) : of each unit on that other half. `chance` : what the chosen unit has there when
    the quantities are dealt to the wrong samples; what the mere passing of time explains.
    """

    unit: int
    correlation: float
    by_unit: torch.Tensor
    chance: float


def tracking(states: States, quantity: torch.Tensor, *, of_cell: bool = False) -> Tracking:
    """Find the unit whose state follows a quantity most closely.

    Parameters
    ----------
    quantity : (N, T), what is to be followed, such as the ink read so far.
    of_cell : whether to look at the cell of an LSTM instead of its hidden state.

    Raises
    ------
    ShapeError : the quantity has another shape than the states, or there are fewer than four samples.

    Notes
    -----
    Out of many units one always fits best, so the unit is chosen on one half and judged on the other. A correlation is no cause: the network
    need not use what the unit follows.

    References
    ----------
    Karpathy, Johnson and Fei-Fei 2015, arXiv:1506.02078.
    """
    values = states.cell if of_cell and states.cell is not None else states.hidden
    if quantity.shape != values.shape[:2] or len(values) < 4:
        problem = f"the quantity is {tuple(quantity.shape)} for states {tuple(values.shape)}"
        raise ShapeError("tracking", problem, expected="one number for each sample and step, and at least four samples")
    half = len(values) // 2
    first, second = (_correlations(values[part], quantity[part]) for part in (slice(0, half), slice(half, None)))
    wrong = _correlations(values[half:], quantity[half:].roll(1, 0))
    unit = int(first.abs().argmax())
    return Tracking(unit, float(second[unit]), second, float(wrong[unit].abs()))


def _correlations(values: torch.Tensor, quantity: torch.Tensor) -> torch.Tensor:
    """Pearson's correlation of each unit with the quantity, over what is not NaN; 0 for what never moves."""
    here = values.isfinite().all(2) & quantity.isfinite()
    left, right = values[here].double(), quantity[here].double()[:, None]
    left, right = left - left.mean(0), right - right.mean(0)
    size = left.norm(dim=0) * right.norm(dim=0)
    return torch.where(size > 0, (left * right).sum(0) / size.clamp(min=1e-300), 0.0)
