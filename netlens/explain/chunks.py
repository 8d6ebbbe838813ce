"""How many rows to send through a network at once: measured, not guessed, and halved when memory runs out."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from netlens.errors import ModelError
from netlens.explain.known import Known
from netlens.explain.memory import MEGABYTE, budget, keep_freed, out_of_memory

# Measured on processors: above these sizes the allocator hands memory back and faults it in anew at every step.
LARGEST_TENSOR = 26 * MEGABYTE
ALL_ACTIVATIONS = 24 * MEGABYTE
AT_LEAST = 8  # rows, where the largest tensor allows: fewer leave cores idle
ON_ACCELERATOR = 2048 * MEGABYTE
MOST_ROWS = 4096
# Measured as well: channels that lie next to each other save time once the kernels, which are turned round in every pass, are small
# beside what the rows keep, or small enough for the processor's cache.
TURNED = 0.6
CACHED = MEGABYTE // 2
PEAK = 2.5  # what a backward pass holds at its peak, over what the forward pass kept for it; measured

Run = Callable[[torch.Tensor], torch.Tensor]


@dataclass
class Plan:
    """How to send rows through a network.

    `most` : how many at once are fastest. `row_bytes` : what one row keeps for its backward pass. `device` : where they run.
    `channels_last_from` : rows from which on a batch is sent with its channels next to each other; 0 for never. `writes` : whether the
    network writes into its own input, so that it must get a copy.
    """

    most: int
    row_bytes: int
    device: torch.device
    channels_last_from: int
    writes: bool

    @property
    def rows(self) -> int:
        """How many rows at once: the fastest number that the budget allows."""
        return max(1, min(self.most, int(budget(self.device) / (PEAK * self.row_bytes))))

    def layout(self, rows: int) -> torch.memory_format:
        """The memory layout in which so many rows are sent."""
        return torch.channels_last if 0 < self.channels_last_from <= rows else torch.contiguous_format

    def prepare(self, inputs: torch.Tensor) -> torch.Tensor:
        """Lay a batch out for the network."""
        layout = self.layout(len(inputs))
        return inputs.clone(memory_format=layout) if self.writes else laid_out(inputs, layout)


def laid_out(inputs: torch.Tensor, layout: torch.memory_format) -> torch.Tensor:
    """A batch in the given layout.

    With one channel both layouts are the same bytes, and torch takes the batch for laid out already; only strides that say so lead the
    network onto the faster path.
    """
    if layout == torch.channels_last and inputs.shape[1] == 1 and inputs.is_contiguous():
        _, _, height, width = inputs.shape
        strides = (height * width, 1, width, 1)
        return inputs if inputs.stride() == strides else inputs.as_strided(inputs.shape, strides)
    return inputs.contiguous(memory_format=layout)


def plan(net: nn.Module, inputs: torch.Tensor, run: Run, known: Known) -> Plan:
    """The plan for a network and the shape of its inputs; measured once."""
    key = ("plan", inputs.shape[1:], inputs.dtype, inputs.device)
    if key not in known:
        keep_freed()
        known[key] = measure(net, inputs, run)
    found: Plan = known[key]
    return found


def measure(net: nn.Module, inputs: torch.Tensor, run: Run) -> Plan:
    """Make a plan from two rows: what they keep for the backward pass, and whether another memory layout gives the same logits."""
    pair = torch.cat([inputs[:1]] * 2).contiguous()
    kept: dict[int, int] = {parameter.untyped_storage().data_ptr(): 0 for parameter in net.parameters()}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.layout == torch.strided:
            storage = tensor.untyped_storage()
            kept.setdefault(storage.data_ptr(), storage.nbytes())
        return tensor

    with torch.enable_grad(), _learning(net, pair), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        sent = pair.clone().requires_grad_().clone() if pair.is_floating_point() else pair.clone()
        logits = run(sent).detach()
    own = inputs[0].numel() * inputs.element_size()
    row_bytes, largest = max(own, sum(kept.values()) // 2), max([own, *kept.values()]) // 2
    last_from = _channels_last_from(net, row_bytes) if _takes_channels_last(net, pair, logits, run) else 0
    return Plan(_most(row_bytes, largest, inputs.device), row_bytes, inputs.device, last_from, writes=sent._version > 0)


@contextmanager
def _learning(net: nn.Module, inputs: torch.Tensor) -> Iterator[None]:
    """For ids of tokens, which have no gradient, let one flow to their embeddings instead, so that a graph is kept."""
    tables = [] if inputs.is_floating_point() else [layer.weight for layer in net.modules() if isinstance(layer, nn.Embedding)]
    asleep = [weight for weight in tables if not weight.requires_grad]
    try:
        for weight in asleep:
            weight.requires_grad_(True)
        yield
    finally:
        for weight in asleep:
            weight.requires_grad_(False)


def _most(row_bytes: int, largest: int, device: torch.device) -> int:
    if device.type == "cpu":
        best = min(LARGEST_TENSOR // largest, max(ALL_ACTIVATIONS // row_bytes, AT_LEAST))
    else:
        best = ON_ACCELERATOR // row_bytes
    return max(1, min(best, MOST_ROWS))


def _channels_last_from(net: nn.Module, row_bytes: int) -> int:
    kernels = sum(
        module.weight.numel() * module.weight.element_size()
        for module in net.modules()
        if isinstance(module, nn.Conv2d) and max(module.kernel_size) > 1 and module.groups == 1
    )
    return 1 if kernels <= CACHED else math.ceil(kernels / (TURNED * row_bytes))


def _takes_channels_last(net: nn.Module, pair: torch.Tensor, logits: torch.Tensor, run: Run) -> bool:
    """Whether a convolutional network on a processor gives the same logits when channels lie next to each other: it is faster."""
    if pair.device.type != "cpu" or pair.ndim != 4 or not any(isinstance(module, nn.Conv2d) for module in net.modules()):
        return False
    try:
        with torch.no_grad():
            other = run(pair.clone(memory_format=torch.channels_last))
    except ModelError:  # a network that calls `view` on its maps does not take them
        return False
    return torch.allclose(logits, other, rtol=1e-4, atol=1e-4 * float(logits.abs().max()))


def halving(operation: str, chosen: Plan, work: Callable[..., torch.Tensor], *tensors: torch.Tensor) -> torch.Tensor:
    """Do `work` on as many rows at once as the plan says; when memory runs out, plan half as many, also for later.

    Raises
    ------
    ModelError : one row alone does not fit into memory.
    """
    rows = len(tensors[0])
    if rows > 1 and rows > chosen.rows:  # one row can be cut no further, and needs no look at the budget
        pieces = spans(rows, chosen.rows)
        return torch.cat([halving(operation, chosen, work, *(tensor[piece] for tensor in tensors)) for piece in pieces])
    try:
        return work(*tensors)
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        if rows == 1:
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            remedy = "Use a smaller input, or a machine with more memory."
            raise ModelError(operation, f"one input does not fit into memory ({said})", remedy=remedy) from error
    # Outside of the handler, so that the failed pass has let go of its memory.
    gc.collect()
    if tensors[0].is_cuda:
        torch.cuda.empty_cache()
    chosen.most = rows - rows // 2
    return halving(operation, chosen, work, *tensors)


def blocks(rows: int, samples: int, size: int) -> Iterator[tuple[slice, slice]]:
    """Cut `rows` x `samples` pairs into blocks of at most `size`, as even as can be; a block's rows stay together.

    Yields
    ------
    Slices of rows and of samples. All samples of a block of rows come one after the other.
    """
    for part in spans(rows, size):
        for share in spans(samples, max(1, size // (part.stop - part.start))):
            yield part, share


def spans(total: int, size: int) -> Iterator[slice]:
    """Cut 0..total into even pieces of at most `size`."""
    pieces = -(-total // size)
    for piece in range(pieces):
        yield slice(total * piece // pieces, total * (piece + 1) // pieces)
