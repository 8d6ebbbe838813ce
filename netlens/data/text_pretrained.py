"""The tokenizers of Hugging Face: tokens that may be parts of words, put back together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from numpy.typing import NDArray

from netlens.data.text import Tokens, texts_of
from netlens.errors import DataError, UsageError, unknown

if TYPE_CHECKING:
    import torch

NAMES = {"pad": "pad_token_id", "unk": "unk_token_id", "mask": "mask_token_id"}


@dataclass(frozen=True, eq=False)
class PretrainedTokens:
    """A fast tokenizer of Hugging Face, which knows where in the text each of its tokens comes from.

    Parameters
    ----------
    tokenizer : a `PreTrainedTokenizerFast`.
    longest : how many tokens of a text are read, those that mark its beginning and its end among them.
    """

    tokenizer: Any
    longest: int = 128

    def __post_init__(self) -> None:
        if not getattr(self.tokenizer, "is_fast", False):
            problem = f"a {type(self.tokenizer).__name__} does not know where in the text its tokens come from"
            raise UsageError("tokens", problem, expected="a fast tokenizer of Hugging Face", remedy="Load it with use_fast=True.")
        if self.tokenizer.pad_token_id is None:
            raise UsageError(
                "tokens", "the tokenizer has no token that pads", remedy="Set its pad_token, for example to its eos_token."
            )

    @classmethod
    def read(cls, name: str | Path, longest: int = 128) -> Self:
        """Load a tokenizer by its name, from a folder, or from a `tokenizer.json`.

        Raises
        ------
        DataError : it cannot be found or read.
        """
        import transformers

        library: Any = transformers
        path = Path(name)
        try:
            if path.suffix == ".json":
                marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
                tokenizer = library.PreTrainedTokenizerFast(tokenizer_file=str(path), **marks)
            else:
                tokenizer = library.AutoTokenizer.from_pretrained(str(name), use_fast=True)
        except Exception as error:  # the library raises many kinds; all mean that there is no such tokenizer here
            first = str(error).splitlines()[0] if str(error) else ""
            problem = f"the tokenizer '{name}' cannot be loaded ({type(error).__name__}: {first})"
            raise DataError("tokens", problem, expected="a name, a folder, or a tokenizer.json of Hugging Face") from error
        return cls(tokenizer, longest)

    @property
    def pad(self) -> int:
        """The id that fills up short texts."""
        return int(self.tokenizer.pad_token_id)

    @cached_property
    def fixed(self) -> frozenset[int]:
        """Ids that belong to no word: padding, and what marks the beginning and the end."""
        out = {self.tokenizer.unk_token_id, self.tokenizer.mask_token_id}
        return frozenset(int(number) for number in self.tokenizer.all_special_ids if number not in out) | {self.pad}

    def __call__(self, raw: Sequence[str] | NDArray[Any]) -> torch.Tensor:
        """Map texts (N,) to ids (N, T), int64, shorter texts filled up with `pad` on the right."""
        return self.encode(raw).ids

    def encode(self, raw: Sequence[str] | NDArray[Any]) -> Tokens:
        """Cut texts into tokens, and say which word each belongs to.

        Raises
        ------
        DataError : there is no text, or one of them holds no word.
        """
        import torch

        texts = texts_of(raw, "tokens")
        found = self.tokenizer(texts, truncation=True, max_length=self.longest, return_attention_mask=False)
        rows = [found[place] for place in range(len(texts))]
        ids = torch.full((len(texts), max(len(row.ids) for row in rows)), self.pad)
        word_of = torch.full_like(ids, -1)
        words, spans = [], []
        for place, (text, row) in enumerate(zip(texts, rows, strict=True)):
            ids[place, : len(row.ids)] = torch.tensor(row.ids)
            numbers = [None if special else word for word, special in zip(row.word_ids, row.special_tokens_mask, strict=True)]
            known = list(dict.fromkeys(number for number in numbers if number is not None))
            if not known:
                raise DataError("tokens", f"text {place} holds no word: {text[:40]!r}", expected="texts with a word or more")
            word_of[place, : len(numbers)] = torch.tensor([-1 if n is None else known.index(n) for n in numbers])
            edges = [[span for span, number in zip(row.offsets, numbers, strict=True) if number == word] for word in known]
            spans.append(tuple((min(start for start, _ in parts), max(end for _, end in parts)) for parts in edges))
            words.append(tuple(text[start:end].strip() for start, end in spans[-1]))
        return Tokens(ids, word_of, tuple(words), tuple(spans))

    def decode(self, ids: torch.Tensor) -> list[list[str]]:
        """The tokens that ids (N, T) stand for, parts of words as the tokenizer writes them, without padding."""
        return [self.tokenizer.convert_ids_to_tokens([number for number in row if number != self.pad]) for row in ids.tolist()]

    def blank(self, name: str = "") -> int:
        """The id that stands where a word is missing: `mask` where the tokenizer has one (the default), `unk` or `pad`."""
        numbers = {key: getattr(self.tokenizer, attribute) for key, attribute in NAMES.items()}
        known = {key: int(number) for key, number in numbers.items() if number is not None}
        chosen = name or next(key for key in ("mask", "unk", "pad") if key in known)
        if chosen not in known:
            raise unknown("tokens", "token of this tokenizer", name, known)
        return known[chosen]
