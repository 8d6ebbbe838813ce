"""The texts that a user names for an explanation: a sentence, a file of sentences, and positions in a data set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netlens.errors import DataError, UsageError
from netlens.explain.tokens_absent import reader_of
from netlens.explain.wording import joined
from netlens.models import Model
from netlens.publish.explained_inputs import POSITION, Reader, Sample

FORMS = "a sentence in quotes, a file (.txt) with one text a line, or positions in the data set such as test:5 or test:0-3"
LARGEST = 1_000_000  # bytes of a file; an explanation of more is read by nobody


@dataclass(frozen=True)
class TextReader:
    """Read what a user named. `reader` reads positions."""

    reader: Reader

    @property
    def operation(self) -> str:
        """How errors call what is being done."""
        return self.reader.operation

    def all(self, texts: Sequence[str]) -> list[Sample]:
        """Every text that is named, in the order of the names.

        Raises
        ------
        UsageError : a text is the name of a file that is not there. DataError : a file cannot be read, or holds no text.
        """
        return [sample for text in texts for sample in self._of(text)]

    def _of(self, text: str) -> list[Sample]:
        if POSITION.match(text):
            return self.reader.all([text])
        path = Path(text).expanduser()
        if len(text) < 256 and path.suffix and " " not in text.strip():
            return self._file(path, text)
        if not text.strip():
            raise UsageError(self.operation, "a text is empty", expected=FORMS)
        return [Sample(f"“{_short(text)}”", np.array(text))]

    def _file(self, path: Path, text: str) -> list[Sample]:
        if not path.is_file():
            raise UsageError(self.operation, f"there is no file '{text}'", expected=FORMS)
        try:
            if path.stat().st_size > LARGEST:
                raise DataError(self.operation, f"'{text}' has more than {LARGEST:,} bytes", expected="a file of a few sentences")
            lines = [line.strip() for line in path.read_text("utf-8-sig").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            problem = f"'{text}' cannot be read as a text ({type(error).__name__})"
            raise DataError(self.operation, problem, expected="a text in UTF-8, one sentence a line") from error
        if not any(lines):
            raise DataError(self.operation, f"'{text}' holds no text", expected="one text a line")
        return [Sample(f"{path.name}:{number}", np.array(line)) for number, line in enumerate(lines, 1) if line]


def with_unknown_words(samples: Sequence[Sample], model: Model) -> list[Sample]:
    """Note beside each text the words of which the network reads only that they are unknown."""
    reader = reader_of(model, "netlens explain")
    tokens = reader.encode([str(sample.raw) for sample in samples])
    unknown = (tokens.ids == reader.blank("unk")) & (tokens.word_of >= 0)
    noted = []
    for sample, words, row, word_of in zip(samples, tokens.words, unknown, tokens.word_of, strict=True):
        strange = list(dict.fromkeys(words[number] for number in word_of[row].tolist()))
        said = f"{sample.name}: the network does not know {joined([f'“{word}”' for word in strange])}" if strange else sample.note
        noted.append(replace(sample, note=said))
    return noted


def _short(text: str) -> str:
    """The beginning of a text, enough to know it by."""
    one = " ".join(text.split())
    return one if len(one) <= 40 else f"{one[:39].rstrip()}…"
