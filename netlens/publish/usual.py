"""The usual parameters of the notebooks: what their values may be, and from which folder a path counts.

A notebook runs in a folder of its own, so every path that a user gives is made absolute here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from netlens.errors import UsageError, nearest, unknown
from netlens.publish.kinds import Value

LARGEST_SEED = 2**32 - 1
MODELS = ("model", "other")  # the parameters that name a model


def check(values: Mapping[str, Value], operation: str, folder: Path | None = None) -> dict[str, Value]:
    """Check the values of `dataset` (which may be empty), `model`, `device`, `seed`, and make paths absolute: of `model`, `data_root`, `policy` and `previous`.

    Parameters
    ----------
    values : by parameter name; other names pass through.
    folder : where relative paths start; by default the current folder.

    Raises
    ------
    UsageError : a data set, model, device, seed or file that does not exist.
    """
    checked = dict(values)
    here = folder or Path.cwd()
    if isinstance(name := values.get("dataset"), str) and name:
        _dataset(name, operation)
    for key in MODELS:
        if isinstance(name := values.get(key), str):
            checked[key] = model(name, operation, here)
    if isinstance(root := values.get("data_root"), str) and root:
        checked["data_root"] = str(_absolute(root, here))
    if isinstance(name := values.get("policy"), str) and name.endswith(".toml"):
        checked["policy"] = _file(name, here, "policy", operation)
    if isinstance(name := values.get("previous"), str) and name:
        checked["previous"] = _file(name, here, "audit", operation)
    if isinstance(name := values.get("device"), str):
        _device(name, operation)
    if isinstance(seed := values.get("seed"), int) and not 0 <= seed <= LARGEST_SEED:
        raise UsageError(operation, f"parameter 'seed' got {seed}", expected=f"an integer from 0 to {LARGEST_SEED}")
    return checked


def model(name: str, operation: str, folder: Path | None = None) -> str:
    """Give back a tutorial model's name, or the absolute path of a card, or of the audit.json of a report.

    Raises
    ------
    UsageError : it is none of them.
    """
    from netlens.models.tutorial import TUTORIAL_MODELS

    if name in TUTORIAL_MODELS:
        return name
    path = _absolute(name, folder or Path.cwd())
    if path.is_dir() and (path / "audit.json").is_file():
        path /= "audit.json"
    if path.suffix in (".toml", ".json") and path.is_file():
        return str(path)
    if path.suffix == ".toml":
        near = nearest(path.name, [other.name for other in path.parent.glob("*.toml")])
        hint = f"Did you mean '{path.with_name(near)}'?" if near else "A card is a TOML file that describes a model."
        raise UsageError(operation, f"there is no card '{path}'", remedy=hint)
    raise unknown(operation, "model", name, [*TUTORIAL_MODELS, "or the path of a card, model.toml"])


def _dataset(name: str, operation: str) -> None:
    from netlens.data.catalogue import DATASETS

    if name not in DATASETS:
        raise unknown(operation, "data set", name, DATASETS)


def _device(name: str, operation: str) -> None:
    from netlens.devices import DEVICES, choose

    if name not in DEVICES:
        raise unknown(operation, "device", name, DEVICES)
    if name not in ("auto", "cpu"):
        choose(name, operation)


def _file(path: str, folder: Path, kind: str, operation: str) -> str:
    found = _absolute(path, folder)
    if not found.is_file():
        raise UsageError(operation, f"there is no {kind} '{found}'", remedy="Give the path of a file.")
    return str(found)


def _absolute(path: str, folder: Path) -> Path:
    return (folder / Path(path).expanduser()).resolve()
