"""What it costs to listen to attention, in forward passes, and how much memory the weights take.

    python tests/benchmarks/bench_attention.py

Processor time, the best of several; a vision transformer of 197 tokens, 6 layers and 6 heads, in evaluation mode.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torchvision.models import VisionTransformer

from netlens.capture import attention
from netlens.data import Preprocess
from netlens.explain import AttentionRollout, GradCAM, GradientWeightedAttention, RawAttention, Saliency
from netlens.models import Model

ROWS, REPEATS = 4, 5


def seconds(work: Callable[[], object]) -> float:
    """Processor time of the best of several runs, after one that is not counted."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    torch.manual_seed(0)
    net = VisionTransformer(224, 16, 6, 6, 384, 1536, num_classes=10).eval()
    torch.nn.init.normal_(net.heads.head.weight)
    model = Model(net, "vit", tuple(map(str, range(10))), Preprocess((0.5,) * 3, (0.5,) * 3))
    images = torch.randn(ROWS, 3, 224, 224)

    def listen(*, graph: bool) -> int:
        with torch.set_grad_enabled(graph), attention(model, graph=graph) as heard:
            net(images)
        return sum(call.weights.numel() * call.weights.element_size() for call in heard.calls)

    with torch.no_grad():
        forward = seconds(lambda: net(images))
    print(
        f"one forward pass of {ROWS} images: {1000 * forward:.0f} ms; the weights of all layers: {listen(graph=False) / ROWS / 2**20:.1f} MB an image"
    )
    works: dict[str, Callable[[], object]] = {
        "listening": lambda: listen(graph=False),
        "listening, with a graph": lambda: listen(graph=True),
        **{method.name: lambda method=method: method(model, images, 0) for method in (
            RawAttention(), AttentionRollout(), GradientWeightedAttention(), GradCAM(), Saliency()
        )},
    }  # fmt: skip
    for name, work in works.items():
        print(f"{name:<30}{seconds(work) / forward:6.2f} forward passes", flush=True)


if __name__ == "__main__":
    main()
