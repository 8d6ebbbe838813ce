"""Sentences of film reviews, each for or against its film."""

from __future__ import annotations

import hashlib
import io
import tarfile
import urllib.request
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netlens import paths
from netlens.data.digits import stratified
from netlens.data.text import WordTokens
from netlens.errors import DataError

NAME = "data set 'rotten-tomatoes'"
FILES = {"rt-polarity.neg": "4ace77d558c3714723843f1d65b60c01", "rt-polarity.pos": "2da124ec187a9d5a29c9f04e91c540e0"}
SOURCE = "https://www.cs.cornell.edu/people/pabo/movie-review-data/rt-polaritydata.tar.gz"
LARGEST = 4_000_000  # bytes: the archive has half a million, each text 600,000
# Signs of Windows that were read as Latin-1.
MENDED = str.maketrans({"\x85": "…", "\x91": "‘", "\x92": "’", "\x93": "“", "\x94": "”", "\x96": "–", "\x97": "—"})


def rotten_tomatoes(data_root: str | Path = "") -> dict[str, tuple[NDArray[np.str_], NDArray[np.int64], WordTokens]]:
    """Read 5,331 sentences against and 5,331 for a film from a folder, or download them there; a tenth is held out.

    Notes
    -----
    The files are known by the hash of their text, in whichever encoding they come. Pang and Lee 2005, doi:10.3115/1219840.1219855.

    Raises
    ------
    DataError : they are not in the folder and cannot be downloaded, or are not what they should be.
    """
    root = paths.data(data_root) / "rotten-tomatoes"
    if not all((root / name).is_file() for name in FILES):
        _download(root)
    texts: list[str] = []
    labels: list[int] = []
    for label, (name, digest) in enumerate(FILES.items()):
        lines = _lines(_read(root / name), digest, root / name)
        texts += lines
        labels += [label] * len(lines)
    parts = stratified(np.array(texts), np.array(labels, dtype=np.int64), test_share=0.1)
    words = WordTokens.fit(parts["train"][0])
    return {split: (part, truth, words) for split, (part, truth) in parts.items()}  # type: ignore[misc]


def _lines(content: bytes, digest: str, path: Path) -> list[str]:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if hashlib.sha256(text.encode("latin-1", "replace")).hexdigest()[:32] != digest:
        remedy = f"Delete '{path}', and let it be downloaded, or take it from {SOURCE}"
        raise DataError(
            NAME, f"'{path}' is damaged or another file", expected=f"the file {path.name} of Pang and Lee", remedy=remedy
        )
    return [" ".join(line.translate(MENDED).split()) for line in text.split("\n") if line.strip()]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(NAME, f"'{path}' cannot be read ({type(error).__name__})") from error


def _download(root: Path) -> None:
    """Fetch the archive, and write its two texts, each whole or not at all, once both are known to be right."""
    try:
        with urllib.request.urlopen(SOURCE, timeout=30) as answer:  # the address is a constant, and encrypted
            archive = answer.read(LARGEST)
        found: dict[str, bytes] = {}
        with tarfile.open(fileobj=io.BytesIO(archive)) as content:
            for member in content:
                name = Path(member.name).name
                file = content.extractfile(member) if name in FILES and member.size < LARGEST else None
                if file is not None:
                    found[name] = file.read()
        for name, digest in FILES.items():
            _lines(found[name], digest, root / name)
        root.mkdir(parents=True, exist_ok=True)
        for name, text in found.items():
            partial = root / f".{name}.part"
            partial.write_bytes(text)
            partial.replace(root / name)
    except (OSError, tarfile.TarError, EOFError, KeyError, ValueError) as error:
        said = " ".join(str(error).split()) or "the archive is damaged"
        problem = f"the reviews could not be read from or downloaded to '{root}' ({type(error).__name__}: {said})"
        remedy = "Give the folder that holds rotten-tomatoes/ with --data-root or NETLENS_DATA, or use 'python-docs', which needs no download."
        raise DataError(NAME, problem, expected=f"{root}/ with {' and '.join(FILES)}", remedy=remedy) from error
