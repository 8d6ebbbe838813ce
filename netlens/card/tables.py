"""The tables of a model card: which keys there are, and what each may hold."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netlens.errors import ModelError

FORMS = ("factory", "torchscript", "exported", "torchvision", "timm", "huggingface")
BY_NAME = ("torchvision", "timm", "huggingface")

LARGEST = 1 << 26  # pixels of an input; a picture of more would fill the memory

Scalar = int | float | str | bool
Text = str


class Table(BaseModel):
    """A table of a card: no other keys, nothing converted, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class ModelTable(Table):
    """`[model]`: what the network is made of, where its weights are, and what its creator says of the training."""

    name: str = Field(min_length=1, description="a name for pages and reports")
    factory: str = Field(
        default="", pattern=r"^(.+:.+)?$", description="file.py:callable or package.module:callable, which returns the network"
    )
    torchscript: str = Field(default="", description="the path of a TorchScript file, .pt")
    exported: str = Field(default="", description="the path of a program that torch.export saved, .pt2")
    torchvision: str = Field(default="", description='the name of a classifier of torchvision, such as "resnet18"')
    timm: str = Field(default="", description='the name of a classifier of timm, such as "vit_tiny_patch16_224"')
    huggingface: str = Field(
        default="", description="the name of a classifier of Hugging Face, or the path of a folder that save_pretrained wrote"
    )
    arguments: dict[str, Scalar | list[Scalar]] = Field(
        default={}, description="keyword arguments of the factory or the library's constructor"
    )
    weights: str = Field(default="", description="the path of a .safetensors file, or of a checkpoint that holds tensors only")
    pretrained: bool | None = Field(
        default=None, description="whether a network by name has its library's own weights; true unless `weights` are given"
    )
    unpickle: bool = Field(
        default=False, description="true to load a pickled network, which can run any code; only from people you trust"
    )
    fingerprint: str = Field(
        default="", pattern=r"^([0-9a-f]{64})?$", description="SHA-256 of the weights, as `netlens card check` prints it"
    )
    training: dict[str, Scalar] = Field(default={}, description="facts on the training, for the report")

    @property
    def form(self) -> str:
        """Which of the forms this card uses; `pickle` for a pickled network."""
        return next((form for form in FORMS if getattr(self, form)), "pickle")

    @model_validator(mode="after")
    def _one_form(self) -> ModelTable:
        given = [form for form in FORMS if getattr(self, form)]
        if not given and self.weights and self.unpickle:
            return self
        if len(given) != 1:
            found = f"got {' and '.join(given)}" if given else "says not where the network comes from"
            raise ValueError(f"{found} | exactly one of: {', '.join(FORMS)}")
        form = given[0]
        if form == "factory" and not self.weights:
            raise ValueError("has no weights | the path of a .safetensors file or a checkpoint in `weights`")
        if form in ("torchscript", "exported") and self.weights:
            raise ValueError(f"got weights beside {form} | no `weights`: the file holds them")
        if form not in (*BY_NAME, "factory") and self.arguments:
            raise ValueError(f"got arguments beside {form} | no `arguments`: the network is made already")
        if form not in BY_NAME and self.pretrained is not None:
            raise ValueError(f"got pretrained beside {form} | `pretrained` beside one of: {', '.join(BY_NAME)}")
        if self.pretrained and self.weights:
            raise ValueError("got pretrained = true and weights | one of the two")
        return self


class DataTable(Table):
    """`[data]`: the held-out samples, what the model was trained on, and how raw samples become inputs."""

    source: str = Field(
        min_length=1,
        description="folder:PATH, csv:PATH, parquet:PATH, jsonl:PATH, npz:PATH, a data set's name, or file.py:callable",
    )
    train: str = Field(default="", description="what the model was trained on, written like `source`")
    modality: Literal["", "image", "text", "table"] = Field(
        default="", description="what a sample is, where the source does not tell: image, text, table"
    )
    classes: list[Text] | None = Field(
        default=None, min_length=2, description="the names of the classes, in the order of the logits"
    )
    size: list[int] | None = Field(
        default=None, min_length=2, max_length=2, description="height and width of the inputs in pixels, such as [32, 32]"
    )
    resize: Literal["stretch", "crop", "refuse"] = Field(default="stretch", description="what is done to images of another size")
    colour: Literal["", "rgb", "grey"] = Field(
        default="", description="rgb or grey; by default as many channels as `mean` has numbers"
    )
    mean: list[float] | None = Field(
        default=None, min_length=1, description="what is subtracted, one number a channel or column; pixels count from 0 to 1"
    )
    std: list[float] | None = Field(default=None, min_length=1, description="what is divided by, one number a channel or column")
    groups: str | list[Text] = Field(
        default="", description="a CSV with one row a sample, or names of columns of the source: for slices and fairness"
    )
    image: str = Field(default="", description="the column that holds paths of images")
    text: str = Field(default="", description="the column that holds texts")
    label: str = Field(default="", description="the column that holds labels")
    features: list[Text] | None = Field(
        default=None, min_length=1, description="the columns that the network takes, in its order"
    )
    separator: str = Field(default="", max_length=1, description="what stands between the columns of a CSV; by default a comma")
    encoding: str = Field(default="", description="the encoding of a text file; by default UTF-8")
    tokenizer: str = Field(default="", description="a tokenizer's name or folder (Hugging Face), or tokenizer.json")
    vocabulary: str = Field(
        default="",
        description="a text file with one word a line, the first of which pads and the second stands for unknown words",
    )
    max_length: int | None = Field(default=None, ge=1, description="how many tokens of a text are read")

    @model_validator(mode="after")
    def _fits_together(self) -> DataTable:
        if self.classes is not None and len(set(self.classes)) < len(self.classes):
            twice = next(name for name in self.classes if self.classes.count(name) > 1)
            raise ValueError(f"classes names '{twice}' twice | names that differ")
        if self.size is not None and min(self.size) < 1:
            raise ValueError(f"size got {self.size} | height and width of at least one pixel")
        if self.size is not None and self.size[0] * self.size[1] > LARGEST:
            raise ValueError(f"size got {self.size} | at most {LARGEST:,} pixels")
        if self.mean and self.std and len(self.mean) != len(self.std):
            raise ValueError(f"mean has {len(self.mean)} numbers and std {len(self.std)} | one of each a channel or column")
        if self.std and min(self.std) <= 0:
            raise ValueError(f"std got {min(self.std):g} | numbers above 0")
        return self


