"""The model card: one TOML file that says what a model is, where its weights are and what data it is for."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netlens.errors import ModelError, nearest


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ModelTable(_Table):
    """`[model]`: a factory, its arguments, its weights, and what its creator says of the training."""

    name: str = Field(min_length=1)
    factory: str = Field(pattern=r"^.+:.+$")
    arguments: dict[str, int | float | str | bool] = {}
    weights: str
    fingerprint: str = ""
    training: dict[str, int | float | str | bool] = {}


class DataTable(_Table):
    """`[data]`: a registered data set, and how its images become inputs when that differs from the data set's own way."""

    source: str
    classes: list[str] | None = None
    mean: list[float] | None = None
    std: list[float] | None = None


class DeclaredTable(_Table):
    """`[declared]`: facts that only the author knows. An empty one is reported as NOT SUPPLIED."""

    purpose: str = ""
    out_of_scope: str = ""
    provenance: str = ""
    oversight: str = ""
    contact: str = ""


class Card(_Table):
    """A model card that has been read and checked."""

    model: ModelTable
    data: DataTable
    declared: DeclaredTable = DeclaredTable()
    path: Path = Field(default=Path(), exclude=True)

    @property
    def weights_path(self) -> Path:
        """Where the weights are; a relative path starts at the card."""
        return self.path.parent / self.model.weights

    @property
    def digest(self) -> str:
        """SHA-256 over what the card says."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def read_card(path: str | Path) -> Card:
    """Read and check a card.

    Raises
    ------
    ModelError : there is no such file, it is not TOML, or a key is missing, unknown or of the wrong kind.
    """
    path = Path(path)
    operation = f"card '{path.name}'"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        remedy = "Give the path of a .toml card, or the name of a tutorial model (`netlens list models`)."
        raise ModelError(operation, f"'{path}' cannot be read ({type(error).__name__})", remedy=remedy) from error
    except tomllib.TOMLDecodeError as error:
        raise ModelError(operation, f"'{path}' is not valid TOML: {error}", expected="a card in TOML") from error
    if "path" in content:  # the field of this name is ours
        raise _unknown_key(operation, ("path",))
    try:
        return Card.model_validate({**content, "path": path.resolve()})
    except ValidationError as error:
        raise _card_error(operation, error) from error


def _card_error(operation: str, error: ValidationError) -> ModelError:
    errors = error.errors()
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])  # a misspelt key is also a missing one
    if first["type"] == "extra_forbidden":
        return _unknown_key(operation, first["loc"])
    where = ".".join(str(part) for part in first["loc"][:3])
    value = "" if first["type"] == "missing" else f" (found: {first['input']!r})"
    return ModelError(operation, f"[{where}]: {first['msg'].lower()}{value}", remedy="Mend this key in the card.")


def _unknown_key(operation: str, place: tuple[int | str, ...]) -> ModelError:
    tables: dict[str, type[BaseModel]] = {"model": ModelTable, "data": DataTable, "declared": DeclaredTable}
    known = list(tables[str(place[0])].model_fields) if len(place) > 1 else list(tables)
    guess = nearest(str(place[-1]), known)
    hint = f"Did you mean '{guess}'? " if guess else ""
    problem = f"[{'.'.join(map(str, place))}] is not a key of a card"
    return ModelError(operation, problem, remedy=f"{hint}Known: {', '.join(known)}.")
