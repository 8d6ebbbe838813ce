"""Copy the modules of a network, but none of its weights: what is done to the copy leaves the network alone."""

from __future__ import annotations

import copy

from torch import nn

from netlens.errors import ModelError


def twin(net: nn.Module, operation: str) -> nn.Module:
    """Make modules of their own that share every parameter and buffer with `net`.

    Raises
    ------
    ModelError : something in the network cannot be copied.
    """
    shared = {id(tensor): tensor for tensor in (*net.parameters(), *net.buffers())}
    try:
        return copy.deepcopy(net, shared)
    except (RuntimeError, TypeError) as error:
        problem = f"the network's modules cannot be copied ({type(error).__name__}: {error})"
        raise ModelError(operation, problem, remedy="Use a method that needs no rules, such as integrated_gradients.") from error