class DeclaredTable(Table):
    """`[declared]`: facts that only the author knows. An empty one is reported as NOT SUPPLIED."""

    purpose: str = Field(default="", description="what the model is for, in a sentence")
    out_of_scope: str = Field(default="", description="what it must not be used for")
    intended_users: str = Field(default="", description="who works with it")
    affected_people: str = Field(default="", description="about whom it decides")
    provenance: str = Field(default="", description="where model and data come from")
    oversight: str = Field(default="", description="who watches it, and how a person can overrule it")
    contact: str = Field(default="", description="whom to ask")
    provider: str = Field(default="", description="who is responsible for it")
    version: str = Field(default="", description="its version, and how it relates to earlier ones")
    interaction: str = Field(default="", description="other systems that it works with")
    market_forms: str = Field(default="", description="in which forms it is placed on the market")
    hardware: str = Field(default="", description="what it is meant to run on")
    photographs: str = Field(default="", description="for a part of a product: where pictures of the product are")
    interface: str = Field(default="", description="what its user sees")
    instructions: str = Field(default="", description="where the instructions for use are")
    development: str = Field(default="", description="how it was developed, and which parts others trained")
    design: str = Field(default="", description="the logic of its design, what it optimises, and the trade-offs that were made")
    compute: str = Field(default="", description="what was spent to train it")
    data_sheet: str = Field(default="", description="how data were collected, selected, labelled and cleaned")
    planned_changes: str = Field(default="", description="changes that were foreseen and assessed")
    cybersecurity: str = Field(default="", description="what protects it")
    threats: str = Field(default="", description="attacks that it is claimed to withstand; empty claims none")
    limits: str = Field(default="", description="known limits, and for whom it works less well")
    risks: str = Field(default="", description="foreseeable harm to health, safety and rights")
    metrics: str = Field(default="", description="why the performance metrics suit the purpose")
    risk_management: str = Field(default="", description="the risk management system")
    lifecycle_changes: str = Field(default="", description="what was changed since it was first used")
    standards: str = Field(default="", description="standards applied, in full or in part")
    conformity: str = Field(default="", description="where the declaration of conformity is")
    post_market: str = Field(default="", description="the plan for watching it in use")
    human_review: str = Field(default="", description="how a person affected can obtain a human decision and contest it")
    impact_assessment: str = Field(default="", description="where the data protection impact assessment is")
    governance: str = Field(default="", description="policies and people that govern it")


class Card(Table):
    """A model card that has been read and checked."""

    model: ModelTable
    data: DataTable
    declared: DeclaredTable = DeclaredTable()
    policy: dict[str, Any] = Field(default={}, description="thresholds of the audit")
    outside: bool = Field(default=False, description="true to allow paths that lead out of the card's folder")
    path: Path = Field(default=Path(), exclude=True)

    @property
    def operation(self) -> str:
        """How errors call this card."""
        return f"card '{self.path.name}'"

    @property
    def weights_path(self) -> Path:
        """Where the weights are; a relative path starts at the card."""
        return self.place(self.model.weights)

    @property
    def digest(self) -> str:
        """SHA-256 over what the card says, without what it leaves out."""
        return hashlib.sha256(self.model_dump_json(exclude_unset=True).encode()).hexdigest()

    def place(self, text: str) -> Path:
        """Where a path in the card leads; a relative one starts at the card.

        Raises
        ------
        ModelError : it leads out of the card's folder, by itself or by a symbolic link, and the card does not say `outside = true`.
        """
        home = Path(os.path.normpath(self.path.parent))
        try:
            found = Path(os.path.normpath(home / Path(text).expanduser()))
            found.exists()
            inside = found.is_relative_to(home) and found.resolve().is_relative_to(home.resolve())
        except (OSError, ValueError, RuntimeError) as error:  # too long, of nobody's home, below a folder that is closed
            reason = getattr(error, "strerror", None) or error
            raise ModelError(self.operation, f"{text[:60]!r} cannot be looked up ({reason})", expected="a path") from error
        if not self.outside and not inside:
            remedy = "Write `outside = true` above the first table of the card to allow this, if you trust its author."
            raise ModelError(
                self.operation, f"'{text}' leads out of the card's folder", expected="a path below it", remedy=remedy
            )
        return found
