"""Call the factory of a network that a card names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from netlens.card.code import find_callable, importable
from netlens.errors import ModelError
from netlens.models.files import first_line

__all__ = ["build", "find_callable", "importable"]


def build(spec: str, folder: Path, arguments: dict[str, Any], operation: str) -> nn.Module:
    """Call the factory of a network. Files beside the card can be imported by it.

    Raises
    ------
    ModelError : it cannot be found, raises, or returns no network.
    """
    with importable(folder):
        factory = find_callable(spec, folder, operation)
        if isinstance(factory, nn.Module):
            problem = f"'{spec}' is a network already, a {type(factory).__name__}"
            raise ModelError(operation, problem, expected="a function or a class that makes one when it is called")
        try:
            net = factory(**arguments)
        except (Exception, SystemExit) as error:
            problem = f"the factory '{spec}' raised {first_line(error)}"
            remedy = "Call it by hand with [model.arguments] to see why."
            if isinstance(error, TypeError) and "argument" in str(error):
                remedy = "Give its arguments in the table [model.arguments]."
            raise ModelError(operation, problem, remedy=remedy) from error
    if not isinstance(net, nn.Module):
        raise ModelError(operation, f"the factory '{spec}' returned a {type(net).__name__}", expected="a torch.nn.Module")
    return net
