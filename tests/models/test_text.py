"""The tutorial's networks for text: padding changes nothing, gaps are learned, and they learn."""

import pytest
import torch

from netlens import data
from netlens.data.text import WordTokens
from netlens.models import TUTORIAL_MODELS, Recipe
from netlens.models.text import PAD, UNKNOWN, TextLSTM, TextTransformer, mean_of_words, with_gaps
from netlens.seeding import seeded
from netlens.training import fit

IDS = torch.tensor([[2, 3, 4, 5, 6], [7, 8, 0, 0, 0]])


@pytest.fixture(params=[TextLSTM, TextTransformer])
def net(request) -> torch.nn.Module:
    torch.manual_seed(0)
    return request.param(12, 3, width=8).eval()


def test_padding_changes_nothing(net: torch.nn.Module) -> None:
    with torch.no_grad():
        together, alone, wider = net(IDS)[1], net(IDS[1:, :2])[0], net(torch.nn.functional.pad(IDS, (0, 4)))[1]
    assert torch.allclose(together, alone, atol=1e-6)
    assert torch.allclose(together, wider, atol=1e-6)


def test_a_text_without_any_word_has_finite_logits(net: torch.nn.Module) -> None:
    with torch.no_grad():
        assert net(torch.zeros(2, 4, dtype=torch.int64)).isfinite().all()


def test_the_mean_is_over_words_alone() -> None:
    states = torch.tensor([[[1.0], [3.0], [50.0]]])
    assert mean_of_words(states, torch.tensor([[4, 5, PAD]])).item() == 2
    assert mean_of_words(states, torch.tensor([[PAD, PAD, PAD]])).item() == 0


def test_a_tenth_of_the_words_is_missing_while_a_network_learns() -> None:
    torch.manual_seed(0)
    ids = torch.full((200, 60), 5)
    ids[:, 40:] = PAD
    gappy = with_gaps(ids)
    assert gappy.shape == (200, 40)
    assert 0.08 < (gappy == UNKNOWN).double().mean() < 0.12


@pytest.mark.parametrize("name", ["text-lstm", "text-transformer"])
def test_recipes_are_for_texts(name: str) -> None:
    entry = TUTORIAL_MODELS[name]
    assert entry.dataset == "python-docs"
    assert {data.DATASETS[dataset].modality for dataset in entry.recipes} == {"text"}
    assert all(recipe.shift == 0 for recipe in entry.recipes.values())


def test_order_matters_to_both(net: torch.nn.Module) -> None:
    with torch.no_grad():
        assert not torch.allclose(net(IDS[:1]), net(IDS[:1].flip(1)), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [TextLSTM, TextTransformer])
def test_they_learn_what_a_text_is_about(kind: type[torch.nn.Module]) -> None:
    train, test = (data.load("python-docs", split) for split in ("train", "test"))
    with seeded(0):
        net = kind(len(train.preprocess), 4, width=32)
        record = fit(net, train, test, Recipe(epochs=3, learning_rate=5e-3, weight_decay=1e-2, shift=0), seed=0)
    assert record.test_accuracy[-1] > 0.65  # chance is below 0.3
    assert isinstance(train.preprocess, WordTokens)
