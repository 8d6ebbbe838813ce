"""Hold a network still while it is asked something, and hand it back as it was found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace

import torch
from torch import nn
from torch.nn.modules.lazy import LazyModuleMixin

from netlens.errors import ModelError
from netlens.models.model import Model


@contextmanager
def still(net: nn.Module, operation: str) -> Iterator[None]:
    """Put a network in evaluation mode, with gradients on and no parameter collecting one.

    Afterwards, whatever happened, every module has its mode back, and every parameter its `requires_grad`. The caller's
    `no_grad`, `inference_mode` or `autocast` does not reach inside. A recurrent network on a GPU runs without cuDNN, which has no backward
    pass in evaluation mode.

    Raises
    ------
    ModelError : the weights were made in inference mode, so that nothing can be differentiated through them, or not made yet.
    """
    modules = list(net.modules())
    parameters = [parameter for module in modules for parameter in module._parameters.values() if parameter is not None]
    lazy = [module for module in modules if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params()]
    if lazy:
        problem = f"the weights of {type(lazy[0]).__name__} are made when the network first runs, and it never ran"
        raise ModelError(operation, problem, remedy="Run it once on some inputs, or load its weights.")
    if any(map(torch.Tensor.is_inference, parameters)):
        problem = "the weights of the network were made in torch.inference_mode"
        raise ModelError(operation, problem, remedy="Build or load the network outside of it.")
    awake = [module for module in modules if module.training]
    asked = [parameter for parameter in parameters if parameter.requires_grad]
    with ExitStack() as stack:
        for context in _guards(modules, parameters):
            stack.enter_context(context)
        try:
            for module in awake:  # not by `eval()`, which an exported program refuses
                module.training = False
            for parameter in asked:
                parameter.requires_grad_(False)
            yield
        finally:
            for module in awake:
                module.training = True
            for parameter in asked:
                parameter.requires_grad_(True)


def _guards(modules: list[nn.Module], parameters: list[nn.Parameter]) -> Iterator[AbstractContextManager[None]]:
    """What has to be switched, and only that: each switch costs time, and most calls need none."""
    if torch.is_inference_mode_enabled():
        yield torch.inference_mode(False)
    if not torch.is_grad_enabled():
        yield torch.enable_grad()
    kind = parameters[0].device.type if parameters else "cpu"
    for one in ("cpu",) if kind == "cpu" else ("cpu", kind):
        if torch.is_autocast_enabled(one):
            yield torch.autocast(one, enabled=False)
    if any(isinstance(module, nn.RNNBase) for module in modules) and any(parameter.is_cuda for parameter in parameters):
        yield torch.backends.cudnn.flags(enabled=False)


def eager(model: Model) -> Model:
    """The model itself, or the network that was compiled: the same function, whose modules and hooks are really run."""
    plain = getattr(model.net, "_orig_mod", None)
    return replace(model, net=plain) if isinstance(plain, nn.Module) else model
