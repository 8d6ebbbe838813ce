"""Tell what a file is from its first bytes and its table of contents, before anything reads it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

from netlens.errors import ModelError

Kind = Literal["tensors", "pickle", "checkpoint", "torchscript", "exported", "other"]
SLACK = 1 << 20  # bytes by which the parts of an archive may exceed the file
MOST_TIMES = 4  # networks hardly compress, and torch does not compress them
MAGIC = {
    b"<": "a web page or XML",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself: fetch it with `git lfs pull`",
    b"\x89HDF": "an HDF5 file, as Keras writes",
    b"\x93NUMPY": "an array of NumPy",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"GGUF": "a GGUF file, which holds quantised weights of a language model",
}


def kind_of(path: Path, operation: str) -> Kind:
    """What sort of model file this is.

    Raises
    ------
    ModelError : there is no such file, it is empty, it is something else altogether, or its parts would fill the memory.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else ""
        problem = f"'{path}' is {what}" if what else f"there is no file '{path}'"
        raise ModelError(operation, problem, remedy="A card's paths are relative to the card.")
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise ModelError(operation, f"'{path}' cannot be read ({error.strerror})", expected="a file that you may read") from error
    if not head:
        raise ModelError(operation, "the file is empty", expected="a model", remedy="Was the download cut short?")
    for magic, said in MAGIC.items():
        if head.lstrip().startswith(magic):
            raise ModelError(operation, f"it is {said}", expected="a model file", remedy="Download or save the model again.")
    if path.suffix == ".safetensors" or head[8:9] == b"{":
        return "tensors"
    if head.startswith(b"PK"):
        return _archive(path, operation)
    return "pickle" if head[:1] == b"\x80" else "other"


def _archive(path: Path, operation: str) -> Kind:
    """What a zip archive holds; one whose parts are far larger than itself is refused unread."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        problem = f"it cannot be read ({type(error).__name__}: {error})"
        raise ModelError(operation, problem, expected="a whole file", remedy="Was the download cut short?") from error
    total, size = sum(part.file_size for part in parts), path.stat().st_size
    if total > MOST_TIMES * size + SLACK:
        problem = f"its {size:,} bytes unpack to {total:,}, as in a zip bomb"
        raise ModelError(operation, problem, expected="a model, which hardly compresses", remedy="It was not read.")
    names = [part.filename for part in parts]
    if len(set(names)) < len(names):
        raise ModelError(operation, "two of its parts have the same name", expected="a file that torch wrote")
    inner = {name.partition("/")[2] for name in names}
    if "archive_format" in inner or "serialized_exported_program.json" in names:
        return "exported"
    if "constants.pkl" in inner and any(name.startswith("code/") for name in inner):
        return "torchscript"
    return "checkpoint" if "data.pkl" in inner else "other"


def first_line(error: BaseException) -> str:
    """The kind and the first line of what a library said, without colours and on one line."""
    lines = [line.strip() for line in str(error).replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines() if line.strip()]
    said = lines[0] if lines else ""
    if "failed in TorchScript interpreter" in said:  # its last line says what failed
        said = lines[-1].partition(": ")[2] or lines[-1]
    return f"{type(error).__name__}: {said[:200]}" if said else type(error).__name__
