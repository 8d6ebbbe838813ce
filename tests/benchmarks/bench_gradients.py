"""Time of the methods by gradients, rules and activation maps over their floor, and captum's over ours, in one run.

    python tests/benchmarks/bench_gradients.py [--net mnist resnet18] [--batch 1 8 64] [--turns 7] [--only NAME]...

The ratios are medians over the turns. Targets: 1.10 times the floor from 8 rows on, 1.25 for one row, captum never faster.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from floor import Run, compare, forward, forward_backward, passes
from torch import nn

from netlens import explain
from netlens.data import Preprocess
from netlens.models import Model
from netlens.models.architectures import MnistCNN

FIXED = float("inf")


@dataclass(frozen=True)
class Bench:
    """A network, cut at its last maps, and how much work the methods get.

    `once` : whether each module runs once, without which captum's rules break.
    """

    model: Model
    head: nn.Module
    tail: nn.Module
    layer: str
    shape: tuple[int, ...]
    sizes: tuple[int, ...]
    steps: int
    samples: int
    once: bool


@dataclass(frozen=True)
class Case:
    """A method at work: ours, captum's, and the passes that its definition needs."""

    name: str
    ours: Run
    theirs: Run | None
    forward_backward: int = 0
    forward: int = 0
    head: int = 0
    tail: int = 0
    head_backward: int = 0


def mnist() -> Bench:
    """The CNN of the first lesson."""
    net = frozen(MnistCNN())
    head = nn.Sequential(net.conv1, net.relu1, net.pool1, net.conv2, net.relu2, net.pool2)
    tail = nn.Sequential(net.flatten, net.fc1, net.relu3, net.fc2)
    model = Model(net, "mnist-cnn", tuple("0123456789"), Preprocess((0.13,), (0.31,)))
    return Bench(model, head, tail, "pool2", (1, 28, 28), (1, 8, 32, 64, 128), steps=50, samples=25, once=True)


