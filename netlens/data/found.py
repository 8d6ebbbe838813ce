"""What a reader found in a user's source, before labels are numbered."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from netlens.data.dataset import Groups, Modality, Samples
from netlens.data.preprocess import Transform

if TYPE_CHECKING:
    from netlens.card import Card


@dataclass(frozen=True)
class Found:
    """Samples and their labels as they stand in a source, whole numbers or texts.

    `names` : how the source calls each sample, such as a path below the folder; empty where the order is all there is. `classes` :
    where the source itself lists them.
    """

    raw: Samples
    labels: NDArray[Any]
    modality: Modality
    features: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    groups: Groups = field(default_factory=dict)
    preprocess: Transform | None = None


@dataclass(frozen=True)
class Asked:
    """What is asked of a reader: which split, from which place, and the card that says how."""

    card: Card
    place: str
    split: str
    operation: str

    @property
    def path(self) -> Path:
        """The place as a path, which starts at the card."""
        return self.card.place(self.place)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """The classes that the card lists."""
        return tuple(self.card.data.classes) if self.card.data.classes else None

    @property
    def channels(self) -> int | None:
        """How many channels images are read with; None for as many as they have."""
        said = self.card.data
        if said.colour:
            return {"grey": 1, "rgb": 3}[said.colour]
        return len(said.mean) if said.mean and len(said.mean) in (1, 3) else None

    @property
    def attributes(self) -> list[str]:
        """The columns of the source that are groups."""
        return self.card.data.groups if isinstance(self.card.data.groups, list) else []
