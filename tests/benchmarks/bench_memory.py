"""Peak memory of Integrated Gradients on a ResNet-18 with few steps and with many, each in a process of its own.

    python tests/benchmarks/bench_memory.py

Targets: 300 steps take at most 1.3 times what 30 take, and both keep to the budget.
"""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import sys, torch
sys.path.insert(0, sys.argv[1])
from floor import most_held
from torchvision.models import resnet18
from netlens.data import Preprocess
from netlens.explain import IntegratedGradients
from netlens.models import Model
torch.manual_seed(0)
net = resnet18(weights=None).eval()
model = Model(net, "resnet18", tuple(map(str, range(1000))), Preprocess((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
image = torch.rand(1, 3, 224, 224)
with torch.no_grad():
    net(image)
before = most_held()
if int(sys.argv[2]):
    IntegratedGradients("zero", n_steps=int(sys.argv[2]), tolerance=float("inf"))(model, image, 0)
print(most_held() - before)
"""


def peak(steps: int, budget: int) -> int:
    """Megabytes at the peak, above what one forward pass of one row leaves."""
    environment = {**os.environ, "NETLENS_MEMORY_MB": str(budget)}
    program = [sys.executable, "-c", PROGRAM, sys.path[0], str(steps)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


def main() -> None:
    """Print the table."""
    print(f"{'budget MB':>10}{'30 steps':>10}{'300 steps':>11}{'ratio':>7}")
    for budget in (1024, 256, 128):
        few, many = peak(30, budget), peak(300, budget)
        print(f"{budget:>10}{few:>10}{many:>11}{many / few:7.2f}", flush=True)


if __name__ == "__main__":
    main()
