"""Words in colour, and the cloud of words."""

import pytest
import torch

from netlens import views
from netlens.errors import ShapeError
from netlens.explain import Attribution
from netlens.views.text import word_values

TOKENS = ["a", "good", "film", ",", "a", "dull", "end"]
VALUES = torch.tensor([[0.0, 2.0, 0.5, 0.0, 0.2, -1.5, -0.1]])


def attribution(values: torch.Tensor = VALUES) -> Attribution:
    return Attribution(values, torch.tensor([1]), "kernel_shap")


def test_embeddings_are_summed_to_one_value_a_word() -> None:
    parts = torch.stack([VALUES / 4, VALUES / 4, VALUES / 2], dim=-1)
    assert word_values(attribution(parts), TOKENS) == pytest.approx(VALUES[0].tolist())


def test_every_word_is_drawn_once_and_the_strongest_are_named() -> None:
    view = views.words(attribution(), TOKENS, subject="praise")
    drawn = [text.get_text() for text in view.figure().axes[0].texts]
    assert drawn == TOKENS
    assert "“good” +2, “dull” -1.5, “film” +0.5 logits" in view.alt
    assert view.frame()["value"].tolist() == pytest.approx(VALUES[0].tolist())


def test_long_texts_are_broken_into_lines() -> None:
    tokens = [f"word{i}" for i in range(60)]
    view = views.words(attribution(torch.linspace(-1, 1, 60)[None]), tokens)
    heights = {text.get_position()[1] for text in view.figure().axes[0].texts}
    assert len(heights) > 3


def test_no_positive_evidence_is_said() -> None:
    assert "No word speaks for it." in views.words(attribution(-VALUES.abs()), TOKENS).caption


def test_as_many_words_as_steps_are_wanted() -> None:
    with pytest.raises(ShapeError, match=r"there are 2 words\. Expected 7"):
        views.words(attribution(), TOKENS[:2])


def test_the_cloud_takes_equal_words_together_and_sizes_them() -> None:
    view = views.cloud(TOKENS, VALUES[0].tolist())
    table = view.frame().set_index("word")
    assert table.loc["a", "mean"] == pytest.approx(0.1)
    assert table.loc["a", "count"] == 2
    size = {text.get_text(): text.get_fontsize() for text in view.figure().axes[0].texts}
    assert size["good"] > size["dull"] > size["film"] > size[","]
