"""What stands where a word of a text is missing."""

from __future__ import annotations

from typing import cast

import torch

from netlens.data.text import TextTransform
from netlens.errors import ShapeError, UsageError, unknown
from netlens.models.model import Model

NAMES = ("unk", "mask", "pad")


def reader_of(model: Model, operation: str) -> TextTransform:
    """The preprocessing of a model of texts.

    Raises
    ------
    UsageError : the model takes no texts.
    """
    if not isinstance(model.preprocess, TextTransform):
        found = type(cast(object, model.preprocess)).__name__
        problem = f"{model.name} takes no texts: its preprocessing is a {found}"
        raise UsageError(operation, problem, expected="WordTokens, PretrainedTokens, or another that cuts texts into tokens")
    return model.preprocess


def blanked(choice: object, model: Model, ids: torch.Tensor, operation: str) -> tuple[torch.Tensor, str]:
    """Ids (N, T) in which every word is missing, and what was chosen; padding and marks that belong to no word stay.

    Parameters
    ----------
    choice : `unk`, `mask` or `pad`, the token that stands there; None for the one that the network knows best; or ids that broadcast.

    Raises
    ------
    UsageError : there is no such token, or the model takes no texts. ShapeError : ids of the wrong kind or shape.
    """
    reader = reader_of(model, operation)
    if isinstance(choice, torch.Tensor):
        if choice.is_floating_point() or choice.dtype == torch.bool:
            raise ShapeError(operation, f"the replacement is {choice.dtype}", expected="ids of tokens, whole numbers")
        try:
            return choice.to(ids).expand_as(ids).contiguous(), "own"
        except RuntimeError as error:
            problem = f"the replacement has shape {tuple(choice.shape)}"
            raise ShapeError(operation, problem, expected=f"ids that broadcast to {tuple(ids.shape)}") from error
    if choice is not None and choice not in NAMES:
        raise unknown(operation, "replacement for words", str(choice), NAMES)
    blank = reader.blank(choice or "")
    chosen = choice or next(name for name in NAMES if _is(reader, name, blank))
    return torch.where(wordless(model, ids, operation), ids, blank), chosen


def wordless(model: Model, ids: torch.Tensor, operation: str) -> torch.Tensor:
    """Where ids (N, T) belong to no word, such as padding, bool."""
    return torch.isin(ids, ids.new_tensor(sorted(reader_of(model, operation).fixed)))


def _is(reader: TextTransform, name: str, number: int) -> bool:
    try:
        return reader.blank(name) == number
    except UsageError:  # this tokenizer has no such token
        return False
