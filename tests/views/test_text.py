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


def worded(values: torch.Tensor = VALUES, **params) -> Attribution:
    """What `explain.text` gives."""
    told = {"words": (tuple(TOKENS),), "feature_values": values, "feature_spread": torch.full_like(values, 0.2)}
    return Attribution(values, torch.tensor([1]), "kernel_shap", {**told, **params})


def test_explained_texts_know_their_words() -> None:
    view = views.words(worded(), subject="praise")
    drawn = view.figure().axes[0].texts
    assert [text.get_text() for text in drawn] == TOKENS
    slanted = [text.get_text() for text in drawn if text.get_style() == "italic"]
    assert slanted == ["a", "end"]  # 0.2 and -0.1, with standard errors of 0.2
    assert "Slanted, 2 of 7" in view.caption
    assert views.bars(worded()).frame()["feature"].tolist()[:2] == ["good", "dull"]


def test_marks_stand_close_to_their_word() -> None:
    drawn = {text.get_text(): text.get_position()[0] for text in views.words(worded()).figure().axes[0].texts}
    letter = drawn["good"] / 2
    assert drawn[","] - drawn["film"] == pytest.approx(4.5 * letter)
    assert drawn["film"] - drawn["good"] == pytest.approx(5 * letter)


def test_texts_with_fewer_words_show_no_padding() -> None:
    short = {"words": (tuple(TOKENS), ("a", "film")), "feature_values": torch.tensor([[1.0] * 7, [0.5, 2.0] + [torch.nan] * 5])}
    attribution = Attribution(torch.zeros(2, 7), torch.tensor([1, 1]), "lime", short)
    assert views.words(attribution, row=1).frame()["word"].tolist() == ["a", "film"]
    assert views.bars(attribution, 1).frame()["feature"].tolist() == ["film", "a"]


@pytest.mark.parametrize(("over", "said"), [("length", "either way"), ("attention", "whichever class is asked about")])
def test_what_has_no_sign_is_not_said_to_speak_against(over: str, said: str) -> None:
    view = views.words(worded(VALUES.abs(), over=over))
    assert said in view.caption
    assert "blue" not in view.caption
    assert view.figure().axes[1].get_xlim()[0] == 0


def test_words_without_a_text_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"names no words.*explain\.text"):
        views.words(attribution())


def test_methods_that_disagree_are_told_and_those_without_logits_refused() -> None:
    other = worded(VALUES.flip(1))
    view = views.methods_by_words([worded(), other], names=["one", "two"], subject="praise")
    assert "The largest: “good” for one; “dull” for two." in view.caption
    assert len(view.frame()) == 14
    with pytest.raises(ShapeError, match="gives no logits"):
        views.methods_by_words([worded(), worded(over="length")])


def test_rare_words_are_left_out_of_a_cloud() -> None:
    assert views.cloud(TOKENS, VALUES[0].tolist(), at_least=2).frame()["word"].tolist() == ["a"]
