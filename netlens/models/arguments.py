"""What the class of a tutorial network is told of its data: sizes, so that one class serves several data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from netlens.data import Dataset


def arguments(train: Dataset) -> dict[str, int]:
    """Read off a training split what a network must be built for.

    Returns
    -------
    For images `size` (their height), `channels` and `classes`; for tables `features` and `classes`; for text `vocabulary` (how many
    token ids there are) and `classes`.
    """
    classes, shape = len(train.classes), train.raw.shape
    if train.modality == "table":
        return {"features": shape[1], "classes": classes}
    if train.modality == "text":
        return {"vocabulary": len(cast("Any", train.preprocess).vocabulary), "classes": classes}
    return {"size": shape[1], "channels": shape[3] if len(shape) == 4 else 1, "classes": classes}
