"""Load a model from its card, in whichever form its author has it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from netlens.card import Card
from netlens.data import DATASETS, Dataset, Transform, classes_of, of_card, preprocess_of
from netlens.data.from_card import without_groups
from netlens.errors import ModelError
from netlens.models.adapter import is_closed
from netlens.models.exported import load_program
from netlens.models.factory import build, find_callable, importable
from netlens.models.huggingface import huggingface_model
from netlens.models.model import Model
from netlens.models.named import Built, timm_model, torchvision_model
from netlens.models.probe import adapted
from netlens.models.torchscript import load_script
from netlens.models.weights import fill, read_file, read_weights

__all__ = ["completed", "find_callable", "load_model", "read_weights"]

NAMED = {"torchvision": torchvision_model, "timm": timm_model, "huggingface": huggingface_model}
PROBED = 2  # rows


def load_model(card: Card, device: str = "cpu", *, data_root: str | Path = "") -> Model:
    """Build the network that a card describes, with its weights, in evaluation mode.

    Parameters
    ----------
    data_root : the folder that holds downloaded data sets.

    Returns
    -------
    The model. Its card also holds what the makers of the network say of its inputs and classes, where the card itself does not.

    Raises
    ------
    ModelError : the network cannot be found, made or read, its weights do not fit it, or it does not run on the data.
    DataError : the data cannot be read.
    """
    built = _built(card)
    card = completed(card, built)
    net = awoken(built.net, device, card.operation)
    data = _data(card, data_root)
    known: Dataset | Known = data or Known(classes_of(card, data_root), preprocess_of(card, data_root))
    model = Model(net, card.model.name, known.classes, known.preprocess, card, notes=built.notes)
    if card.model.fingerprint and card.model.fingerprint != model.fingerprint:
        said, found = card.model.fingerprint[:12], model.fingerprint[:12]
        problem = f"the weights{_of(card)} have fingerprint {found}, the card says {said}"
        raise ModelError(card.operation, problem, remedy="Use the weights that the card was written for.")
    return adapted(model, data.take(min(PROBED, len(data))).inputs, _pad(model)) if data else model


def completed(card: Card, built: Built) -> Card:
    """The card with what a network's makers say of its inputs and classes, where the card itself says nothing."""
    said = {key: value for key, value in built.data.items() if not getattr(card.data, key)}
    if DATASETS.get(card.data.source):  # a registered data set says these better
        said = {key: value for key, value in said.items() if key in ("mean", "std")}
    return card.model_copy(update={"data": card.data.model_copy(update=said)}) if said else card


def _built(card: Card) -> Built:
    model, weights = card.model, card.model.weights
    if model.form == "pickle":
        return _unpickled(card)
    if model.form == "torchscript":
        return Built(load_script(card.place(model.torchscript), card.operation))
    if model.form == "exported":
        net, notes = load_program(card.place(model.exported), card.operation)
        return Built(net, notes=notes)
    if model.form == "factory":
        if (file := model.factory.partition(":")[0]).endswith(".py"):
            card.place(file)
        built = Built(build(model.factory, card.path.parent, model.arguments, card.operation))
    else:
        built = NAMED[model.form](card)
    if weights:
        state = read_weights(card.weights_path, unpickle=model.unpickle)
        fill(built.net, state, card.operation, weights, getattr(model, model.form))
    return built


def _unpickled(card: Card) -> Built:
    """A pickled network, which the card's author allowed to run code."""
    with importable(card.path.parent):
        found = read_file(card.weights_path, f"weights '{card.weights_path.name}'", unpickle=True)
    if not isinstance(found, nn.Module):
        problem = f"'{card.model.weights}' holds a {type(found).__name__}"
        raise ModelError(card.operation, problem, expected="a pickled network", remedy="Weights alone need a `factory`.")
    return Built(
        found, notes=(f"'{card.weights_path.name}' was unpickled, which can run any code: the card says unpickle = true",)
    )


def awoken(net: nn.Module, device: str, operation: str) -> nn.Module:
    """Put a network in evaluation mode on a device.

    Raises
    ------
    ModelError : it cannot be moved there.
    """
    for module in net.modules():  # not by `eval()`, which an exported program refuses
        module.training = False
    try:
        return net.to(device)
    except (RuntimeError, NotImplementedError) as error:
        problem = f"the network cannot be moved to '{device}' ({str(error).splitlines()[0]})"
        raise ModelError(operation, problem, remedy="Use --device cpu.") from error


@dataclass(frozen=True)
class Known:
    """What is known of data without reading them."""

    classes: tuple[str, ...]
    preprocess: Transform


def _data(card: Card, data_root: str | Path) -> Dataset | None:
    """The held-out data of a card; None where they would have to be downloaded."""
    entry = DATASETS.get(card.data.source)
    return of_card(without_groups(card), data_root=data_root) if entry is None or entry.offline else None


def _pad(model: Model) -> int | None:
    """The id that pads texts, for a network that takes an attention mask."""
    pad = getattr(model.preprocess, "pad", None)
    if pad is None or is_closed(model.net):
        return None
    return int(pad) if "attention_mask" in inspect.signature(model.net.forward).parameters else None


def _of(card: Card) -> str:
    return f" in '{card.model.weights}'" if card.model.weights else ""
