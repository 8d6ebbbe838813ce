"""Hold a network still while it is asked something, and hand it back as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from netlens.errors import ModelError
from netlens.models.model import Model, home_of, module_at, modules_of, parameters_of


@contextmanager
def still(net: nn.Module, operation: str) -> Iterator[tuple[torch.device, torch.dtype | None]]:
    """Put a network in evaluation mode, with gradients on and no parameter collecting one.

    Afterwards, whatever happened, every module has its mode back, and every parameter its `requires_grad`. The caller's
    `no_grad`, `inference_mode` or `autocast` does not reach inside. A recurrent network on a GPU runs without cuDNN, which has no backward
    pass in evaluation mode.

    Yields
    ------
    The device of the network, and its precision; see `Model`.

    Raises
    ------
    ModelError : the weights were made in inference mode, so that nothing can be differentiated through them, or not made yet.
    """
    modules = modules_of(net)
    parameters = parameters_of(modules)
    lazy = [module for module in modules if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params()]
    if lazy:
        problem = f"the weights of {type(lazy[0]).__name__} are made when the network first runs, and it never ran"
        raise ModelError(operation, problem, remedy="Run it once on some inputs, or load its weights.")
    if any(map(torch.Tensor.is_inference, parameters)):
        problem = "the weights of the network were made in torch.inference_mode"
        raise ModelError(operation, problem, remedy="Build or load the network outside of it.")
    awake = [module for module in modules if module.training]
    asked = [parameter for parameter in parameters if parameter.requires_grad]
    with _as_usual(modules, parameters):
        try:
            for module in awake:  # not by `eval()`, which an exported program refuses
                module.training = False
            for parameter in asked:
                parameter.requires_grad_(False)
            yield home_of(parameters)
        finally:
            for module in awake:
                module.training = True
            for parameter in asked:
                parameter.requires_grad_(True)


def _as_usual(modules: list[nn.Module], parameters: list[nn.Parameter]) -> AbstractContextManager[object]:
    """Switch what has to be switched, and only that: each switch costs time, and most calls need none."""
    kind = parameters[0].device.type if parameters else "cpu"
    needed: list[AbstractContextManager[None]] = []
    if torch.is_inference_mode_enabled():
        needed.append(torch.inference_mode(False))
    if not torch.is_grad_enabled():
        needed.append(torch.enable_grad())
    needed += [torch.autocast(one, enabled=False) for one in {"cpu", kind} if torch.is_autocast_enabled(one)]
    if kind == "cuda" and any(isinstance(module, nn.RNNBase) for module in modules):
        needed.append(torch.backends.cudnn.flags(enabled=False))
    if not needed:
        return nullcontext()
    with ExitStack() as stack:
        for context in needed:
            stack.enter_context(context)
        return stack.pop_all()


def eager(model: Model) -> Model:
    """The model itself, or the network that was compiled: the same function, whose modules and hooks are really run."""
    plain = module_at(model.net, "_orig_mod")
    return model if plain is None else replace(model, net=plain)
