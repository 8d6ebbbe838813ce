"""Texts explained by any method: one value a token, added up by word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from netlens.data.text import TextTransform, Tokens
from netlens.errors import ShapeError, UsageError
from netlens.explain.base import Attribution, Explainer, Target, asking
from netlens.explain.occlusion import Occlusion
from netlens.explain.tokens import embedded
from netlens.explain.tokens_absent import reader_of
from netlens.explain.tokens_hidden import by_hiding
from netlens.models.model import Model

OPERATION = "explain.text"
# Their values are gradients, whose sum over an embedding depends on how its numbers are turned; the length does not.
GRADIENTS = frozenset({"saliency", "smooth_grad", "neuron_gradient", "guided_backprop"})
BY_ROW = ("change", "precisions", "rank_stability", "intercept", "r2", "rules", "fidelity", "steps_taken", "samples_taken")
Texts = str | Sequence[str] | NDArray[np.str_]


def text(
    model: Model,
    method: Explainer,
    texts: Texts,
    target: Target = None,
    *,
    absent: str = "",
    training: Texts = (),
    layer: str = "",
) -> Attribution:
    """Explain texts by any method, word by word.

    Methods that read gradients are asked at the embeddings of the tokens, and their values are added up over the numbers of an
    embedding; gradients themselves are told by their length, which has no sign. Methods that hide parts of the input hide words. All
    start from the same text, the one in which every word is missing, unless the method says otherwise.

    Parameters
    ----------
    texts : one text or several, of any length.
    absent : what stands where a word is missing: `unk`, `mask` or `pad`, a token; `zero`, an embedding that is 0 everywhere (methods
        that read gradients); `delete`, nothing, so that the words behind it move up, or `drawn`, words drawn from `training` (methods
        that hide). Empty for the token that the network knows best.
    training : texts from which words are drawn.
    layer : path of the embedding layer, for methods that read gradients; empty to find it.

    Returns
    -------
    Attribution, values (N, T) by token, 0 at padding. `params` holds `words`, those of each text; `spans`, where they stand in it;
    `feature_values` (N, words), NaN where a text has fewer; `feature_spread` where the method has one; `feature_map` (N, T), the word
    of each token; `over`, how the numbers of an embedding were taken together; `replacement`, what stood for a missing word.

    Raises
    ------
    UsageError : the model takes no texts, or the choices do not fit the method. ShapeError : the method does not apply to texts.
    """
    reader = reader_of(model, OPERATION)
    tokens = reader.encode([texts] if isinstance(texts, str) else texts)
    pool = _pool(reader, training, absent)
    with asking(model, tokens.ids, target, OPERATION, tokens=True) as question:
        classes = question.target.cpu()
    lengths = (tokens.ids != reader.pad).sum(1)
    parts = []
    for length in sorted(set(lengths.tolist())):
        rows = (lengths == length).nonzero().flatten()
        group = Group(model, tokens.ids[rows, :length], tokens.word_of[rows, :length], classes[rows], absent, layer)
        hides = hasattr(method, "features") or isinstance(method, Occlusion)
        parts.append((rows, by_hiding(method, group, pool, OPERATION) if hides else by_gradient(method, group)))
    return _together(parts, tokens)


@dataclass(frozen=True)
class Group:
    """Texts of one length: `ids` and `word_of` (n, T) without padding, the class explained of each, and what stands for no word."""

    model: Model
    ids: torch.Tensor
    word_of: torch.Tensor
    target: torch.Tensor
    absent: str
    layer: str


def by_gradient(method: Explainer, group: Group) -> Attribution:
    """Explain texts of one length at their embeddings; values by token, and in `params` by word."""
    if group.absent in ("delete", "drawn"):
        problem = f"absent is '{group.absent}', and {method.name} reads gradients at embeddings"
        raise UsageError(OPERATION, problem, expected="'unk', 'mask', 'pad' or 'zero'")
    with embedded(group.model, group.ids, absent=group.absent or None, layer=group.layer, operation=OPERATION) as behind:
        changed: dict[str, Any] = {}
        if _is(method, "baseline", "black"):
            changed["baseline"] = behind.blank
        if _is(method, "background", "noise", None):
            changed["background"] = behind.blank[:1]
        found: Attribution = cast("Any", replace(cast("Any", method), **changed))(behind.model, behind.inputs, group.target)
        chosen = behind.chosen if changed else ""
    told = {**found.params, "over": "length" if method.name in GRADIENTS else "sum"}
    if found.values.shape == group.ids.shape:  # attention tells each token, not the numbers of its embedding
        found = replace(found, values=found.values.unsqueeze(2), spread=None)
        told["over"] = "attention"
    if found.values.ndim != 3:
        problem = f"{method.name} gives values shaped {tuple(found.values.shape)}"
        raise ShapeError(OPERATION, problem, expected="a value for each number of each embedding, (N, T, D)")
    length = method.name in GRADIENTS
    told |= {"replacement": chosen} if chosen else {}
    told.pop("baseline", None)
    told["feature_values"] = _by_word(found.values.double(), group.word_of, length=length)
    spread = None
    if found.spread is not None:  # errors of an embedding's numbers are not independent: these are upper bounds
        spread = found.spread.square().sum(2).sqrt() if length else found.spread.sum(2)
        told["feature_spread"] = _by_word(found.spread.double(), group.word_of, length=length)
    values = found.values.square().sum(2).sqrt() if length else found.values.sum(2)
    return replace(found, values=values, spread=spread, params=told)


def _by_word(values: torch.Tensor, word_of: torch.Tensor, *, length: bool) -> torch.Tensor:
    """Values (n, T, D) taken together by word, (n, words), NaN where a text has fewer."""
    tokens = values.square().sum(2) if length else values.sum(2)
    counts = word_of.amax(1) + 1
    sums = torch.zeros(len(values), int(counts.max()) + 1, dtype=torch.float64)
    sums.scatter_add_(1, torch.where(word_of < 0, sums.shape[1] - 1, word_of), tokens)
    words = sums[:, :-1].sqrt() if length else sums[:, :-1]
    return torch.where(torch.arange(words.shape[1]) < counts.unsqueeze(1), words, torch.nan)


def _is(method: Explainer, name: str, *usual: object) -> bool:
    """Whether a method has this hyper-parameter, and nobody chose it."""
    value = getattr(method, name, Ellipsis)
    return not isinstance(value, torch.Tensor) and value in usual


def _pool(reader: TextTransform, training: Texts, absent: str) -> torch.Tensor | None:
    """The tokens of the words of training texts, each as often as it occurs."""
    if (absent == "drawn") != bool(len(training)):
        problem = (
            "absent is 'drawn' and no texts were given" if absent == "drawn" else f"texts to draw from were given with '{absent}'"
        )
        raise UsageError(OPERATION, problem, expected="absent='drawn' together with training=texts")
    if absent != "drawn":
        return None
    tokens = reader.encode([training] if isinstance(training, str) else training)
    return tokens.ids[tokens.word_of >= 0]


def _together(parts: list[tuple[torch.Tensor, Attribution]], tokens: Tokens) -> Attribution:
    """Put the explanations of texts of each length back in the order of the texts."""
    first, (count, width) = parts[0][1], tokens.ids.shape
    words = torch.tensor([len(row) for row in tokens.words])
    params: dict[str, Any] = {
        key: value for key, value in first.params.items() if key not in ("features", "falls", "patch", "stride")
    }
    for key in BY_ROW:
        if key in params and len(params[key]) == len(parts[0][0]):
            several = [None] * count
            for rows, part in parts:
                for row, value in zip(rows.tolist(), part.params[key], strict=True):
                    several[row] = value
            params[key] = torch.stack(cast("Any", several)) if isinstance(params[key], torch.Tensor) else several
    if "rules" in params:
        params["rules"] = [_naming(rules, said) for rules, said in zip(params["rules"], tokens.words, strict=True)]
    for key in ("feature_values", "feature_spread"):
        if key in params:
            params[key] = _wide([(rows, part.params[key]) for rows, part in parts], count, int(words.max()), torch.nan)
    params["feature_map"] = torch.where(tokens.word_of < 0, words.unsqueeze(1), tokens.word_of)
    params |= {"features": "words", "words": tokens.words, "spans": tokens.spans}
    spread = None if first.spread is None else _wide([(rows, cast("Any", part.spread)) for rows, part in parts], count, width, 0)
    delta = None if first.delta is None else torch.empty(count)
    target = torch.empty(count, dtype=torch.int64)
    for rows, part in parts:
        target[rows] = part.target
        if delta is not None:
            delta[rows] = cast("torch.Tensor", part.delta).float()
    values = _wide([(rows, part.values) for rows, part in parts], count, width, 0)
    return replace(first, values=values, target=target, params=params, spread=spread, delta=delta)


def _naming(rules: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """Rules with the words that they number."""
    return tuple(re.sub(r"\btoken (\d+)", lambda match: f"“{words[int(match[1]) - 1]}”", rule) for rule in rules)


def _wide(parts: list[tuple[torch.Tensor, torch.Tensor]], count: int, width: int, empty: float) -> torch.Tensor:
    """Rows of several widths as one tensor (count, width), filled up on the right."""
    wide = torch.full((count, width), float(empty), dtype=parts[0][1].dtype)
    for rows, values in parts:
        wide[rows, : values.shape[1]] = values
    return wide
