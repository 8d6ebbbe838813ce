"""Copy a network, with its weights or without: what is done to the copy leaves the network alone."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from netlens.errors import ModelError
from netlens.models.model import modules_of, parameters_of

# Layers whose weights `torch.autocast` casts at every pass.
CAST = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Linear)


def twin(net: nn.Module, operation: str, *, single: bool = False, short: torch.memory_format | None = None) -> nn.Module:
    """Make modules of their own that share every parameter and buffer with `net`; TorchScript copies them all the same.

    Parameters
    ----------
    single : for libraries that compute in float32 alone: weights in another precision are copied, and no parameter is shared as such.
    short : for `torch.autocast` in bfloat16: the weights that it would cast at every pass are copied in that precision, those of 2-d
        convolutions in this memory layout.

    Raises
    ------
    ModelError : something in the network cannot be copied.
    """
    shared: dict[int, Any] = {id(tensor): tensor for tensor in (*net.parameters(), *net.buffers())}
    if single:
        shared |= {id(weight): nn.Parameter(_single(weight.detach()), requires_grad=False) for weight in net.parameters()}
        shared |= {id(buffer): _single(buffer) for buffer in net.buffers()}
    if short is not None:
        shared |= {id(weight): _short(weight, short) for weight in _cast(net)}
    shared |= {id(layer): _alike(layer, shared) for layer in net.modules() if _is_plain(layer)}
    return _copied(net, shared, operation, "Use a method that needs no rules, such as integrated_gradients.")


def copied(net: nn.Module, operation: str) -> nn.Module:
    """Copy a network with its weights.

    Raises
    ------
    ModelError : something in the network cannot be copied.
    """
    return _copied(net, {}, operation, "Its explanations cannot be put to this test.")


def _copied(net: nn.Module, known: dict[int, Any], operation: str, remedy: str) -> nn.Module:
    try:
        with torch.no_grad():  # else the copied weights of TorchScript would be results of the old ones
            return copy.deepcopy(net, known)
    except (RuntimeError, TypeError) as error:
        problem = f"the network's modules cannot be copied ({type(error).__name__}: {error})"
        raise ModelError(operation, problem, remedy=remedy) from error


def _single(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _cast(net: nn.Module) -> list[nn.Parameter]:
    """The weights of convolutions and linear layers that no other layer uses."""
    layers = modules_of(net)
    elsewhere = set(map(id, parameters_of(layer for layer in layers if type(layer) not in CAST)))
    return [weight for weight in parameters_of(layer for layer in layers if type(layer) in CAST) if id(weight) not in elsewhere]


def _short(weight: nn.Parameter, layout: torch.memory_format) -> nn.Parameter:
    kept = layout if weight.ndim == 4 else torch.preserve_format
    return nn.Parameter(weight.detach().to(torch.bfloat16, memory_format=kept), requires_grad=False)


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer is torch's own, holds no others and keeps its weights in no second place: then it need not be searched."""
    return type(layer).__module__.startswith("torch.nn.modules.") and not layer._modules and not isinstance(layer, nn.RNNBase)


def _alike(layer: nn.Module, shared: dict[int, Any]) -> nn.Module:
    """A layer with the same attributes and the shared weights; of what can be changed in place, such as its hooks, it has its own."""
    made = layer.__new__(type(layer))
    made.__dict__ = {name: value.copy() if isinstance(value, dict | set) else value for name, value in vars(layer).items()}
    for tensors in (made._parameters, made._buffers):
        tensors.update({name: shared[id(tensor)] for name, tensor in tensors.items() if tensor is not None})
    return made
