"""How gradients flow while a network learns: sizes, histograms and the steps that they cause, layer by layer."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from netlens.errors import ModelError, ShapeError, UsageError
from netlens.seeding import generator

OPERATION = "flow"
BINS = np.linspace(-14, 4, 73)  # powers of ten; what is smaller or larger falls into the outermost bins
THOUSANDFOLD = 1e3


@dataclass(frozen=True)
class Flow:
    """What happened in each layer at each step.

    `loss` (steps,). `gradient`, `weight`, `update` (steps, layers): the root mean square of a layer's gradients, weights and steps.
    `counts` (steps, layers, bins): how many gradients have a size in each bin of `BINS`; `zeros` (steps, layers): the share that is zero.
    """

    layers: tuple[str, ...]
    loss: NDArray[np.float64]
    gradient: NDArray[np.float64]
    weight: NDArray[np.float64]
    update: NDArray[np.float64]
    counts: NDArray[np.int64]
    zeros: NDArray[np.float64]

    @property
    def across(self) -> float:
        """The gradient of the first layer over that of the last, at the first step: 1 is even, 0.001 starves the first layer."""
        first, last = self.gradient[0, 0], self.gradient[0, -1]
        return float(first / last) if last else math.nan

    @property
    def verdict(self) -> str:
        """`exploding`, `vanishing` or `even`.

        Exploding: the first step moves the first layer by more than its own size, or the loss is not finite at some step. Vanishing: the
        first layer's gradient is a thousand times smaller than the last one's at the first step.
        """
        if not np.isfinite(self.loss).all() or not np.isfinite(self.gradient).all() or self.ratio[0, 0] > 1:
            return "exploding"
        return "vanishing" if math.isnan(self.across) or self.across < 1 / THOUSANDFOLD else "even"

    @property
    def ratio(self) -> NDArray[np.float64]:
        """The step over the weight, (steps, layers); about 0.001 is usual. NaN where a layer's weights are all zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found: NDArray[np.float64] = np.where(self.weight > 0, self.update / self.weight, np.nan)
        return found

    def frame(self) -> pd.DataFrame:
        """One row a layer, at the first and at the last step."""
        ends = {"first step": 0, "last step": -1}
        columns = {f"gradient, {when}": self.gradient[step] for when, step in ends.items()}
        columns |= {f"step over weight, {when}": self.ratio[step] for when, step in ends.items()}
        return pd.DataFrame({"layer": self.layers, **columns, "gradients that are zero": self.zeros.mean(0)})


class Recorder:
    """Record gradients in a training loop of your own: `before()` after the backward pass, `after(loss)` after the step.

    Parameters
    ----------
    net : weights with two axes or more are followed, since a bias has no fan-in.

    Raises
    ------
    ModelError : nothing in the network learns.
    """

    def __init__(self, net: nn.Module) -> None:
        self.layers: dict[str, nn.Parameter] = {}
        for path, parameter in net.named_parameters():
            if parameter.ndim > 1 and parameter.requires_grad:
                self.layers[path.removesuffix(".weight")] = parameter
        if not self.layers:
            raise ModelError(OPERATION, f"{type(net).__name__} has no weights that learn")
        self.rows: list[tuple[float, NDArray[np.float64], NDArray[np.int64]]] = []

    def before(self) -> None:
        """Read the gradients, and keep the weights as they are before the step."""
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad.detach() for p in self.layers.values()]
        self.kept = [parameter.detach().clone() for parameter in self.layers.values()]
        zeros = [float((gradient == 0).float().mean()) for gradient in gradients]
        self.seen = [[_size(one) for one in gradients], [_size(one) for one in self.kept], zeros]
        self.counts = np.stack([_histogram(gradient) for gradient in gradients])

    def after(self, loss: float) -> None:
        """Read how far the step went."""
        steps = [_size(now.detach() - then) for now, then in zip(self.layers.values(), self.kept, strict=True)]
        self.rows.append((loss, np.asarray([*self.seen[:2], steps, self.seen[2]]), self.counts))

    def flow(self) -> Flow:
        """What was recorded.

        Raises
        ------
        UsageError : no step was.
        """
        if not self.rows:
            raise UsageError(OPERATION, "no step was recorded", remedy="Call before() and after(loss) around each step.")
        loss, sizes, counts = (list(part) for part in zip(*self.rows, strict=True))
        gradient, weight, update, zeros = np.stack(sizes).transpose(1, 0, 2)
        return Flow(tuple(self.layers), np.asarray(loss), gradient, weight, update, np.stack(counts), zeros)


def learn(
    net: nn.Module,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    *,
    steps: int = 100,
    rate: float = 0.1,
    rows: int = 64,
    seed: int = 0,
) -> Flow:
    """Train a copy of a network by plain gradient descent, and record the flow; the network itself stays as it is.

    Parameters
    ----------
    steps : how many. rate : the learning rate. rows : samples a step, drawn with `seed`.

    Raises
    ------
    ShapeError : there is no sample, not one label for each, or the network does not take them. UsageError : there is no step.

    Notes
    -----
    It stops early when the loss is no longer finite. Cost: `steps` forward and backward passes.
    """
    if len(inputs) == 0 or len(inputs) != len(labels):
        raise ShapeError(
            OPERATION, f"there are {len(inputs)} inputs and {len(labels)} labels", expected="as many, and at least one"
        )
    if labels.is_floating_point() or labels.ndim != 1 or int(labels.min()) < 0:
        problem = f"the labels are {tuple(labels.shape)} {labels.dtype}, from {labels.min().item():g}"
        raise ShapeError(OPERATION, problem, expected="one class index for each input, (N,)")
    if steps < 1 or rows < 1 or not rate > 0:
        problem = f"steps is {steps}, rows {rows}, rate {rate}"
        raise UsageError(OPERATION, problem, expected="a step and a row at least, and a positive rate")
    net = copy.deepcopy(net).train()
    recorder, draw = Recorder(net), generator(seed)
    optimiser = torch.optim.SGD(net.parameters(), rate)
    for _ in range(steps):
        ids = torch.randint(len(inputs), (min(rows, len(inputs)),), generator=draw)
        loss = _loss(net, inputs[ids], labels[ids])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        recorder.before()
        optimiser.step()
        recorder.after(loss.item())
        if not math.isfinite(loss.item()):
            break
    return recorder.flow()


def _loss(net: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    first = next(parameter for parameter in net.parameters() if parameter.is_floating_point())
    batch = inputs.to(first.device, first.dtype) if inputs.is_floating_point() else inputs.to(first.device)
    try:
        return nn.functional.cross_entropy(net(batch), labels.long().to(first.device))
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, ValueError, IndexError) as error:
        problem = f"{type(net).__name__} does not learn from inputs {tuple(batch.shape)}: {str(error).splitlines()[0]}"
        raise ShapeError(OPERATION, problem, remedy="Check that network, inputs and labels fit together.") from error


def _size(values: torch.Tensor) -> float:
    """The root mean square."""
    return float(values.double().square().mean().sqrt())


def _histogram(values: torch.Tensor) -> NDArray[np.int64]:
    """How many sizes fall into each bin; zeros and what is not finite are left out."""
    sizes = values.detach().abs().double().flatten().cpu().numpy()
    powers = np.log10(sizes[(sizes > 0) & np.isfinite(sizes)])
    counts: NDArray[np.int64] = np.histogram(np.clip(powers, BINS[0], BINS[-1]), BINS)[0]
    return counts
