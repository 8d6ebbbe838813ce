"""A tutorial model, trained: taken from the cache, or trained at once and kept there with the card that reproduces it."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import shutil
import tempfile
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import tomli_w
import torch
from filelock import FileLock
from safetensors.torch import save_file

import netlens
from netlens import paths
from netlens.card import Card, read_card
from netlens.data import DATASETS, Dataset, Standardise, load
from netlens.data.text import WordTokens
from netlens.devices import choose
from netlens.errors import NetlensError, OutputError, UsageError, unknown
from netlens.models.arguments import arguments
from netlens.models.load import find_callable, load_model
from netlens.models.model import Model, weights_fingerprint
from netlens.models.tutorial import TUTORIAL_MODELS, Recipe
from netlens.seeding import seeded
from netlens.training import Record, fit

log = logging.getLogger(__name__)
VOCABULARY = "vocabulary.txt"
PROVENANCE = "Trained by netlens on public data from a fixed recipe. The card holds recipe, seed and fingerprint."


def obtain(
    name: str, dataset: str = "", *, data_root: str | Path = "", device: str = "auto", seed: int = 0
) -> tuple[Model, Record | None]:
    """Give a tutorial model by name, or a model of your own by the path of its card.

    Parameters
    ----------
    name : a key of `netlens.models.TUTORIAL_MODELS`, or the path of a card.
    dataset : what a tutorial model is trained on, by default the first that it has a recipe for; a card names its own.
    seed : of the initial weights and of the training of a tutorial model.

    Returns
    -------
    The model, in evaluation mode on the device, and the record of its training (None for a card).

    Raises
    ------
    NetlensError : the model, data set or device does not exist or cannot be used.

    Notes
    -----
    Cost: nothing when the cache holds the model; otherwise one training. Two processes that ask at once train once.
    """
    device = choose(device, f"model '{name}'")
    if name.endswith(".toml"):
        return load_model(read_card(name), device, data_root=data_root), None
    if name not in TUTORIAL_MODELS:
        raise unknown("model", "tutorial model or card", name, TUTORIAL_MODELS)
    dataset = dataset or TUTORIAL_MODELS[name].dataset
    if dataset not in TUTORIAL_MODELS[name].recipes:
        raise (unknown("data", "data set", dataset, DATASETS) if dataset not in DATASETS else _no_recipe(name, dataset))
    recipe = TUTORIAL_MODELS[name].recipes[dataset]
    train, test = (load(dataset, split, data_root=data_root) for split in ("train", "test"))
    key = _key(name, recipe, train, test, device, seed)
    folder = paths.cache() / "models" / f"{name}-{dataset}-{key[:16]}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            kept = _read(folder, device, data_root)
            if kept is None:
                _train_into(folder, name, recipe, train, test, device, seed)
                kept = _read(folder, device, data_root)
    except OSError as error:
        remedy = f"Free some space, or name another folder with {paths.CACHE_VARIABLE}."
        raise OutputError(f"model '{name}'", f"the cache '{folder.parent}' cannot be written ({error})", remedy=remedy) from error
    assert kept is not None, f"{folder} was just written"
    return kept


def _no_recipe(name: str, dataset: str) -> UsageError:
    known = ", ".join(TUTORIAL_MODELS[name].recipes)
    return UsageError(f"model '{name}'", f"there is no recipe to train it on '{dataset}'", expected=f"one of: {known}")


def _key(name: str, recipe: Recipe, train: Dataset, test: Dataset, device: str, seed: int) -> str:
    package = Path(netlens.__file__).parent
    entry = TUTORIAL_MODELS[name]
    sources = [package / "training.py", package / "models" / "arguments.py", Path(__file__), *_source(entry.factory)]
    facts = [recipe, sorted(entry.arguments.items()), train.preprocess, train.fingerprint, test.fingerprint]
    parts = [name, *map(repr, facts), device, str(seed), torch.__version__]
    return hashlib.sha256("\n".join(parts + [source.read_text("utf-8") for source in sources]).encode()).hexdigest()


def _source(factory: str) -> list[Path]:
    """The file that a factory's module is written in."""
    found = importlib.util.find_spec(factory.partition(":")[0])
    return [Path(found.origin)] if found and found.origin else []


def _read(folder: Path, device: str, data_root: str | Path) -> tuple[Model, Record] | None:
    """Read a trained model from the cache; None when it is not there or damaged, and then nothing is left of it."""
    try:
        model = load_model(read_card(folder / "card.toml"), device, data_root=data_root)
        with (folder / "record.npz").open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            record = Record(tuple(arrays["layers"].tolist()), **{key: arrays[key] for key in arrays.files if key != "layers"})
    except (NetlensError, OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        if folder.exists():
            log.info("the cached model in %s is damaged (%s) and will be trained again", folder, error)
            shutil.rmtree(folder)
        return None
    return model, record


def _train_into(folder: Path, name: str, recipe: Recipe, train: Dataset, test: Dataset, device: str, seed: int) -> None:
    entry, facts = TUTORIAL_MODELS[name], DATASETS[train.name]
    told = arguments(train) | entry.arguments
    factory = find_callable(entry.factory, Path(), f"model '{name}'")
    with seeded(seed):
        net = factory(**told)
        assert isinstance(net, torch.nn.Module)
        record = fit(net, train, test, recipe, seed=seed, device=device)
    card = {
        "model": {
            "name": name,
            "factory": entry.factory,
            "arguments": told,
            "weights": "weights.safetensors",
            "fingerprint": weights_fingerprint(net),
            "training": {**vars(recipe), "seed": seed, "device": device, "train_samples": len(train)},
        },
        "data": {"source": train.name, **_measured(train)},
        "declared": {"purpose": facts.purpose, "out_of_scope": facts.out_of_scope, "provenance": PROVENANCE},
    }
    Card.model_validate(card)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        save_file({key: tensor.cpu().contiguous() for key, tensor in net.state_dict().items()}, temporary / "weights.safetensors")
        np.savez(temporary / "record.npz", **{**vars(record), "layers": np.asarray(record.layers)})
        if isinstance(train.preprocess, WordTokens):
            train.preprocess.write(temporary / VOCABULARY)
        (temporary / "card.toml").write_text(tomli_w.dumps(card), encoding="utf-8")
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _measured(train: Dataset) -> dict[str, list[float] | str | int]:
    """What was learned from the training split, so that the card keeps it with the network: a table's scales, a text's vocabulary."""
    own = train.preprocess
    if isinstance(own, WordTokens):
        return {"vocabulary": VOCABULARY, "max_length": own.longest}
    return {"mean": list(own.mean), "std": list(own.std)} if isinstance(own, Standardise) else {}
