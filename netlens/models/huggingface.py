"""Classifiers of Hugging Face, of images or of text, by name or from a folder."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netlens.card import Card
from netlens.errors import ModelError
from netlens.models.named import Built, constructing, library, local, notes, wants_pretrained
from netlens.seeding import seeded

KINDS = {"text": "AutoModelForSequenceClassification", "image": "AutoModelForImageClassification"}


def huggingface_model(card: Card) -> Built:
    """Build a classifier of Hugging Face. No code that its makers keep beside the weights is run.

    Raises
    ------
    ModelError : there is no such classifier, it is none, or its weights are not here and cannot be downloaded.
    """
    transformers = library(card, "transformers")
    name = card.model.huggingface
    place = local(card, name) or name
    with seeded(0), quiet(transformers), constructing(card, "transformers", name):
        config = found(transformers.AutoConfig, place, **card.model.arguments)
        modality = _modality(transformers, config, card)
        kind = getattr(transformers, KINDS[modality])
        if wants_pretrained(card):
            net, info = found(kind, place, config=config, output_loading_info=True)
            missing = sorted(info["missing_keys"])
        else:
            net, missing = kind.from_config(config), []
    if missing:
        problem = f"'{name}' has no weights for {', '.join(missing[:5])}, so it is no trained classifier"
        raise ModelError(card.operation, problem, remedy="Give a model that was trained to classify.")
    said: dict[str, Any] = {"modality": modality}
    labels = [str(config.id2label[place]) for place in sorted(config.id2label)]
    if labels != [f"LABEL_{place}" for place in range(len(labels))]:
        said["classes"] = labels
    if modality == "text":
        said |= {"tokenizer": name} if not card.data.vocabulary else {}
    else:
        said |= _pictures(config, place)
    return Built(net, said, notes(card))


def found(kind: Any, place: str, **more: Any) -> Any:
    """Load from the library's cache or a folder; ask the network only for what is not there."""
    try:
        return kind.from_pretrained(place, local_files_only=True, trust_remote_code=False, **more)
    except OSError:
        if Path(place).is_dir():
            raise
        return kind.from_pretrained(place, trust_remote_code=False, **more)


def _modality(transformers: Any, config: Any, card: Card) -> str:
    """Whether a configuration is one of a classifier of text or of images; `[data] modality` decides where both would be."""
    fitting = [what for what, kind in KINDS.items() if type(config) in getattr(transformers, kind)._model_mapping]
    if card.data.modality in fitting:
        return card.data.modality
    if not fitting:
        problem = f"'{card.model.huggingface}' is a {type(config).__name__}, of which there is no classifier of text or images"
        raise ModelError(card.operation, problem, expected="a model for sequence or image classification")
    return fitting[0]


def _pictures(config: Any, place: str) -> dict[str, Any]:
    """How images become inputs: from the configuration of the model, and from that of its image processor where there is one."""
    size = getattr(config, "image_size", None)
    said: dict[str, Any] = {"size": list(size) if isinstance(size, list | tuple) else [size, size]} if size else {}
    file = Path(place) / "preprocessor_config.json"
    if not file.is_file():
        from huggingface_hub import try_to_load_from_cache

        cached = None if Path(place).is_dir() else try_to_load_from_cache(place, "preprocessor_config.json")
        file = Path(cached) if isinstance(cached, str) else file
    if file.is_file():
        content = json.loads(file.read_text(encoding="utf-8"))
        said |= {"mean": content.get("image_mean"), "std": content.get("image_std")}
        asked = content.get("crop_size") or content.get("size")
        if isinstance(asked, dict) and {"height", "width"} <= asked.keys():
            said["size"] = [asked["height"], asked["width"]]
        if content.get("do_normalize") is False:
            said |= {"mean": [0.0] * 3, "std": [1.0] * 3}
    return {key: value for key, value in said.items() if value}


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Keep the library's remarks and progress bars to itself; what matters of them is raised."""
    logging = transformers.utils.logging
    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()
