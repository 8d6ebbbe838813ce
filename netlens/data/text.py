"""Texts as networks take them: cut into tokens, each of which knows its word and its place in the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from netlens.errors import DataError, UsageError, unknown

if TYPE_CHECKING:
    import torch

PAD, UNKNOWN = "<pad>", "<unk>"
WORD = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")  # a word with its apostrophes, or one mark
LONGEST = 64


@dataclass(frozen=True)
class Tokens:
    """Texts cut into tokens.

    `ids` (N, T) int64, padded. `word_of` (N, T) int64 : which word of its text a token belongs to; -1 where it belongs to none, such
    as padding and marks of the tokenizer. `words` : the words of each text as they are written there. `spans` : where each begins and
    ends in its text, in characters.
    """

    ids: torch.Tensor
    word_of: torch.Tensor
    words: tuple[tuple[str, ...], ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]


@runtime_checkable
class TextTransform(Protocol):
    """What makes inputs of texts. `pad` : the id that fills up short texts. `fixed` : ids that belong to no word and always stay."""

    @property
    def pad(self) -> int:
        """The id that fills up short texts."""
        ...

    @property
    def fixed(self) -> frozenset[int]:
        """Ids that belong to no word, `pad` among them."""
        ...

    def __call__(self, raw: NDArray[Any]) -> torch.Tensor:
        """Map texts (N,) to ids (N, T), int64."""
        ...

    def encode(self, raw: Sequence[str] | NDArray[Any]) -> Tokens:
        """Cut texts into tokens, and say which word each belongs to."""
        ...

    def decode(self, ids: torch.Tensor) -> list[list[str]]:
        """The tokens that ids (N, T) stand for, without padding."""
        ...

    def blank(self, name: str = "") -> int:
        """The id that stands where a word is missing: `pad`, `unk` or `mask`; by default the one that the network knows best."""
        ...


@dataclass(frozen=True)
class WordTokens:
    """A vocabulary of words: each word, and each mark, in lower case, is one token.

    Parameters
    ----------
    vocabulary : the words, most frequent first, after the one that pads and the one that stands for every unknown word.
    longest : how many words of a text are read.
    """

    vocabulary: tuple[str, ...] = field(repr=False)
    longest: int = LONGEST

    @classmethod
    def fit(cls, texts: Sequence[str] | NDArray[Any], *, at_least: int = 2, longest: int = LONGEST) -> Self:
        """Take the words that occur `at_least` so often: in the training texts, and in no others."""
        counts = Counter(word.lower() for text in texts for word in WORD.findall(str(text)))
        known = sorted((word for word, count in counts.items() if count >= at_least), key=lambda word: (-counts[word], word))
        return cls((PAD, UNKNOWN, *known), longest)

    @classmethod
    def read(cls, path: str | Path, longest: int = LONGEST) -> Self:
        """Read a vocabulary: one word a line, the first of which pads and the second stands for unknown words.

        Raises
        ------
        DataError : the file cannot be read, is too short, or names a word twice.
        """
        operation = f"vocabulary '{Path(path).name}'"
        try:
            words = Path(path).read_text("utf-8-sig").removesuffix("\n").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(operation, f"'{path}' cannot be read ({type(error).__name__})", expected="a text in UTF-8") from error
        twice = next((word for word, count in Counter(words).items() if count > 1), None)
        if len(words) < 3 or twice is not None:
            problem = f"it holds {len(words)} words" if twice is None else f"it holds '{twice}' more than once"
            raise DataError(
                operation, problem, expected="one word a line: what pads, what stands for unknown words, and the words"
            )
        return cls(tuple(words), longest)

    def __len__(self) -> int:
        return len(self.vocabulary)

    def write(self, path: Path) -> None:
        """Write the vocabulary as `read` reads it."""
        path.write_text("\n".join(self.vocabulary) + "\n", "utf-8")

    @property
    def pad(self) -> int:
        """The id that fills up short texts."""
        return 0

    @property
    def unknown(self) -> int:
        """The id of every word that is not in the vocabulary."""
        return 1

    @property
    def fixed(self) -> frozenset[int]:
        """Ids that belong to no word: only padding."""
        return frozenset({self.pad})

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.vocabulary) if number > self.unknown}

    def __call__(self, raw: Sequence[str] | NDArray[Any]) -> torch.Tensor:
        """Map texts (N,) to ids (N, T), int64: T words at most `longest`, shorter texts filled up with `pad`."""
        return self.encode(raw).ids

    def encode(self, raw: Sequence[str] | NDArray[Any]) -> Tokens:
        """Cut texts into words.

        Raises
        ------
        DataError : there is no text, or one of them holds no word.
        """
        import torch

        texts = texts_of(raw, "tokens")
        found = [list(WORD.finditer(text))[: self.longest] for text in texts]
        empty = next((place for place, matches in enumerate(found) if not matches), None)
        if empty is not None:
            raise DataError("tokens", f"text {empty} holds no word: {texts[empty][:40]!r}", expected="texts with a word or more")
        ids = torch.full((len(found), max(map(len, found))), self.pad)
        word_of = torch.full_like(ids, -1)
        for row, matches in enumerate(found):
            ids[row, : len(matches)] = torch.tensor([self._ids.get(match[0].lower(), self.unknown) for match in matches])
            word_of[row, : len(matches)] = torch.arange(len(matches))
        words = tuple(tuple(match[0] for match in matches) for matches in found)
        return Tokens(ids, word_of, words, tuple(tuple(match.span() for match in matches) for matches in found))

    def decode(self, ids: torch.Tensor) -> list[list[str]]:
        """The words that ids (N, T) stand for, without padding."""
        return [[self.vocabulary[number] for number in row if number != self.pad] for row in ids.tolist()]

    def blank(self, name: str = "") -> int:
        """The id that stands where a word is missing: `unk` (the default) or `pad`."""
        known = {"unk": self.unknown, "pad": self.pad}
        if (name or "unk") not in known:
            raise unknown("tokens", "token of this vocabulary", name, known)
        return known[name or "unk"]


def texts_of(raw: Sequence[str] | NDArray[Any], operation: str) -> list[str]:
    """Texts as a list of str, checked.

    Raises
    ------
    UsageError : they are not texts. DataError : there are none.
    """
    texts = raw.tolist() if isinstance(raw, np.ndarray) else raw
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        found = type(raw).__name__ if not isinstance(raw, np.ndarray) else f"an array of {raw.dtype} shaped {raw.shape}"
        raise UsageError(operation, f"the texts are {found}", expected="a list or an array (N,) of str")
    if not texts:
        raise DataError(operation, "there is no text", expected="at least one")
    return list(texts)
