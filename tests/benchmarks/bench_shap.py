"""Time of DeepSHAP, GradientSHAP and partition SHAP over their floor, and shap's own over ours, in one run.

    python tests/benchmarks/bench_shap.py [--batch 1 8] [--turns 5] [--background 20] [--samples 200]

On the CNN of the first lesson. Both explain one and the same logit, with the same background and as many samples; shap gets a network
that has no other logit. Ours adds its checks: that every layer has a rule, and that the values add up. Target: shap never faster.
"""

from __future__ import annotations

import argparse
import copy
import warnings
from dataclasses import dataclass

import numpy as np
import torch
from floor import Run, compare, forward, forward_backward, passes
from numpy.typing import NDArray
from torch import nn

from netlens.data import Preprocess
from netlens.explain import DeepSHAP, GradientSHAP, PartitionSHAP
from netlens.models import Model
from netlens.models.architectures import MnistCNN

SIDE = 28
SIZES = (1, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Case:
    """A method at work: ours, shap's, and the passes of one row that its definition needs."""

    name: str
    ours: Run
    theirs: Run
    forward_backward: int = 0
    forward: int = 0


class OneLogit(nn.Module):
    """A network that gives its first logit alone, (N, 1)."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.net(inputs)[:, :1]


def cases(model: Model, images: torch.Tensor, background: int, samples: int) -> list[Case]:
    """The methods on a batch, each with shap's own beside it on a copy of the network."""
    import shap

    ground = torch.rand(background, *images.shape[1:])
    alone = OneLogit(copy.deepcopy(model.net)).eval()

    def partition() -> object:
        def score(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
            with torch.no_grad():
                return alone(torch.from_numpy(pictures).movedim(-1, 1).float()).numpy()

        masker = shap.maskers.Image(np.zeros((SIDE, SIDE, 1), dtype=np.float32))
        explainer = shap.PartitionExplainer(score, masker)
        return explainer(images.movedim(1, -1).numpy(), max_evals=samples, batch_size=50, silent=True)

    def gradient() -> object:
        return shap.GradientExplainer(alone, ground).shap_values(images, nsamples=samples, rseed=0)

    def deep() -> object:
        return shap.DeepExplainer(alone, ground).shap_values(images, check_additivity=False)

    return [
        Case("deep_shap", lambda: DeepSHAP(ground)(model, images, 0), deep, forward_backward=2 * background),
        Case("gradient_shap", lambda: GradientSHAP(ground, samples)(model, images, 0), gradient, forward_backward=samples),
        Case(
            "partition_shap",
            lambda: PartitionSHAP("pixels", "zero", samples)(model, images, 0),
            partition,
            forward=samples,
        ),
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--background", type=int, default=20, help="samples that DeepSHAP and GradientSHAP compare with")
    parser.add_argument("--samples", type=int, default=200, help="passes of GradientSHAP and partition SHAP for each row")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    net = MnistCNN().eval()
    for parameter in net.parameters():
        parameter.requires_grad_(False)
    model = Model(net, "mnist-cnn", tuple("0123456789"), Preprocess((0.13,), (0.31,)))
    print(f"{'rows':>5}  {'method':<16}{'ms':>9}{'/ floor':>9}{'best':>7}{'shap / floor':>14}{'shap / ours':>13}")
    for rows in asked.batch:
        images = torch.rand(rows, 1, SIDE, SIDE) + 0.5
        for case in cases(model, images, asked.background, asked.samples):
            step = forward_backward if case.forward_backward else forward
            floor = passes(step, net, rows * (case.forward_backward or case.forward), images, SIZES)
            found = compare(floor, case.ours, case.theirs, asked.turns)
            times = f"{found.milliseconds:9.1f}{found.over_floor:9.2f}{found.best_over_floor:7.2f}"
            theirs = f"{found.over_floor * found.library_over_ours:14.2f}{found.library_over_ours:13.2f}"
            print(f"{rows:>5}  {case.name:<16}{times}{theirs}", flush=True)


if __name__ == "__main__":
    main()
