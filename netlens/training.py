"""Train a classifier, and record what happens inside it while it learns."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from netlens.data import Batch, Dataset
from netlens.errors import ModelError, UsageError
from netlens.models.model import evaluation
from netlens.models.tutorial import Recipe
from netlens.seeding import generator


@dataclass(frozen=True)
class Record:
    """What happened in training.

    `loss`, `accuracy` : (steps,) on the batch of each step. `test_loss`, `test_accuracy` : (epochs,).
    `gradient_norm`, `weight_norm` : (steps, layers), the Euclidean norm over all parameters of a layer, before the step is taken.
    """

    layers: tuple[str, ...]
    loss: NDArray[np.float32]
    accuracy: NDArray[np.float32]
    gradient_norm: NDArray[np.float32]
    weight_norm: NDArray[np.float32]
    test_loss: NDArray[np.float32]
    test_accuracy: NDArray[np.float32]


def fit(net: nn.Module, train: Dataset, test: Dataset, recipe: Recipe, *, seed: int = 0, device: str = "cpu") -> Record:
    """Train `net` in place; it is left on `device`, in evaluation mode.

    Parameters
    ----------
    seed : fixes the order of the samples and the shifts. Initial weights are the caller's.

    Raises
    ------
    ModelError : the loss is no longer a finite number.
    UsageError : the recipe shifts inputs that are no images.

    Notes
    -----
    Cost: `epochs` forward and backward passes over `train`, and `epochs` forward passes over `test`.
    """
    if recipe.shift and train.modality != "image":
        problem = f"the recipe shifts by up to {recipe.shift}, and '{train.name}' holds {train.modality}"
        raise UsageError("fit", problem, expected="shift = 0 for what is no image")
    with _all_cores():
        return _fit(net.to(device), train, test, recipe, seed, device)


def _fit(net: nn.Module, train: Dataset, test: Dataset, recipe: Recipe, seed: int, device: str) -> Record:
    inputs = train.all().inputs.to(device)
    if inputs.ndim == 4 and inputs.is_floating_point():  # images; convolutions over them are faster this way
        net.to(memory_format=torch.channels_last)
        inputs = inputs.contiguous(memory_format=torch.channels_last)
    labels, held_out = torch.from_numpy(train.labels).to(device), test.all()
    steps = recipe.epochs * math.ceil(len(labels) / recipe.batch_size)
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=device != "mps"
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=steps, pct_start=0.25)
    names, groups = _parameters_by_layer(net)
    history: dict[str, list[torch.Tensor]] = {key: [] for key in ("loss", "accuracy", "gradient_norm", "weight_norm")}
    tests: list[tuple[float, float]] = []
    draw = generator(seed)
    net.train()
    for _ in range(recipe.epochs):
        for ids in torch.split(torch.randperm(len(labels), generator=draw), recipe.batch_size):
            batch, truth = shifted(inputs[ids.to(device)], recipe.shift, draw), labels[ids.to(device)]
            optimiser.zero_grad()
            logits = net(batch)
            loss = nn.functional.cross_entropy(logits, truth)
            loss.backward()  # type: ignore[no-untyped-call]
            history["loss"].append(loss.detach())
            history["accuracy"].append((logits.detach().argmax(1) == truth).float().mean())
            history["gradient_norm"].append(_norms(groups, of_gradient=True))
            history["weight_norm"].append(_norms(groups, of_gradient=False))
            optimiser.step()
            schedule.step()
        tests.append(_evaluate(net, held_out, device))
        if not math.isfinite(tests[-1][0]):
            raise ModelError("fit", "the loss is no longer a finite number", remedy="Lower the learning rate of the recipe.")
    net.eval()
    steps_by_key = {key: torch.stack(values).cpu().numpy().astype(np.float32) for key, values in history.items()}
    test_loss, test_accuracy = np.asarray(tests, dtype=np.float32).T
    return Record(names, test_loss=test_loss, test_accuracy=test_accuracy, **steps_by_key)


def shifted(inputs: torch.Tensor, largest: int, draw: torch.Generator) -> torch.Tensor:
    """Move a batch (N, C, H, W) by up to `largest` pixels, the same way for all; what leaves on one side enters on the other."""
    if largest == 0:
        return inputs
    down, right = torch.randint(-largest, largest + 1, (2,), generator=draw).tolist()
    return torch.roll(inputs, (down, right), (2, 3))


@contextmanager
def _all_cores() -> Iterator[None]:
    """Use every core: so the result does not depend on how many notebooks run at once."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(os.cpu_count() or 1)
        yield
    finally:
        torch.set_num_threads(before)


def _parameters_by_layer(net: nn.Module) -> tuple[tuple[str, ...], list[list[nn.Parameter]]]:
    groups = {path: list(layer.parameters(recurse=False)) for path, layer in net.named_modules()}
    groups = {path: parameters for path, parameters in groups.items() if parameters}
    return tuple(groups), list(groups.values())


def _norms(groups: list[list[nn.Parameter]], *, of_gradient: bool) -> torch.Tensor:
    def norm(parameters: list[nn.Parameter]) -> torch.Tensor:
        tensors = [
            p.grad if of_gradient and p.grad is not None else torch.zeros_like(p) if of_gradient else p.detach()
            for p in parameters
        ]
        squares = torch.stack([tensor.square().sum() for tensor in tensors])
        return squares.sum().sqrt()

    return torch.stack([norm(parameters) for parameters in groups])


def _evaluate(net: nn.Module, batch: Batch, device: str) -> tuple[float, float]:
    with evaluation(net), torch.inference_mode():
        logits = torch.cat([net(part.to(device)) for part in torch.split(batch.inputs, 256)]).cpu()
    loss = nn.functional.cross_entropy(logits, batch.labels).item()
    return loss, (logits.argmax(1) == batch.labels).float().mean().item()
