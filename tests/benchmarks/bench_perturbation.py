"""Time of the perturbation methods over their floor, and of the libraries over theirs, in one run.

    python tests/benchmarks/bench_perturbation.py [--repeats 5] [--net mnist|resnet18] [--batch 1 8 64] [--samples N] [--only NAME]...

The floor of a method is the forward passes that its definition needs, at the chunk size and in the memory layout that are fastest here.
Floor, netlens and library take turns; the ratios are medians over the turns.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.explain import LIME, RISE, KernelSHAP, Occlusion
from netlens.explain.chunks import laid_out
from netlens.explain.features import feature_map
from netlens.explain.precision import has_bf16
from netlens.models import Model
from netlens.models.architectures import MnistCNN

Run = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A method at work: what it needs in forward passes, ours, ours in reduced precision, and a library's."""

    name: str
    passes: int
    ours: Run
    short: Run
    library: str = ""
    theirs: Run | None = None


def cases(model: Model, images: torch.Tensor, samples: int) -> list[Case]:
    """The methods on a batch; no image has a feature that equals its replacement, so that every pass is needed."""
    batch, classes = len(images), torch.zeros(len(images), dtype=torch.int64)
    patch = images.shape[-1] // 7
    windows = 49
    masks = feature_map("grid", model, images, "bench").index

    def occlusion(precision: str) -> Run:
        return lambda: Occlusion(patch, patch, "zero", precision)(model, images, classes)

    def captum_occlusion() -> object:
        from captum.attr import Occlusion as Theirs

        window = (images.shape[1], patch, patch)
        return Theirs(model.net).attribute(images, window, window, target=classes)

    def shap_values(precision: str) -> Run:
        return lambda: KernelSHAP("grid", "zero", samples, precision=precision)(model, images, classes)

    def captum_shap() -> object:
        from captum.attr import KernelShap

        return [
            KernelShap(model.net).attribute(image, target=0, feature_mask=mask, n_samples=samples, perturbations_per_eval=32)
            for image, mask in zip(images.split(1), masks.split(1), strict=True)
        ]

    def lime(precision: str) -> Run:
        return lambda: LIME("grid", "zero", samples, precision=precision)(model, images, classes)

    def lime_image() -> object:
        from lime.lime_image import LimeImageExplainer

        def classify(pictures: np.ndarray) -> np.ndarray:
            inputs = torch.from_numpy(pictures).movedim(3, 1)[:, : images.shape[1]].float()
            with torch.inference_mode():
                return model.net(inputs).softmax(1).numpy()

        found = []
        for image, mask in zip(images, masks, strict=True):
            picture = image.expand(3, -1, -1).movedim(0, 2).double().numpy()
            explainer = LimeImageExplainer(random_state=0)
            cut = mask[0].numpy()
            with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):  # its progress bar
                found.append(
                    explainer.explain_instance(
                        picture,
                        classify,
                        top_labels=1,
                        hide_color=0,
                        num_samples=samples,
                        batch_size=32,
                        segmentation_fn=lambda _picture, cut=cut: cut,
                    )
                )
        return found

    def rise(precision: str) -> Run:
        count = -(-samples // 20) * 20
        return lambda: RISE(replacement="zero", n_samples=count, precision=precision)(model, images, classes)

    return [
        Case("Occlusion", batch * (windows + 1), occlusion("float32"), occlusion("auto"), "captum", captum_occlusion),
        Case("KernelSHAP", batch * (samples + 2), shap_values("float32"), shap_values("auto"), "captum", captum_shap),
        Case("LIME", batch * (samples + 2), lime("float32"), lime("auto"), "lime", lime_image),
        Case("RISE", batch * -(-samples // 20) * 20, rise("float32"), rise("auto")),
    ]


def seconds(run: Run) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def best_chunk(net: nn.Module, shape: torch.Size, repeats: int) -> tuple[int, torch.memory_format]:
    """The chunk size and the memory layout at which this machine takes the least time for a stream of rows."""
    rows = 16 if math.prod(shape) > 100_000 else 384
    sizes = [size for size in (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192) if rows // 16 <= size <= rows]
    ways = [(size, layout) for size in sizes for layout in (torch.contiguous_format, torch.channels_last)]
    found: dict[tuple[int, torch.memory_format], float] = dict.fromkeys(ways, math.inf)
    for _ in range(repeats):
        for way in ways:
            found[way] = min(found[way], seconds(floor(net, rows, shape, *way)))
    return min(found, key=lambda way: found[way])


def floor(net: nn.Module, passes: int, shape: torch.Size, chunk: int, layout: torch.memory_format) -> Run:
    """The passes alone, on inputs that are there already."""
    inputs = laid_out(torch.rand(chunk, *shape), layout)
    parts = [inputs[: min(chunk, passes - start)] for start in range(0, passes, chunk)]

    def run() -> None:
        with torch.no_grad():
            for part in parts:
                net(part)

    return run


def network(name: str) -> tuple[Model, tuple[int, int, int]]:
    """A network as the lessons use it; weights do not matter for time."""
    torch.manual_seed(0)
    if name == "mnist":
        return Model(MnistCNN().eval(), name, tuple("0123456789"), Preprocess((0.1307,), (0.3081,))), (1, 28, 28)
    import torchvision

    net = torchvision.models.resnet18(weights=None).eval()
    return Model(net, name, tuple(map(str, range(1000))), Preprocess((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))), (3, 224, 224)


def few(name: str, batch: int) -> int:
    """Copies of each image that keep a run short; at 100, bfloat16 is not worth its trial, and not tried."""
    if name == "mnist":
        return 200 if batch == 64 else 1000
    return 1000 if batch == 1 else 100


def measure(name: str, batch: int, repeats: int, samples: int, only: list[str]) -> list[str]:
    """One row of the table for each method."""
    model, shape = network(name)
    images = torch.rand(batch, *shape) + 0.5
    chunk, layout = best_chunk(model.net, torch.Size(shape), 5)
    rows = []
    for case in cases(model, images, samples):
        if only and case.name not in only:
            continue
        base = floor(model.net, case.passes, torch.Size(shape), chunk, layout)
        runs = {"floor": base, "ours": case.ours, "bf16": case.short if has_bf16(model.device) else None, "theirs": case.theirs}
        times: dict[str, list[float]] = {key: [] for key, run in runs.items() if run is not None}
        long = name == "resnet18"
        for turn in range(min(3, repeats) if long else repeats + 1):
            for key in times:
                run = runs[key]
                assert run is not None
                taken = seconds(run)
                if turn or long:  # else the first turn warms up
                    times[key].append(taken)

        def over(key: str, times: dict[str, list[float]] = times) -> str:
            if key not in times:
                return "-"
            ratios = [one / base for one, base in zip(times[key], times["floor"], strict=True)]
            return f"{statistics.median(ratios):.2f}"

        cells = [f"{name} {batch}", case.name, str(case.passes), f"{1000 * statistics.median(times['floor']):.0f}"]
        rows.append(" | ".join([*cells, over("ours"), over("bf16"), case.library or "-", over("theirs"), f"{chunk}"]))
        print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--net", choices=["mnist", "resnet18"], nargs="*", default=["mnist", "resnet18"])
    parser.add_argument("--batch", type=int, nargs="*", default=[1, 8, 64])
    parser.add_argument("--samples", type=int, default=0, help="copies of each image; 0: as many as keep a run short")
    parser.add_argument("--only", nargs="*", default=[])
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        "network, batch | method | passes | floor, ms | netlens / floor | with bf16 / floor | library | library / floor | chunk"
    )
    for name in asked.net:
        for batch in asked.batch:
            if name == "mnist" or batch <= 8:
                measure(name, batch, asked.repeats, asked.samples or few(name, batch), asked.only)


if __name__ == "__main__":
    main()
