"""Networks saved as TorchScript."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from netlens.errors import ModelError
from netlens.models.files import first_line, kind_of


def load_script(path: Path, operation: str) -> nn.Module:
    """Load a TorchScript file. Its code runs in an interpreter of its own, which runs no Python.

    Raises
    ------
    ModelError : the file is none, or was written by another version of torch.
    """
    if kind_of(path, operation) != "torchscript":
        remedy = "Weights go with a `factory`; a program of torch.export is named by `exported`."
        raise ModelError(
            operation, f"'{path.name}' is no TorchScript", expected="a file that torch.jit.save wrote", remedy=remedy
        )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`torch.jit", FutureWarning)  # deprecated, and still what many models are saved as
            read: Any = torch.jit.load
            net = read(path, map_location="cpu")
    except Exception as error:  # the reader raises many kinds; all mean that the file cannot be used
        problem = f"'{path.name}' cannot be read ({first_line(error)})"
        remedy = f"This is torch {torch.__version__}: save it again with a version near it."
        raise ModelError(operation, problem, expected="a whole TorchScript file", remedy=remedy) from error
    assert isinstance(net, nn.Module)
    return net