def resnet18() -> Bench:
    """A ResNet-18 at 224 x 224."""
    from torchvision.models import resnet18

    net = frozen(resnet18(weights=None))
    head = nn.Sequential(*list(net.children())[:-2])
    tail = nn.Sequential(net.avgpool, nn.Flatten(), net.fc)
    preprocess = Preprocess((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    model = Model(net, "resnet18", tuple(map(str, range(1000))), preprocess)
    return Bench(model, head, tail, "layer4", (3, 224, 224), (1, 4, 8), steps=8, samples=4, once=False)


def frozen(net: nn.Module) -> nn.Module:
    """In evaluation mode, no weight collecting a gradient: so that captum and the floor do no more than they must."""
    return net.eval().requires_grad_(False)


def cases(bench: Bench, images: torch.Tensor) -> Iterator[Case]:
    """Every method on a batch."""
    from captum import attr

    model, net, layer = bench.model, bench.model.net, bench.layer
    rows, samples, steps = len(images), bench.samples, bench.steps
    target = torch.zeros(rows, dtype=torch.int64)
    inner = model.layer(layer)
    channels = bench.head(images[:1]).shape[1]
    background = torch.rand(8, *bench.shape)
    zero = torch.zeros(1, *bench.shape)

    def ours(method: explain.Explainer) -> Run:
        return lambda: method(model, images, target)

    def theirs(call: Callable[[torch.Tensor], object]) -> Run:
        return lambda: call(images.detach().requires_grad_())

    def tunnel(kind: str) -> Run:
        settings = {"nt_type": kind, "nt_samples": samples, "stdevs": 0.15, "target": target}
        return theirs(lambda x: attr.NoiseTunnel(attr.Saliency(net)).attribute(x, abs=False, **settings))

    yield Case("saliency", ours(explain.Saliency()), theirs(lambda x: attr.Saliency(net).attribute(x, target)), rows)
    yield Case(
        "gradient_x_input", ours(explain.GradientXInput()), theirs(lambda x: attr.InputXGradient(net).attribute(x, target)), rows
    )
    yield Case(
        "neuron_gradient",
        ours(explain.NeuronGradient(layer, 0, (1, 1))),
        theirs(lambda x: attr.NeuronGradient(net, inner).attribute(x, (0, 1, 1))),
        head_backward=rows,
    )
    yield Case("smooth_grad", ours(explain.SmoothGrad(samples)), tunnel("smoothgrad"), rows * samples)
    yield Case("var_grad", ours(explain.VarGrad(samples)), tunnel("vargrad"), rows * samples)
    yield Case(
        "integrated_gradients",
        ours(explain.IntegratedGradients("zero", n_steps=steps, tolerance=FIXED)),
        theirs(lambda x: attr.IntegratedGradients(net).attribute(x, zero, target, n_steps=steps)),
        rows * steps,
        forward=2 * rows,
    )
    yield Case(
        "expected_gradients",
        ours(explain.ExpectedGradients(background, n_samples=max(8, samples), tolerance=FIXED)),
        theirs(
            lambda x: attr.GradientShap(net).attribute(
                x,
                background,
                n_samples=-(-max(8, samples) // 8) * 8,
                target=target,
                return_convergence_delta=True,  # as ours: that the values add up is checked at each call
            )
        ),
        rows * -(-max(8, samples) // 8) * 8,
        forward=rows + 8,
    )
    yield Case(
        "guided_backprop", ours(explain.GuidedBackprop()), theirs(lambda x: attr.GuidedBackprop(net).attribute(x, target)), rows
    )
    yield Case(
        "guided_grad_cam",
        ours(explain.GuidedGradCAM(layer)),
        theirs(lambda x: attr.GuidedGradCam(net, inner).attribute(x, target)),
        rows,
        tail=rows,
    )
    yield Case(
        "grad_cam",
        ours(explain.GradCAM(layer)),
        theirs(lambda x: attr.LayerGradCam(net, inner).attribute(x.detach(), target)),
        head=rows,
        tail=rows,
    )
    yield Case("grad_cam_plus_plus", ours(explain.GradCAMPlusPlus(layer)), None, head=rows, tail=rows)
    yield Case("layer_cam", ours(explain.LayerCAM(layer)), None, head=rows, tail=rows)
    yield Case("eigen_cam", ours(explain.EigenCAM(layer)), None, forward=rows)
    if channels * images.numel() < 1e8:
        yield Case("score_cam", ours(explain.ScoreCAM(layer)), None, forward=rows * (channels + 1))
    lift = theirs(lambda x: attr.DeepLift(net).attribute(x, zero.expand_as(x), target, return_convergence_delta=True))
    # the floors of the rules are the passes of captum's way; ours takes fewer
    yield Case("deep_lift", ours(explain.DeepLIFT("zero")), lift if bench.once else None, 2 * rows)
    # captum's LRP takes no network that has a Flatten
    yield Case("lrp", ours(explain.LRP()), None, rows, forward=rows)


def floor_of(case: Case, bench: Bench, images: torch.Tensor) -> Run:
    """The passes of a case, one after the other."""
    with torch.no_grad():
        maps = bench.head(images[:1])
    net, sizes = bench.model.net, bench.sizes
    parts = [
        passes(step, part, rows, like, sizes)
        for step, part, rows, like in (
            (forward_backward, net, case.forward_backward, images),
            (forward, net, case.forward, images),
            (forward, bench.head, case.head, images),
            (forward_backward, bench.tail, case.tail, maps),
            (forward_backward, bench.head, case.head_backward, images),
        )
        if rows
    ]
    return lambda: [part() for part in parts]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", nargs="+", default=["mnist", "resnet18"], choices=["mnist", "resnet18"])
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 8, 64])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="1: count processor time, on a busy machine")
    parser.add_argument("--only", nargs="+", default=[])
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    warnings.simplefilter("ignore")  # captum's
    print(f"{'network':<10}{'rows':>5}  {'method':<22}{'ms':>9}{'/ floor':>9}{'best':>7}{'captum / ours':>15}")
    for name in chosen.net:
        bench = {"mnist": mnist, "resnet18": resnet18}[name]()
        for rows in chosen.batch:
            if name == "resnet18" and rows > 8:
                continue
            torch.manual_seed(0)
            images = torch.rand(rows, *bench.shape)
            for case in cases(bench, images):
                if chosen.only and case.name not in chosen.only:
                    continue
                found = compare(
                    floor_of(case, bench, images),
                    case.ours,
                    case.theirs,
                    chosen.turns if name == "mnist" else min(3, chosen.turns),
                )
                library = f"{found.library_over_ours:15.2f}" if case.theirs else f"{'-':>15}"
                times = f"{found.milliseconds:9.1f}{found.over_floor:9.2f}{found.best_over_floor:7.2f}"
                print(f"{name:<10}{rows:>5}  {case.name:<22}{times}{library}", flush=True)


if __name__ == "__main__":
    main()
