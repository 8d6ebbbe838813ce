"""Load a model from its card. Weights are read as data: nothing in a weights file is executed."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from netlens.card import Card
from netlens.data import classes_of, preprocess_of
from netlens.errors import ModelError, unknown
from netlens.models.model import Model


def load_model(card: Card, device: str = "cpu") -> Model:
    """Build the network that a card describes, with its weights, in evaluation mode.

    Raises
    ------
    ModelError : the factory cannot be found or called, or the weights do not fit it.
    """
    classes, preprocess = classes_of(card), preprocess_of(card)
    net = _build(card)
    _fill(net, read_weights(card.weights_path), card)
    net.eval().to(device)
    model = Model(net, card.model.name, classes, preprocess, card)
    if card.model.fingerprint and card.model.fingerprint != model.fingerprint:
        said, found = card.model.fingerprint[:12], model.fingerprint[:12]
        problem = f"the weights in '{card.model.weights}' have fingerprint {found}, the card says {said}"
        raise ModelError(f"card '{card.path.name}'", problem, remedy="Use the weights that the card was written for.")
    return model


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict from .safetensors, or from a checkpoint with `weights_only=True`, so that no code in it can run.

    Raises
    ------
    ModelError : there is no such file, it is damaged, or it holds something other than tensors.
    """
    operation = f"weights '{path.name}'"
    if not path.is_file():
        raise ModelError(operation, f"there is no file '{path}'", remedy="A card's paths are relative to the card.")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the readers raise many kinds; all mean that the file cannot be used
        first = str(error).splitlines()[0] if str(error) else ""
        expected = "a .safetensors file, or a checkpoint that holds tensors only"
        raise ModelError(operation, f"it cannot be read ({type(error).__name__}: {first})", expected=expected) from error
    while isinstance(content, dict) and not _is_state(content):
        inner = next((content[key] for key in ("state_dict", "model_state_dict", "model") if key in content), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, dict) or not _is_state(content):
        raise ModelError(operation, f"it holds a {type(content).__name__}", expected="a state dict: names and tensors")
    return {str(name).removeprefix("module.").removeprefix("_orig_mod."): tensor for name, tensor in content.items()}


def _is_state(content: dict[str, Any]) -> bool:
    return bool(content) and all(isinstance(value, torch.Tensor) for value in content.values())


def _build(card: Card) -> nn.Module:
    operation = f"card '{card.path.name}'"
    factory = find_callable(card.model.factory, card.path.parent, operation)
    try:
        net = factory(**card.model.arguments)
    except Exception as error:
        problem = f"the factory '{card.model.factory}' raised {type(error).__name__}: {error}"
        raise ModelError(operation, problem, remedy="Call it by hand with [model.arguments] to see why.") from error
    if not isinstance(net, nn.Module):
        raise ModelError(
            operation, f"the factory '{card.model.factory}' returned a {type(net).__name__}", expected="a torch.nn.Module"
        )
    return net


def find_callable(spec: str, folder: Path, operation: str) -> Callable[..., object]:
    """Find `file.py:name` (relative to `folder`) or `package.module:name`."""
    where, _, name = spec.partition(":")
    try:
        module = _import_file(folder / where) if where.endswith(".py") else importlib.import_module(where)
    except Exception as error:
        problem = f"'{where}' cannot be imported ({type(error).__name__}: {error})"
        raise ModelError(operation, problem, expected="file.py:callable or package.module:callable") from error
    found = getattr(module, name, None)
    if not callable(found):
        choices = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise unknown(operation, f"callable in '{where}' named", name, choices, ModelError)
    return cast("Callable[..., object]", found)


def _import_file(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"netlens_card_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _fill(net: nn.Module, state: dict[str, torch.Tensor], card: Card) -> None:
    own = net.state_dict()
    missing, extra = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    wrong = [
        f"{key} {tuple(state[key].shape)} for {tuple(own[key].shape)}"
        for key in own.keys() & state.keys()
        if own[key].shape != state[key].shape
    ]
    faults = [
        f"{kind}: {', '.join(names[:5])}"
        for kind, names in (("missing", missing), ("not in the network", extra), ("shape", sorted(wrong)))
        if names
    ]
    if faults:
        problem = f"the weights in '{card.model.weights}' do not fit the network '{card.model.factory}'; {'; '.join(faults)}"
        raise ModelError(f"card '{card.path.name}'", problem, expected="weights saved from this architecture")
    net.load_state_dict(state)
