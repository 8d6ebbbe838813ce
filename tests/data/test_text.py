"""Texts as tokens: words, their places, and the way back."""

import numpy as np
import pytest
import torch

from netlens.data.text import PAD, UNKNOWN, TextTransform, Tokens, WordTokens
from netlens.data.text_pretrained import PretrainedTokens
from netlens.errors import DataError, UsageError

TEXTS = ["The file isn't open.", "A file is a file!"]
WORDS = WordTokens.fit(TEXTS, at_least=1)


@pytest.fixture(scope="module")
def pretrained() -> PretrainedTokens:
    """A tokenizer of parts of words, made here: nothing is downloaded."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "file", "un", "##open", "##ed", ".", ","]
    made = Tokenizer(models.WordPiece({name: number for number, name in enumerate(names)}, unk_token="[UNK]"))
    made.normalizer, made.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
    return PretrainedTokens(PreTrainedTokenizerFast(tokenizer_object=made, **marks), longest=12)


def spelled(tokens: Tokens, texts: list[str]) -> list[list[str]]:
    """The words that the spans cut out of the texts."""
    return [[text[start:end] for start, end in spans] for text, spans in zip(texts, tokens.spans, strict=True)]


def test_words_and_marks_are_tokens_and_the_most_frequent_come_first() -> None:
    assert WORDS.vocabulary == (PAD, UNKNOWN, "file", "a", "!", ".", "is", "isn't", "open", "the")
    assert WORDS(TEXTS).tolist() == [[9, 2, 7, 8, 5, 0], [3, 2, 6, 3, 2, 4]]
    assert WORDS.decode(WORDS(TEXTS)) == [["the", "file", "isn't", "open", "."], ["a", "file", "is", "a", "file", "!"]]


def test_rare_words_are_unknown_and_unknown_words_keep_their_spelling() -> None:
    rare = WordTokens.fit(TEXTS, at_least=2)
    assert rare.vocabulary == (PAD, UNKNOWN, "file", "a")
    tokens = rare.encode(["A Zork file"])
    assert tokens.ids.tolist() == [[3, 1, 2]]
    assert tokens.words == (("A", "Zork", "file"),)


def test_a_marker_written_in_a_text_is_not_the_marker() -> None:
    assert 0 not in WORDS(["<pad> <unk> file"])[0]


@pytest.mark.parametrize("kind", ["own", "pretrained"])
def test_each_token_knows_its_word_and_its_place(kind: str, pretrained: PretrainedTokens) -> None:
    preprocess: TextTransform = WORDS if kind == "own" else pretrained
    texts = ["The file,  unopened zork.", "the file"]
    tokens = preprocess.encode(texts)
    assert isinstance(preprocess, TextTransform)
    assert tokens.ids.dtype == tokens.word_of.dtype == torch.int64
    assert tokens.ids.equal(preprocess(np.array(texts)))
    assert (
        spelled(tokens, texts)
        == [list(words) for words in tokens.words]
        == [["The", "file", ",", "unopened", "zork", "."], ["the", "file"]]
    )
    for ids, word_of, words in zip(tokens.ids, tokens.word_of, tokens.words, strict=True):
        assert ((word_of == -1) == torch.isin(ids, torch.tensor(sorted(preprocess.fixed)))).all()
        assert word_of[word_of >= 0].unique().tolist() == list(range(len(words)))


def test_parts_of_a_word_belong_to_one_word(pretrained: PretrainedTokens) -> None:
    tokens = pretrained.encode(["the unopened file"])
    assert pretrained.decode(tokens.ids) == [["[CLS]", "the", "un", "##open", "##ed", "file", "[SEP]"]]
    assert tokens.word_of.tolist() == [[-1, 0, 1, 1, 1, 2, -1]]


def test_what_stands_for_a_missing_word(pretrained: PretrainedTokens) -> None:
    assert [WORDS.blank(), WORDS.blank("unk"), WORDS.blank("pad")] == [1, 1, 0]
    assert [pretrained.blank(), pretrained.blank("unk"), pretrained.blank("pad")] == [4, 1, 0]
    assert pretrained.fixed == {0, 2, 3}
    with pytest.raises(UsageError, match="no token of this vocabulary 'mask'"):
        WORDS.blank("mask")


def test_long_texts_are_cut(pretrained: PretrainedTokens) -> None:
    assert WordTokens(WORDS.vocabulary, 3)(TEXTS).shape == (2, 3)
    assert pretrained(["file " * 50]).shape == (1, 12)


def test_a_vocabulary_is_written_and_read_back(tmp_path) -> None:
    WORDS.write(tmp_path / "vocabulary.txt")
    assert WordTokens.read(tmp_path / "vocabulary.txt") == WORDS


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "holds 1 words"), (b"<pad>\n<unk>\na\nb\na\n", "holds 'a' more than once"), (b"\xff\xfe\x00", "UnicodeDecodeError")],
)
def test_a_vocabulary_that_is_none_is_refused(tmp_path, content: bytes, said: str) -> None:
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(DataError, match=said):
        WordTokens.read(tmp_path / "words.txt")


@pytest.mark.parametrize(
    ("texts", "error", "said"),
    [
        ([], DataError, "there is no text"),
        (["file", "  "], DataError, "text 1 holds no word"),
        ("file", UsageError, "the texts are str"),
        (np.zeros(3), UsageError, "an array of float64"),
    ],
)
def test_what_holds_no_text_is_refused(texts, error: type[Exception], said: str, pretrained: PretrainedTokens) -> None:
    for preprocess in (WORDS, pretrained):
        with pytest.raises(error, match=said):
            preprocess.encode(texts)


def test_a_tokenizer_that_does_not_exist_is_refused(tmp_path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match="cannot be loaded"):
        PretrainedTokens.read(tmp_path / "tokenizer.json")


def test_a_slow_tokenizer_is_refused() -> None:
    with pytest.raises(UsageError, match="a str does not know where in the text its tokens come from"):
        PretrainedTokens("slow")
