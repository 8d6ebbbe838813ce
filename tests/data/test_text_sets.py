"""The data sets of sentences: what they hold, and what is refused."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from netlens.data import text_films
from netlens.data.text import WordTokens
from netlens.data.text_python import TOPICS, docstrings, python_docs, sentences
from netlens.errors import DataError

SHARED = Path(__file__).parents[3] / "shared" / "data"


def test_sentences_are_prose() -> None:
    text = """Return the greatest common divisor.

    >>> gcd(6, 4)
    2

    The result of `f(x)[0] := {1: 2}` is x_y_z + 3. Both arguments must be whole
    numbers. Too short.  And so is this, without an end
    """
    assert list(sentences(text)) == ["Return the greatest common divisor.", "Both arguments must be whole numbers."]


def test_modules_written_in_c_are_read_as_well() -> None:
    assert "Return the arc cosine (measured in radians) of x." in " ".join(docstrings("math"))
    assert list(docstrings("a_module_that_does_not_exist")) == []


def test_python_docs_hold_each_sentence_once_and_never_in_both_splits() -> None:
    parts = python_docs()
    train, test = (list(parts[split][0]) for split in ("train", "test"))
    letters = ["".join(filter(str.isalpha, text.lower())) for text in train + test]
    assert len(set(letters)) == len(letters) > 2500
    assert 0.15 < len(test) / len(letters) < 0.25
    counts = np.bincount(parts["train"][1])
    assert len(counts) == len(TOPICS)
    assert counts.min() > 300
    assert counts.max() <= 1200
    again = python_docs()
    assert all((parts[split][0] == again[split][0]).all() for split in parts)


def test_the_vocabulary_comes_from_the_training_split_alone() -> None:
    parts = python_docs()
    assert parts["test"][2] is parts["train"][2]
    assert parts["train"][2] == WordTokens.fit(parts["train"][0])


def test_python_without_documentation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netlens.data.text_python.docstrings", lambda _module: iter(["Return the whole of nothing at all."]))
    with pytest.raises(DataError, match=r"has 1 sentences on files.*without -OO"):
        python_docs()


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with twenty sentences for and against, known by their hashes."""
    folder = tmp_path / "rotten-tomatoes"
    folder.mkdir()
    digests = {}
    for name in text_films.FILES:
        text = "".join(f"a film {name[-3:]} number {number} \x96 caf\xe9 . \n" for number in range(20))
        (folder / name).write_text(text, "utf-8", newline="\n")
        digests[name] = hashlib.sha256(text.encode("latin-1")).hexdigest()[:32]
    monkeypatch.setattr(text_films, "FILES", digests)
    return tmp_path


def test_reviews_are_read_in_either_encoding_and_their_signs_mended(films: Path) -> None:
    first = text_films.rotten_tomatoes(films)
    assert {split: len(part[0]) for split, part in first.items()} == {"train": 36, "test": 4}
    assert np.bincount(first["test"][1]).tolist() == [2, 2]
    assert all("neg" in text if label == 0 else "pos" in text for text, label in zip(*first["train"][:2], strict=True))
    assert first["train"][0][0].endswith("– café .")
    for file in (films / "rotten-tomatoes").iterdir():
        file.write_bytes(file.read_text("utf-8").encode("latin-1"))
    assert (text_films.rotten_tomatoes(films)["train"][0] == first["train"][0]).all()


def test_damaged_reviews_are_refused(films: Path) -> None:
    file = films / "rotten-tomatoes" / "rt-polarity.pos"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"rt-polarity\.pos' is damaged or another file"):
        text_films.rotten_tomatoes(films)


def test_without_network_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_args: object, **_named: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", offline)
    with pytest.raises(DataError, match=r"no route to host.*--data-root or NETLENS_DATA, or use 'python-docs'"):
        text_films.rotten_tomatoes(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_is_downloaded_is_checked_before_it_is_kept(
    films: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io
    import tarfile

    archive, elsewhere = io.BytesIO(), tmp_path_factory.mktemp("elsewhere")
    with tarfile.open(fileobj=archive, mode="w:gz") as content:
        for file in (films / "rotten-tomatoes").iterdir():
            content.add(file, f"rt-polaritydata/{file.name}")
    monkeypatch.setattr("urllib.request.urlopen", lambda *_args, **_named: io.BytesIO(archive.getvalue()))
    assert len(text_films.rotten_tomatoes(elsewhere)["train"][0]) == 36
    assert sorted(file.name for file in (elsewhere / "rotten-tomatoes").iterdir()) == ["rt-polarity.neg", "rt-polarity.pos"]
    monkeypatch.setattr("urllib.request.urlopen", lambda *_args, **_named: io.BytesIO(archive.getvalue()[:300]))
    with pytest.raises(DataError, match="could not be read from or downloaded"):
        text_films.rotten_tomatoes(tmp_path_factory.mktemp("broken"))


@pytest.mark.skipif(not (SHARED / "rotten-tomatoes").is_dir(), reason="the film reviews are not beside this project")
def test_the_reviews_of_pang_and_lee() -> None:
    parts = text_films.rotten_tomatoes(SHARED)
    assert [len(part[0]) for part in parts.values()] == [9596, 1066]
    assert np.bincount(parts["test"][1]).tolist() == [533, 533]
    assert not any("\x96" in text or "\x85" in text for text in parts["train"][0])
