"""What every measure of an explanation is, and what it finds: one value a sample, and how far chance could have moved their mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import torch

from netlens.errors import ShapeError
from netlens.explain.base import Attribution, Explainer, Target, params_of
from netlens.explain.series import AXIS, enlarge
from netlens.models.model import Model

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Curve:
    """The answer of the model while more and more of the input is hidden, or shown.

    `replacement` : what stands where something is hidden. `share` (N, S) : the share of the features that was touched so far; a row
    with fewer features than steps ends early, and stays there. `own`, `random` (N, S) : the answer along the attribution's ranking,
    and its mean along the random ones.
    """

    replacement: str
    share: torch.Tensor
    own: torch.Tensor
    random: torch.Tensor


@dataclass(frozen=True)
class Score:
    """What a measure found.

    `values` : (N,) one for each sample, float64. `mean`, and its 95 % interval from `low` to `high`, NaN for one sample alone.
    `direction` : whether higher or lower is better. `params` : the choices of the measure, and what it took where there was a choice.
    `own`, `random` : (N,) where `values` are a paired gap, the measure of the attribution and that of random rankings of the same
    features. `curves` : one for each replacement, where the measure draws curves.
    """

    name: str
    values: torch.Tensor
    mean: float
    low: float
    high: float
    n: int
    direction: Direction
    params: dict[str, Any] = field(default_factory=dict)
    reference: str = ""
    own: torch.Tensor | None = None
    random: torch.Tensor | None = None
    curves: tuple[Curve, ...] = ()


class Metric(Protocol):
    """A measure of given explanations: a frozen dataclass whose fields are its choices.

    `name` : its key in the registry. `direction` : which values are better. `reference` : the paper. `cost` : passes for one input.
    """

    name: ClassVar[str]
    direction: ClassVar[Direction]
    reference: ClassVar[str]
    cost: ClassVar[str]

    def __call__(self, model: Model, attribution: Attribution, inputs: torch.Tensor) -> Score:
        """Measure the explanation of each row of `inputs`; the attribution carries the class that it explains."""
        ...


class ExplainerMetric(Protocol):
    """A measure of a method rather than of one explanation: it asks the method again."""

    name: ClassVar[str]
    direction: ClassVar[Direction]
    reference: ClassVar[str]
    cost: ClassVar[str]

    def __call__(self, model: Model, explainer: Explainer, inputs: torch.Tensor, target: Target = None) -> Score:
        """Measure how the method explains each row of `inputs`; without a target, the class that the model predicts."""
        ...


def scored(
    metric: Metric | ExplainerMetric,
    values: torch.Tensor,
    found: Mapping[str, Any] | None = None,
    *,
    own: torch.Tensor | None = None,
    random: torch.Tensor | None = None,
    curves: tuple[Curve, ...] = (),
) -> Score:
    """Make the score of values (N,); `found` joins the hyper-parameters of the measure in `params`."""
    values = values.detach().double().cpu()
    mean, low, high = interval(values)
    params = {**params_of(metric), **(found or {})}
    return Score(
        metric.name, values, mean, low, high, len(values), metric.direction, params, metric.reference, own, random, curves
    )


def interval(values: torch.Tensor) -> tuple[float, float, float]:
    """The mean of values (N,) and its 95 % interval, by Student's t; NaN at both ends for one value alone.

    Notes
    -----
    Student's t rather than a bootstrap: with 8 samples of a normal, the percentile bootstrap holds the truth in 89 % of cases and t
    in 95 %; t needs no seed and costs nothing.
    """
    from scipy.stats import t

    n = len(values)
    mean = float(values.double().mean())
    if n < 2:
        return mean, math.nan, math.nan
    half = float(t.ppf(0.975, n - 1)) * float(values.double().std()) / math.sqrt(n)
    return mean, mean - half, mean + half


def crossed(values: torch.Tensor) -> tuple[float, float, float]:
    """The mean of values (draws, N) and its 95 % interval, where the draws are a sample of many as well as the N.

    Notes
    -----
    All N share one draw, so the spread over the N alone says too little. The variances of the two means are added, with Satterthwaite's
    degrees of freedom; what is left between the two is counted twice, which is on the safe side. With one draw only the N count.
    """
    from scipy.stats import t

    draws, n = values.shape
    mean, low, high = interval(values.mean(0))
    if draws < 2 or n < 2:
        return mean, low, high
    parts = [(float(one.var()) / len(one), len(one) - 1) for one in (values.double().mean(0), values.double().mean(1))]
    total = sum(variance for variance, _ in parts)
    if total == 0:
        return mean, mean, mean
    freedom = total**2 / sum(variance**2 / free for variance, free in parts)
    half = float(t.ppf(0.975, freedom)) * math.sqrt(total)
    return mean, mean - half, mean + half


def elementwise(attribution: Attribution, inputs: torch.Tensor, operation: str) -> torch.Tensor:
    """The values of an attribution for each element of the inputs, shaped like `inputs`, float64 on the CPU.

    The map of a layer, (N, 1, h, w), is enlarged to the images, and one of a series, (N, 1, t), along its time; values of steps
    (N, steps) belong to all channels of a step. A value that stands for several elements is shared out evenly, so that sums are kept
    where nothing is enlarged.

    Raises
    ------
    ShapeError : the shape of the values does not fit the inputs.
    """
    values = attribution.values.detach().double().cpu()
    problem = f"the values of {attribution.method} have shape {tuple(values.shape)} for inputs shaped {tuple(inputs.shape)}"
    expected = "one value for each element, pixel, step or place of a layer's map"
    if len(values) != len(inputs) or len(attribution.target) != len(inputs) or inputs.numel() == 0:
        raise ShapeError(operation, problem, expected=expected)
    if values.shape == inputs.shape:
        return values
    if values.ndim == inputs.ndim == 4 and values.shape[1] == 1:
        return enlarge(values, inputs.shape).expand(inputs.shape) / inputs.shape[1]
    if values.ndim == 3 and values.shape[1] == 1 and AXIS in attribution.params:
        axis = int(attribution.params[AXIS])
        return enlarge(values, inputs.shape, axis).expand(inputs.shape) / (inputs[0].numel() // inputs.shape[axis])
    if values.ndim == 2 and inputs.ndim == 3 and values.shape == inputs.shape[:2]:
        return values.unsqueeze(2).expand(inputs.shape) / inputs.shape[2]
    raise ShapeError(operation, problem, expected=expected)


def pixelwise(attribution: Attribution, inputs: torch.Tensor, operation: str, axis: int = 0) -> torch.Tensor:
    """The values of an attribution for each pixel, step or column, (N, places): channels are added up; see `elementwise`.

    Parameters
    ----------
    axis : of the steps of sequences; 0 for the one that the attribution names, else 1, as in (N, steps, channels).
    """
    values = elementwise(attribution, inputs, operation)
    if values.ndim == 4:
        values = values.sum(1)
    elif values.ndim == 3:
        values = values.sum(3 - (axis or axis_of(attribution)))
    return values.flatten(1)


def axis_of(*attributions: Attribution) -> int:
    """The axis of the steps of sequences: the one that the map of a layer names, else 1, as in (N, steps, channels)."""
    return next((int(one.params[AXIS]) for one in attributions if AXIS in one.params), 1)
