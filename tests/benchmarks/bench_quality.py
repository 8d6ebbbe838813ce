"""Time of the measures of explanations over their floor, and captum's and Quantus' over theirs, in one run.

    python tests/benchmarks/bench_quality.py [--net mnist resnet18] [--batch 1 8 64] [--turns 5] [--clock cpu] [--only NAME]...
    uv run --with quantus --with "numpy<2.4" python tests/benchmarks/bench_quality.py ...

The floor of a measure is the passes that its definition needs, at the chunk size and in the memory layout that are fastest here. A
library's measure has a floor of its own where it does less: Quantus draws no random curves. Floors, netlens and libraries take turns;
the ratios are medians over the turns, and the best time over the floor's best, which a busy machine disturbs less. Quantus is left out
where it is not installed; the second line lends it to one run, with a NumPy that it knows. Targets: 1.15 from 8 rows on, 1.3 for one
row. `--clock cpu` counts processor time on one thread, which other work on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import floor  # before torch: it sets how threads wait
import torch
from floor import Run, forward, forward_backward, passes
from torch import nn

from netlens.data import Preprocess
from netlens.explain import Attribution, Saliency
from netlens.models import Model
from netlens.models.architectures import MnistCNN
from netlens.quality.correlation import FaithfulnessCorrelation
from netlens.quality.faithfulness import Deletion, Insertion, PixelFlipping
from netlens.quality.infidelity import Infidelity
from netlens.quality.road import ROAD
from netlens.quality.sensitivity import MaxSensitivity

STEPS, RANDOM, POINTS = 16, 4, 10


@dataclass(frozen=True)
class Theirs:
    """A library's measure, and the passes that its definition needs."""

    library: str
    run: Run
    passes: int


@dataclass(frozen=True)
class Case:
    """A measure at work, and the passes that its definition needs: for one input, and to explain one where `explains`."""

    name: str
    ours: Run
    passes: int
    theirs: tuple[Theirs, ...] = ()
    explains: bool = False


def network(name: str) -> tuple[Model, tuple[int, ...], tuple[int, ...]]:
    """A network as the lessons use it, the shape of its inputs, and chunk sizes to try; weights do not matter for time."""
    torch.manual_seed(0)
    if name == "mnist":
        net = MnistCNN().eval().requires_grad_(False)
        return (
            Model(net, name, tuple("0123456789"), Preprocess((0.1307,), (0.3081,))),
            (1, 28, 28),
            (1, 8, 16, 32, 48, 64, 96, 128),
        )
    from torchvision.models import resnet18

    net = resnet18(weights=None).eval().requires_grad_(False)
    return Model(net, name, tuple(map(str, range(1000))), Preprocess((0.485,) * 3, (0.229,) * 3)), (3, 224, 224), (1, 2, 4, 8, 16)


def cases(model: Model, images: torch.Tensor, samples: int) -> Iterator[Case]:
    """Every measure on a batch."""
    target = torch.zeros(len(images), dtype=torch.int64)
    given = Attribution(torch.randn(images.shape), target, "given")
    race = 1 + 1 + (RANDOM + 1) * (STEPS - 1)

    def run(metric: Callable[..., object]) -> Run:
        return lambda: metric(model, given, images)

    quantus = Quantus(model, images, target, given.values) if find_spec("quantus") else None

    def theirs(name: str, count: int) -> tuple[Theirs, ...]:
        return (Theirs("quantus", quantus.run(name, samples), count),) if quantus else ()

    yield Case("deletion", run(Deletion(STEPS, RANDOM, replacement="zero")), race)
    yield Case("insertion", run(Insertion(STEPS, RANDOM, replacement="zero")), race)
    yield Case("pixel_flipping", run(PixelFlipping(STEPS, RANDOM, replacement="zero")), race, theirs("PixelFlipping", STEPS))
    yield Case(
        "faithfulness_correlation",
        run(FaithfulnessCorrelation(samples, replacement="zero")),
        samples + 1,
        theirs("FaithfulnessCorrelation", samples + 1),
    )
    for kind in ("noise", "square"):
        captum = Theirs("captum", captum_infidelity(model, images, target, given.values, samples, kind), samples + 1)
        yield Case(f"infidelity, {kind}", run(Infidelity(kind, samples)), samples + 1, (captum,))
    sensitivity = MaxSensitivity(n_samples=POINTS)
    yield Case(
        "max_sensitivity",
        lambda: sensitivity(model, Saliency(), images, target),
        POINTS + 1,
        (Theirs("captum", captum_sensitivity(model, images, target), POINTS + 1), *theirs("MaxSensitivity", POINTS + 1)),
        explains=True,
    )
    if images.shape[-1] < 100:
        yield Case("road", run(ROAD(10, RANDOM)), 2 + (RANDOM + 1) * 9, theirs("ROAD", 10))


