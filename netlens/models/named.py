"""Classifiers of torchvision and timm, by name, with the weights that these libraries offer or with a file of your own."""

from __future__ import annotations

import difflib
import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from netlens.card import Card
from netlens.errors import ModelError
from netlens.models.files import first_line
from netlens.seeding import seeded

NEAR = 6  # names that are offered; a library knows hundreds
NETWORK = {"huggingface_hub", "requests", "httpx", "urllib", "urllib3", "pytest_socket"}  # libraries that fail when offline
RANDOM = "its weights are random: the card asks for a network without `weights` and with pretrained = false"


@dataclass(frozen=True)
class Built:
    """A network, what its makers say of its inputs and classes (keys of `[data]`), and what a reader should know."""

    net: nn.Module
    data: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def wants_pretrained(card: Card) -> bool:
    """Whether a network by name comes with its library's weights."""
    return not card.model.weights and card.model.pretrained is not False


def torchvision_model(card: Card) -> Built:
    """Build a classifier of torchvision.

    Raises
    ------
    ModelError : there is no such classifier, it does not take the arguments, or its weights are not here and cannot be downloaded.
    """
    from torchvision import models

    name, pretrained = card.model.torchvision, wants_pretrained(card)
    known = models.list_models(module=models)
    if name not in known:
        raise _no_such(card, "torchvision", name, known)
    weights = models.get_model_weights(name).DEFAULT if pretrained else None
    more = {"progress": False} if pretrained else {}
    more |= {"init_weights": True} if name in ("googlenet", "inception_v3") and not pretrained else {}  # it warns without
    with seeded(0), constructing(card, "torchvision", name, _kept(weights.url) if weights else ""):
        net = models.get_model(name, weights=weights, **more, **card.model.arguments)
    said = {}
    if weights is not None:
        transforms = weights.transforms()
        size = list(transforms.crop_size) * (2 if len(transforms.crop_size) == 1 else 1)
        said = {
            "classes": list(weights.meta["categories"]),
            "mean": list(transforms.mean),
            "std": list(transforms.std),
            "size": size,
        }
    return Built(net, said, notes(card))


def _kept(url: str) -> str:
    """Where torchvision keeps weights that it downloaded, as a remedy."""
    from torch import hub

    return f"put '{url.rpartition('/')[2]}' into the folder '{hub.get_dir()}/checkpoints'"


def timm_model(card: Card) -> Built:
    """Build a classifier of timm, by name or from a folder that timm saved.

    Raises
    ------
    ModelError : there is no such classifier, it does not take the arguments, or its weights are not here and cannot be downloaded.
    """
    timm = library(card, "timm")
    name, pretrained = card.model.timm, wants_pretrained(card)
    if folder := local(card, name):
        name = f"local-dir:{folder}"
    elif not timm.is_model(name.removeprefix("hf-hub:").partition(".")[0]) and not name.startswith("hf"):
        raise _no_such(card, "timm", name, timm.list_models())
    with seeded(0), constructing(card, "timm", card.model.timm):
        net = timm.create_model(name, pretrained=pretrained, **card.model.arguments)
    config = timm.data.resolve_model_data_config(net)
    # the configuration is of the published network, which may have been built for another size
    size = card.model.arguments.get("img_size", list(config["input_size"][1:]))
    said = {"mean": list(config["mean"]), "std": list(config["std"]), "size": size if isinstance(size, list) else [size] * 2}
    return Built(net, said, notes(card))


def _no_such(card: Card, library: str, name: str, known: list[str]) -> ModelError:
    near = difflib.get_close_matches(name, known, n=NEAR, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'? Near: {', '.join(near)}." if near else f"It knows {len(known)} names."
    return ModelError(card.operation, f"there is no classifier of {library} '{name}'", remedy=hint)


def notes(card: Card) -> tuple[str, ...]:
    """What to say of a network by name."""
    return () if card.model.weights or wants_pretrained(card) else (RANDOM,)


def local(card: Card, name: str) -> str:
    """The folder that a name leads to, seen from the card; "" when there is none."""
    if name.startswith("hf-hub:") or (not name.startswith((".", "/", "~")) and not (card.path.parent / name).is_dir()):
        return ""
    place = card.place(name)
    if not place.is_dir():
        raise ModelError(card.operation, f"there is no folder '{place}'", remedy="A card's paths are relative to the card.")
    return str(place)


def library(card: Card, name: str) -> Any:
    """Import a library that not everybody needs.

    Raises
    ------
    ModelError : it is not installed.
    """
    from tqdm import TqdmWarning

    extra = {"transformers": "huggingface"}.get(name, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TqdmWarning)  # in a notebook it misses a progress bar
            return importlib.import_module(name)
    except ImportError as error:
        problem = f"the library '{name}' is not installed"
        raise ModelError(card.operation, problem, remedy=f"Install netlens[{extra}].") from error


@contextmanager
def constructing(card: Card, library: str, name: str, kept: str = "") -> Iterator[None]:
    """Say clearly why a library could not make a network. `kept` : how to give it the weights by hand.

    Raises
    ------
    ModelError : whatever the library raised, with a remedy.
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # libraries raise many kinds
        problem, remedy = f"{library} could not make '{name}' ({first_line(error)})", "Check the name and [model.arguments]."
        if isinstance(error, TypeError) and "argument" in str(error):
            problem = f"{library} does not take the arguments of '{name}' ({first_line(error)})"
            remedy = "Mend [model.arguments]."
        elif isinstance(error, OSError) or type(error).__module__.partition(".")[0] in NETWORK:
            problem = f"the weights of '{name}' are not on this machine, and could not be downloaded ({first_line(error)})"
            other = kept or "give a file in `weights`, or the path of a folder"
            remedy = f"Connect to the network once: the library keeps them. Or {other}."
        raise ModelError(card.operation, problem, remedy=remedy) from error
