"""A network with what is needed to use it: its name, its classes, its card, its fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import nn

from netlens.errors import ModelError, ShapeError, nearest
from netlens.models.adapter import is_exported, is_program
from netlens.models.files import first_line

if TYPE_CHECKING:
    from netlens.card import Card
    from netlens.data import Transform
    from netlens.models.coverage import Uncovered

BROKEN = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)  # what networks raise on inputs that do not fit
WRAP = "netlens.wrap(net, classes, sample=inputs)"
NO_LAYER = "saliency, integrated_gradients, smooth_grad, occlusion, kernel_shap, lime, rise"


@dataclass(frozen=True)
class Model:
    """A classifier. `net` maps inputs to logits (N, classes); `preprocess` maps raw samples to inputs; `notes` are for its reader."""

    net: nn.Module
    name: str
    classes: tuple[str, ...]
    preprocess: Transform
    card: Card | None = None
    task: str = "classification"
    notes: tuple[str, ...] = ()

    @property
    def device(self) -> torch.device:
        """The device of the first parameter; the CPU when there is none."""
        return home_of(parameters_of(modules_of(self.net)))[0]

    @property
    def precision(self) -> torch.dtype | None:
        """The precision of the first parameter that is a floating-point number; None, which lets inputs be, when there is none."""
        return home_of(parameters_of(modules_of(self.net)))[1]

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over the sorted (name, dtype, shape, bytes) of every parameter and buffer."""
        return weights_fingerprint(self.net)

    @property
    def layers(self) -> dict[str, nn.Module]:
        """Every layer that has no layers of its own, by path; none of an exported program, which keeps weights and no layers."""
        if is_exported(self.net):
            return {}
        return {path: layer for path, layer in self.net.named_modules() if path and not any(layer.children())}

    @property
    def parameters(self) -> int:
        """How many numbers training may change."""
        return sum(parameter.numel() for parameter in self.net.parameters())

    def _run(self, inputs: torch.Tensor) -> torch.Tensor:
        try:
            logits = self.net(inputs.to(self.device))
        except torch.OutOfMemoryError:
            raise
        except BROKEN as error:
            problem = f"it does not run on inputs {tuple(inputs.shape)}: {first_line(error)}"
            raise ShapeError(
                f"model '{self.name}'", problem, remedy="Check that the network and the data fit together."
            ) from error
        if not isinstance(logits, torch.Tensor) or logits.shape != (len(inputs), len(self.classes)):
            found = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
            expected = f"logits {(len(inputs), len(self.classes))}, one column a class"
            remedy = "" if isinstance(logits, torch.Tensor) else f"{WRAP} picks the logits out."
            raise ShapeError(f"model '{self.name}'", f"it gives {found}", expected=expected, remedy=remedy)
        return logits

    def layer(self, path: str, operation: str = "model") -> nn.Module:
        """Find a layer, or a block of layers, by its path.

        Raises
        ------
        ModelError : there is no such layer.
        """
        found = module_at(self.net, path) if path else None
        if _in_program(self.net, path) or (found is None and is_exported(self.net)):
            problem = f"{self.name} is an exported program, which has operations and no layers"
            remedy = f"Use the network that it was exported from, or a method that reads no layer: {NO_LAYER}."
            raise ModelError(operation, problem, remedy=remedy)
        if found is not None:
            return found
        guess = nearest(path, dict(self.net.named_modules()))
        hint = f"Did you mean '{guess}'? " if guess else ""
        known = ", ".join(list(self.layers)[:40])
        raise ModelError(operation, f"{self.name} has no layer '{path}'", remedy=f"{hint}Its layers: {known}.")

    def coverage(self, method: str, inputs: torch.Tensor | None = None) -> list[Uncovered]:
        """List the operations that a rule-based method, such as `deep_lift`, does not handle on this model; empty is good.

        Parameters
        ----------
        inputs : one sample or more; without them a shape is tried that fits the first layer.
        """
        from netlens.models.coverage import uncovered

        return uncovered(self, method, inputs)

    def logits(self, inputs: torch.Tensor, batch_size: int = 64) -> torch.Tensor:
        """Compute logits (N, classes) on the CPU, in evaluation mode and without gradients; the model is left as it was."""
        if len(inputs) == 0:
            raise ShapeError("model", "the batch is empty", expected="at least one sample")
        with evaluation(self.net), torch.inference_mode():
            parts = [self._run(part) for part in torch.split(inputs, batch_size)]
        return torch.cat(parts).float().cpu()


def _in_program(net: nn.Module, path: str) -> bool:
    """Whether a path leads to an exported program or into one; without a path, whether the network is one."""
    module: nn.Module | None = net
    for name in path.split("."):
        if module is None or is_program(module):
            break
        module = module_at(module, name)
    return module is not None and is_program(module)


def modules_of(net: nn.Module) -> list[nn.Module]:
    """What `net.modules()` gives, in the same order, in a third of the time: every question begins with it."""
    found: dict[nn.Module, None] = {}
    waiting = [net]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found[module] = None
            waiting += [child for child in module._modules.values() if child is not None][::-1]
    return list(found)


def parameters_of(modules: Iterable[nn.Module]) -> list[nn.Parameter]:
    """The parameters that modules hold themselves, one after the other; one that two of them share comes twice."""
    return [parameter for module in modules for parameter in module._parameters.values() if parameter is not None]


def home_of(parameters: list[nn.Parameter]) -> tuple[torch.device, torch.dtype | None]:
    """The device of the first parameter, and the precision of the first one that holds floating-point numbers."""
    device = parameters[0].device if parameters else torch.device("cpu")
    return device, next((parameter.dtype for parameter in parameters if parameter.is_floating_point()), None)


def module_at(net: nn.Module, path: str) -> nn.Module | None:
    """The module at a path such as `layer4.1.relu`; None where there is none."""
    module = net
    for name in path.split("."):
        children: dict[str, nn.Module] = module._modules  # type: ignore[assignment]  # no child that is there is None
        if name not in children:
            return None
        module = children[name]
    return module


@contextmanager
def evaluation(net: nn.Module) -> Iterator[None]:
    """Put a network in evaluation mode for a while; each module gets its own mode back, whatever happens."""
    awake = [module for module in net.modules() if module.training]
    try:
        for module in awake:  # not by `eval()`, which an exported program refuses
            module.training = False
        yield
    finally:
        for module in awake:
            module.training = True


def weights_fingerprint(net: nn.Module) -> str:
    """SHA-256 over the sorted (name, dtype, shape, bytes) of a network's state."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.state_dict().items()):
        digest.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