def captum_infidelity(
    model: Model, images: torch.Tensor, target: torch.Tensor, values: torch.Tensor, samples: int, kind: str
) -> Run:
    """captum's infidelity with the same kind of perturbations."""
    from captum.metrics import infidelity

    def noise(inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        drawn = torch.randn_like(inputs) * 0.1
        return drawn, inputs - drawn

    def square(inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        side, width = inputs.shape[-1], inputs.shape[-1] // 4
        places = torch.arange(side)
        starts = torch.randint(side - width + 1, (2, len(inputs), 1))
        along, across = (places >= starts) & (places < starts + width)
        drawn = inputs * (along.unsqueeze(2) & across.unsqueeze(1)).unsqueeze(1)
        return drawn, inputs - drawn

    perturb = noise if kind == "noise" else square
    return lambda: infidelity(
        model.net, perturb, images, values, target=target, n_perturb_samples=samples, max_examples_per_batch=64, normalize=True
    )


def captum_sensitivity(model: Model, images: torch.Tensor, target: torch.Tensor) -> Run:
    """captum's largest sensitivity of the gradient."""
    from captum.attr import Saliency as Gradient
    from captum.metrics import sensitivity_max

    gradient = Gradient(model.net)
    return lambda: sensitivity_max(
        lambda inputs, **others: (gradient.attribute(inputs[0].detach().requires_grad_(), abs=False, **others),),
        images,
        target=target,
        n_perturb_samples=POINTS,
        max_examples_per_batch=64,
    )


class Quantus:
    """Quantus' measures on the same inputs."""

    def __init__(self, model: Model, images: torch.Tensor, target: torch.Tensor, values: torch.Tensor) -> None:
        self.call = {
            "model": model.net,
            "x_batch": images.numpy(),
            "y_batch": target.numpy(),
            "a_batch": values.numpy(),
            "device": "cpu",
            "batch_size": min(64, len(images)),
        }
        self.pixels = images[0, 0].numel() * images.shape[1]

    def run(self, name: str, samples: int) -> Run:
        """One of its measures, at its own defaults but for the counts."""
        import quantus

        quiet = {"disable_warnings": True, "display_progressbar": False}
        if name == "PixelFlipping":
            metric = quantus.PixelFlipping(features_in_step=self.pixels // STEPS, perturb_baseline="black", **quiet)
        elif name == "FaithfulnessCorrelation":
            metric = quantus.FaithfulnessCorrelation(nr_runs=samples, subset_size=self.pixels // 10, **quiet)
        elif name == "ROAD":
            metric = quantus.ROAD(percentages=list(range(10, 101, 10)), **quiet)
        else:
            metric = quantus.MaxSensitivity(nr_samples=POINTS, **quiet)
            return lambda: metric(**{**self.call, "a_batch": None, "explain_func": gradients})
        return lambda: metric(**self.call)


def gradients(model: nn.Module, inputs: object, targets: object, **_others: object) -> object:
    """The plain gradient, as Quantus asks for it."""
    points = torch.as_tensor(inputs).float().requires_grad_()
    scores = model(points).gather(1, torch.as_tensor(targets).long().view(-1, 1)).sum()
    return torch.autograd.grad(scores, points)[0].numpy()


def measure(name: str, batch: int, turns: int, only: list[str]) -> None:
    """Print one row for each measure."""
    model, shape, sizes = network(name)
    images = torch.rand(batch, *shape) + 0.5
    samples = 100 if name == "mnist" else 20
    for case in cases(model, images, samples):
        if only and case.name.split(",")[0] not in only:
            continue
        step = forward_backward if case.explains else forward
        runs = {"netlens": (case.ours, case.passes), **{one.library: (one.run, one.passes) for one in case.theirs}}
        floors = {count: passes(step, model.net, batch * count, images, sizes) for _, count in runs.values()}
        ratios: dict[str, list[float]] = {key: [] for key in runs}
        best: dict[str | int, float] = {}
        for turn in range(turns + 1):
            base = {count: floor.seconds(base) for count, base in floors.items()}
            taken = {key: floor.seconds(run) for key, (run, _) in runs.items()}
            if not turn:  # the first turn warms up
                continue
            for key, (_, count) in runs.items():
                ratios[key].append(taken[key] / base[count])
            for key, one in (*base.items(), *taken.items()):
                best[key] = min(one, best.get(key, one))
        found = ", ".join(
            f"{key} {statistics.median(ratios[key]):.2f} (best {best[key] / best[count]:.2f})" for key, (_, count) in runs.items()
        )
        print(f"{name} {batch} | {case.name} | {case.passes} passes an input | time over floor: {found}", flush=True)


def cpu_seconds(run: Run) -> float:
    """How much processor time one call takes."""
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--net", choices=["mnist", "resnet18"], nargs="*", default=["mnist"])
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 8, 64])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall")
    asked = parser.parse_args()
    if asked.clock == "cpu":
        torch.set_num_threads(1)
        floor.seconds = cpu_seconds
    warnings.simplefilter("ignore")
    for name in asked.net:
        for batch in asked.batch:
            measure(name, batch, asked.turns, asked.only)


if __name__ == "__main__":
    main()
