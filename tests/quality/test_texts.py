"""Texts: padding is no word, and no measure may be better or worse for it."""

import pytest
import torch
from torch import nn

from netlens.data.text import WordTokens
from netlens.errors import ShapeError
from netlens.explain import Attribution
from netlens.models import Model
from netlens.quality import (
    Deletion,
    EffectiveSize,
    Entropy,
    FaithfulnessCorrelation,
    Infidelity,
    Insertion,
    Sparseness,
    agreement,
)
from netlens.seeding import generator

WORDS = ["the", "file", "was", "closed", "before", "it", "could", "be", "read", ";", "a", "number", "is", "not", "a", "film", "!"]
READER = WordTokens.fit([" ".join(WORDS)], at_least=1)
TEXTS = ["the file was closed", " ".join(WORDS * 2)]


class SumOfWords(nn.Module):
    """Each word adds its own weights to the logits; every word speaks for the first class."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(len(READER.vocabulary), 2, padding_idx=0)
        with torch.no_grad():
            self.embedding.weight[2:, 0] = 1 + torch.rand(len(READER.vocabulary) - 2)
            self.embedding.weight[:2] = 0

    def forward(self, ids):
        return self.embedding(ids).sum(1)


@pytest.fixture
def model():
    return Model(SumOfWords().eval(), "sum of words", ("a", "b"), READER)


def given(ids, seed):
    """A map that knows which tokens are words, and nothing else."""
    return Attribution(
        (0.5 + torch.rand(ids.shape, generator=generator(seed))) * (ids != READER.pad), torch.zeros(len(ids)).long(), "given"
    )


@pytest.mark.parametrize("metric", [Deletion(output="logit"), Insertion(output="logit"), FaithfulnessCorrelation(30, 0.2)])
def test_who_knows_only_where_the_words_are_does_no_better_than_chance(metric, model):
    ids = READER([TEXTS[0]] * 60 + [TEXTS[1]])[:60]
    gaps = torch.stack([metric(model, given(ids[seed : seed + 1], seed), ids[seed : seed + 1]).values for seed in range(60)])
    assert abs(float(gaps.mean())) < 3 * float(gaps.std()) / 60**0.5 + 0.05
    assert (ids == READER.pad).double().mean() > 0.8


def test_padding_makes_no_two_maps_alike(model):  # noqa: ARG001 - it shares the reader
    ids = READER([TEXTS[0]] * 40 + [TEXTS[1]])[:40]
    found = agreement([given(ids, 0), given(ids, 1)], ids)
    assert abs(found.matrix[0, 1]) < 0.3
    assert agreement([given(ids, 0), given(ids, 1)], ids, everywhere=True).matrix[0, 1] > 0.8


@pytest.mark.parametrize("metric", [Sparseness(), Entropy(), EffectiveSize()])
def test_complexity_does_not_depend_on_how_long_the_other_texts_are(metric, model):
    alone, together = READER(TEXTS[:1]), READER(TEXTS)
    values = torch.rand(1, alone.shape[1])
    padded = torch.nn.functional.pad(values, (0, together.shape[1] - alone.shape[1])).expand(2, -1)
    target = torch.tensor([0, 0])
    one = metric(model, Attribution(values, target[:1], "given"), alone).values[0]
    assert metric(model, Attribution(padded, target, "given"), together).values[0].item() == pytest.approx(one.item())


def test_noise_is_not_added_to_ids(model):
    ids = READER(TEXTS)
    with pytest.raises(ShapeError, match="ids of tokens, which have no gradient and no size"):
        Infidelity()(model, given(ids, 0), ids)
