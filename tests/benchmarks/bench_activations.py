"""What reading all activations of a ResNet-18 on 256 images costs over the forward pass alone, in time and in memory.

    python tests/benchmarks/bench_activations.py [--images 256] [--rows 16] [--turns 3] [--threads N]

Targets: at most 1.10 times the time of the forward pass, and a peak of memory that does not grow with the number of images.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys

import torch
from floor import seconds

from netlens.data import Preprocess
from netlens.internals import survey
from netlens.models import Model

PROGRAM = """
import sys, torch
sys.path.insert(0, sys.argv[1])
from bench_activations import forward, resnet
from floor import most_held
from netlens.internals import survey
model = resnet()
images = torch.rand(int(sys.argv[3]), 3, 224, 224)
forward(model, images[:16], 16)
before = most_held()
survey(model, images, rows=16) if sys.argv[2] == "read" else forward(model, images, 16)
print(most_held() - before)
"""


def resnet() -> Model:
    """A ResNet-18 with random weights."""
    from torchvision.models import resnet18

    torch.manual_seed(0)
    return Model(resnet18(weights=None).eval(), "resnet18", tuple(map(str, range(1000))), Preprocess((0.5,) * 3, (0.25,) * 3))


def forward(model: Model, images: torch.Tensor, rows: int) -> None:
    """The forward pass alone, in the same batches."""
    with torch.inference_mode():
        for part in images.split(rows):
            model.net(part)


def peak(what: str, images: int) -> int:
    """Megabytes at the peak, above one forward pass of one batch, in a process of its own."""
    folder = sys.path[0]
    done = subprocess.run([sys.executable, "-c", PROGRAM, folder, what, str(images)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def main() -> None:
    """Print time and memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="1: count processor time, on a busy machine")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    model, images = resnet(), torch.rand(chosen.images, 3, 224, 224)
    runs = {
        "forward": lambda: forward(model, images, chosen.rows),
        "survey": lambda: survey(model, images, top=0, rows=chosen.rows),
        "survey, 9 best images a unit": lambda: survey(model, images, rows=chosen.rows),
    }
    forward(model, images[: chosen.rows], chosen.rows)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(chosen.turns):
        for name, run in runs.items():
            times[name].append(seconds(run))
    print(f"{'':<30}{'ms an image':>12}{'/ forward':>11}{'best':>7}")
    for name, taken in times.items():
        over = statistics.median(one / base for one, base in zip(taken, times["forward"], strict=True))
        milliseconds = 1e3 * statistics.median(taken) / chosen.images
        print(f"{name:<30}{milliseconds:12.1f}{over:11.2f}{min(taken) / min(times['forward']):7.2f}", flush=True)
    print(f"\n{'peak, MB above one batch':<30}{'64 images':>12}{'256 images':>12}")
    for what in ("forward", "read"):
        print(f"{what:<30}{peak(what, 64):>12}{peak(what, 256):>12}", flush=True)


if __name__ == "__main__":
    main()
