"""Read weights as data, and fill a network with them. Nothing in a file of weights is executed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from netlens.errors import ModelError
from netlens.models.files import first_line, kind_of

NESTED = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module")
PREFIXES = ("module.", "_orig_mod.")
COUNTER = (
    "num_batches_tracked"  # of batch norm, which checkpoints from before torch 0.4.1 do not have and which no answer depends on
)
DEEPEST = 4
SHOWN = 5
EXPECTED = "a .safetensors file, or a checkpoint that holds tensors only"
State = dict[str, torch.Tensor]


def read_weights(path: Path, *, unpickle: bool = False) -> State:
    """Read a state dict from .safetensors, or from a checkpoint with `weights_only=True`, so that no code in it can run.

    Parameters
    ----------
    unpickle : also read a checkpoint that holds other objects, which runs whatever code they bring.

    Raises
    ------
    ModelError : there is no such file, it is damaged, or it holds something other than tensors.
    """
    operation = f"weights '{path.name}'"
    content = read_file(path, operation, unpickle=unpickle)
    found = content
    for _ in range(DEEPEST):
        if not isinstance(found, Mapping) or _is_state(found):
            break
        found = _inner(found)
    if isinstance(found, nn.Module) and unpickle:
        found = found.state_dict()
    if not isinstance(found, Mapping) or not _is_state(found):
        held = f"a {type(content).__name__}" + (f" with {', '.join(map(str, list(content)[:SHOWN]))}" if _keys(content) else "")
        raise ModelError(operation, f"it holds {held}", expected="a state dict: names and tensors")
    return {_bare(str(name)): tensor for name, tensor in found.items() if isinstance(tensor, torch.Tensor)}


def read_file(path: Path, operation: str, *, unpickle: bool = False) -> Any:
    """Read what a file of weights holds, as far as it is data.

    Raises
    ------
    ModelError : it cannot be read as data.
    """
    kind = kind_of(path, operation)
    if kind in ("torchscript", "exported"):
        said = "TorchScript" if kind == "torchscript" else "a program that torch.export saved"
        remedy = f'Write {kind} = "{path.name}" in [model], in place of `factory` and `weights`.'
        raise ModelError(operation, f"it is {said}, network and weights in one", expected=EXPECTED, remedy=remedy)
    try:
        if kind == "tensors":
            from safetensors.torch import load_file

            return load_file(path)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol", UserWarning)  # what comes of it is an error, or nothing
            return torch.load(path, map_location="cpu", weights_only=not unpickle)
    except Exception as error:  # the readers raise many kinds; all mean that the file cannot be used
        raise _unreadable(operation, error) from error


def _unreadable(operation: str, error: Exception) -> ModelError:
    """What is wrong with a file: it brings objects that would run code, or it is damaged."""
    brought = re.search(
        r"(?:Unsupported global: GLOBAL|Unsupported class|Trying to call reduce for unrecognized function) ([\w.]+)", str(error)
    )
    if brought:
        problem = f"it is pickled Python, which brings '{brought[1]}' along: to read it could run any code"
        remedy = "Save `net.state_dict()` alone, or write `unpickle = true` in [model] if you trust whoever made it."
        return ModelError(operation, problem, expected=EXPECTED, remedy=remedy)
    said = str(error).rpartition("WeightsUnpickler error:")[2].strip().partition(". ")[0]  # torch's own advice is to run the code
    told = first_line(type(error)(said)) if "Weights only load failed" in str(error) else first_line(error)
    remedy = "Was the download or the copy cut short?"
    return ModelError(operation, f"it cannot be read ({told})", expected=EXPECTED, remedy=remedy)


def fill(net: nn.Module, state: State, operation: str, weights: str, network: str) -> None:
    """Give a network its weights.

    Raises
    ------
    ModelError : names or shapes differ; it lists which.
    """
    net = _within(net)
    own = net.state_dict()
    state = _matching(state, set(own))
    state |= {name: own[name] for name in own.keys() - state.keys() if name.endswith(COUNTER)}
    missing, extra = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    wrong = sorted(
        f"{key} {tuple(state[key].shape)} for {tuple(own[key].shape)}"
        for key in own.keys() & state.keys()
        if not is_lazy(own[key]) and own[key].shape != state[key].shape
    )
    kinds = (("missing", missing), ("not in the network", extra), ("shape", wrong))
    faults = [f"{kind}: {some(names)}" for kind, names in kinds if names]
    if faults:
        problem = f"the weights in '{weights}' do not fit the network '{network}'; {'; '.join(faults)}"
        raise ModelError(operation, problem, expected="weights saved from this architecture")
    net.load_state_dict(state)


def _within(net: nn.Module) -> nn.Module:
    """The network that a factory compiled or made parallel: its weights have names without these wrappers'."""
    inner = net.module if isinstance(net, nn.DataParallel) else getattr(net, "_orig_mod", None)
    return _within(inner) if isinstance(inner, nn.Module) else net


def _matching(state: State, own: set[str]) -> State:
    """The state itself; or without a first name that all of it has and the network has not, as trainers wrap a network."""
    if not own or own & set(state):
        return state
    heads = {name.partition(".")[0] for name in state}
    bare = {name.partition(".")[2]: tensor for name, tensor in state.items()}
    return bare if len(heads) == 1 and own & set(bare) else state


def some(names: list[str]) -> str:
    """The first of some names, and how many more there are."""
    more = f", and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _bare(name: str) -> str:
    while name.startswith(PREFIXES):
        name = name.removeprefix("module.").removeprefix("_orig_mod.")
    return name.replace("._orig_mod.", ".")


def _keys(content: object) -> bool:
    return isinstance(content, Mapping) and len(content) > 0


def _is_state(content: Mapping[Any, Any]) -> bool:
    """Names with tensors, and perhaps numbers beside them such as an epoch."""
    return any(isinstance(value, torch.Tensor) for value in content.values()) and not any(
        isinstance(value, Mapping) and _is_state(value) for value in content.values()
    )


def _inner(content: Mapping[Any, Any]) -> Any:
    """What lies under a usual key, or the only inner dictionary of tensors."""
    for key in NESTED:
        if isinstance(content.get(key), Mapping | nn.Module):
            return content[key]
    states = [value for value in content.values() if isinstance(value, Mapping) and _is_state(value)]
    return states[0] if len(states) == 1 else None
