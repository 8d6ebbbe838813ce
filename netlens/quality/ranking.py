"""Which method for this model and these data? Measured, with its price."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import torch

from netlens.data import Batch, Dataset
from netlens.errors import NetlensError, ShapeError, UsageError
from netlens.explain.base import Attribution, Explainer, asking
from netlens.models.model import Model
from netlens.models.twin import twin
from netlens.quality.agreement import Agreement, agreement
from netlens.quality.base import Score
from netlens.quality.sanity import Sanity, randomise
from netlens.quality.stamp import Policy, Stamp, stamp

AIMS = {"faithfulness": 1, "stability": 1, "passes": -1}  # 1: more is better, -1: less is better
DIGITS = {"faithfulness": 2, "stability": 2, "passes": 0}  # finer differences are chance


@dataclass(frozen=True)
class Ranked:
    """One method: its explanations, what was measured of them, and what they cost; `reason` says why it could not be asked."""

    method: str
    attribution: Attribution | None = None
    faithfulness: Score | None = None
    stability: Score | None = None
    sanity: Sanity | None = None
    stamp: Stamp | None = None
    passes: float = float("nan")
    seconds: float = float("nan")
    reason: str = ""


@dataclass(frozen=True)
class Ranking:
    """Methods measured on one model and batch; `agreement` compares those that gave an answer."""

    methods: tuple[Ranked, ...]
    agreement: Agreement | None
    n: int

    def frame(self) -> pd.DataFrame:
        """One row a method, the most faithful first.

        `faithfulness` is the gap of the deletion area over random rankings, with its interval; `stability` a rank correlation; `sanity` what
        the map keeps of itself, beyond a control, with the network broken (lower is better); `agreement` the mean rank correlation
        with the other methods (no merit in itself); `passes` forward-pass equivalents for one input, a backward pass counted as two;
        `seconds` for one input; `pareto` whether no other method is as good in faithfulness, stability and passes and better in
        one, among those that are not stamped `not evidence`.
        """
        table = pd.DataFrame([_row(one, self.agreement) for one in self.methods])
        judged = table.round(DIGITS)
        judged.loc[table["verdict"] == "not evidence", list(AIMS)] = float("nan")
        table["pareto"] = front(judged, AIMS)
        return table.sort_values("faithfulness", ascending=False, ignore_index=True)


def rank(
    model: Model,
    data: Dataset | Batch | torch.Tensor,
    methods: Sequence[Explainer],
    *,
    samples: int = 32,
    faithfulness: Any = None,
    stability: Any = None,
    policy: Policy | None = None,
    seed: int = 0,
) -> Ranking:
    """Measure methods on a model and data: faithfulness, stability, sanity, agreement and cost.

    Parameters
    ----------
    data : the first `samples` of a data set, a batch, or inputs.
    faithfulness : a measure where higher is better; the deletion gap by default.
    stability : a measure of a method where higher is better; the rank correlation under small noise by default.
    policy : thresholds of the stamps.

    Returns
    -------
    Ranking. A method that does not apply to the model stays in the table, with the reason.

    Notes
    -----
    Cost: each method explains the data about ten times.
    """
    inputs = (
        data
        if isinstance(data, torch.Tensor)
        else (data.take(min(samples, len(data))) if isinstance(data, Dataset) else data).inputs
    )
    if not methods:
        raise ShapeError("rank", "no method was given", expected="at least one")
    for method in methods:
        if isinstance(method, type) or not callable(method):
            raise UsageError("rank", f"{method!r} is no method", expected="explainers with their choices, such as Saliency()")
    faithfulness, stability = faithfulness or _faithfulness(seed), stability or _stability(seed)
    target = model.logits(inputs).argmax(1)
    ranked = tuple(
        replace(_measure(method, model, inputs, target, faithfulness, stability, policy, seed), method=name)
        for method, name in zip(methods, _names(methods), strict=True)
    )
    answered = {one.method: one.attribution for one in ranked if one.attribution is not None}
    compared = agreement(list(answered.values()), inputs, names=list(answered)) if len(answered) > 1 else None
    return Ranking(ranked, compared, len(inputs))


def cost(method: Explainer, model: Model, inputs: torch.Tensor, target: torch.Tensor) -> tuple[Attribution, float, float]:
    """Explain, and say what it took for one input: passes, a backward pass counted as two forward ones, and seconds."""
    counted, rows = _counting(model)
    with asking(counted, inputs[:1], target[:1], "rank", tokens=True) as question:
        question.scores(question.inputs, question.target)  # how many rows go at once is measured here, at nobody's expense
    rows[0] = 0.0
    start = time.perf_counter()
    found = method(counted, inputs, target)
    return found, rows[0] / len(inputs), (time.perf_counter() - start) / len(inputs)


def front(table: pd.DataFrame, aims: dict[str, int]) -> list[bool]:
    """Whether each row is on the Pareto front: no other is as good in all of `aims` and better in one; a row with gaps is not."""
    values = torch.tensor(table[list(aims)].to_numpy(dtype=float)) * torch.tensor(list(aims.values()), dtype=torch.float64)
    whole = ~values.isnan().any(1)
    best = []
    for place, row in enumerate(values):
        beaten = ((values >= row).all(1) & (values > row).any(1) & whole).any()
        best.append(bool(whole[place] and not beaten))
    return best


def _measure(
    method: Explainer,
    model: Model,
    inputs: torch.Tensor,
    target: torch.Tensor,
    faithfulness: Any,
    stability: Any,
    policy: Policy | None,
    seed: int,
) -> Ranked:
    try:
        found, passes, seconds = cost(method, model, inputs, target)
        gap = faithfulness(model, found, inputs)
        steady = stability(model, method, inputs, target)
        sane = randomise(method, model, inputs, target, draws=3, seed=seed, decisive_only=True)
    except NetlensError as error:
        return Ranked(method.name, reason=str(error))
    verdict = stamp(found, faithfulness=gap, stability=steady, sanity=sane, policy=policy)
    return Ranked(method.name, found, gap, steady, sane, verdict, passes, seconds)


def _row(one: Ranked, compared: Agreement | None) -> dict[str, Any]:
    none = float("nan")
    others = none
    if compared is not None and one.attribution is not None:
        place = compared.names.index(one.method)
        others = float((compared.matrix[place].sum() - 1) / (len(compared.names) - 1))
    gap, steady, sane = one.faithfulness, one.stability, one.sanity
    return {
        "method": one.method,
        "verdict": one.stamp.verdict if one.stamp else "does not apply",
        "faithfulness": gap.mean if gap else none,
        "low": gap.low if gap else none,
        "high": gap.high if gap else none,
        "stability": steady.mean if steady else none,
        "sanity": sane.interval[0] if sane else none,
        "agreement": others,
        "passes": one.passes,
        "seconds": one.seconds,
        "reason": one.reason or (one.stamp.told if one.stamp else ""),
    }


def _names(methods: Sequence[Explainer]) -> list[str]:
    """The methods' names; one that comes again, with other choices, gets a number."""
    names = [method.name for method in methods]
    return [name if name not in names[:place] else f"{name} {names[:place].count(name) + 1}" for place, name in enumerate(names)]


def _counting(model: Model) -> tuple[Model, list[float]]:
    """A model of the same weights that counts the rows sent through it; a pass with a graph counts three times."""
    net, rows = twin(model.net, "rank"), [0.0]
    kind = type(net)

    def counted(inputs: torch.Tensor, output: Any) -> Any:
        graph = isinstance(output, torch.Tensor) and output.requires_grad
        rows[0] += len(inputs) * (3 if graph else 1)
        return output

    def forward(self: torch.nn.Module, inputs: torch.Tensor, *others: Any, **named: Any) -> Any:
        return counted(inputs, kind.forward(self, inputs, *others, **named))

    if isinstance(net, torch.jit.ScriptModule):  # its class has no forward of its own, and nobody makes twins of it
        own = net.forward
        net.__dict__["forward"] = lambda inputs, *others: counted(inputs, own(inputs, *others))
    else:
        net.__class__ = type(kind.__name__, (kind,), {"forward": forward, "__module__": kind.__module__})
    return replace(model, net=net), rows


def _faithfulness(seed: int) -> Any:
    from netlens.quality.faithfulness import Deletion

    return Deletion(seed=seed)


def _stability(seed: int) -> Any:
    from netlens.quality.stability import NoiseStability

    return NoiseStability(seed=seed)
