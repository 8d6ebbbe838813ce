"""Views of attention: their numbers in words, and pictures of what was asked."""

import pytest
import torch

from netlens import views
from netlens.errors import ShapeError
from netlens.explain import AttentionRollout, Attribution, RawAttention, attention_maps
from netlens.models import Model
from netlens.models.vit import MnistViT
from netlens.quality import foretold, removal

WORDS = ["not", "bad", "at", "all"]
torch.manual_seed(0)
WEIGHTS = torch.rand(2, 4, 4).softmax(-1)


@pytest.fixture(scope="module")
def vit(digits):
    torch.manual_seed(0)
    train, test = digits
    model = Model(MnistViT(size=8).eval(), "vit", train.classes, train.preprocess)
    batch = test.take(6)
    effects = removal(model, batch.inputs, (4, 4), by="mean")
    return {
        "model": model,
        "batch": batch,
        "maps": attention_maps(model, batch.inputs),
        "foretold": [foretold(method(model, batch.inputs), effects) for method in (RawAttention(), AttentionRollout())],
    }


MAKE = {
    "heads": lambda seen: views.heads(seen["maps"], seen["batch"], 1),
    "token_matrix": lambda _: views.token_matrix(WEIGHTS, WORDS, "two heads"),
    "foretold": lambda seen: views.foretold(seen["foretold"], ["attention", "rollout"]),
}


def test_the_words_of_heads_hold_the_largest_share(vit):
    view = MAKE["heads"](vit)
    table = view.frame()
    assert len(table) == 3 * 4
    looks = torch.stack([call.weights[1, :, 0, 1:] for call in vit["maps"].calls])  # the class token's look at the patches
    assert table["largest"].max() == pytest.approx(float(looks.max()))
    assert table["on tokens without a place"].tolist() == pytest.approx((1 - looks.sum(2)).flatten().tolist(), abs=1e-6)
    for words in (view.alt, view.caption):
        assert f"The largest share on one patch is {views.percent(float(looks.max()), 0)}" in words
    assert "3 layers (blocks.0, blocks.1, blocks.2) down, 4 heads" in view.alt
    assert table["even"].between(0, 1).all()


def test_the_words_of_a_matrix_name_the_strongest_look(vit):
    view = MAKE["token_matrix"](vit)
    head, query, key = (*divmod(int(WEIGHTS.argmax()) // 4, 4), int(WEIGHTS.argmax()) % 4)
    assert f"“{WORDS[query]}” looks at “{WORDS[key]}” in head {head}" in view.caption
    assert view.alt.startswith("2 matrices of 4 by 4 words: not bad at all.")
    assert view.frame()["share"].sum() == pytest.approx(8, abs=1e-5)


def test_the_words_of_a_test_hold_the_correlations_and_their_intervals(vit):
    view = MAKE["foretold"](vit)
    for one, name in zip(vit["foretold"], ("attention", "rollout"), strict=True):
        mean, low, high = one.interval
        told = f"{name} {mean:.2f} ({low:.2f} to {high:.2f})".replace("-", "−")
        assert told in view.alt
        assert told in view.caption
    assert view.frame()["images"].tolist() == [6, 6]


@pytest.mark.parametrize("name", MAKE)
def test_a_view_of_attention_is_drawn_and_the_same_twice(vit, name):
    from netlens.views.base import _render

    first, second = (_render(MAKE[name](vit).figure(), "svg") for _ in range(2))
    assert first == second
    assert b"<svg" in first


def test_maps_without_places_are_refused_in_words(vit):
    from dataclasses import replace

    with pytest.raises(ShapeError, match="the tokens have no places in an image"):
        views.heads(replace(vit["maps"], places=None), vit["batch"])
    with pytest.raises(ShapeError, match=r"shaped \(2, 4, 4\) for 3 words"):
        views.token_matrix(WEIGHTS, WORDS[:3])


def test_a_map_that_knows_no_class_is_not_said_to_speak_for_one(vit):
    batch, classes = vit["batch"], vit["model"].classes
    maps = [method(vit["model"], batch.inputs) for method in (RawAttention(), AttentionRollout())]
    alone = views.methods_by_samples(maps, batch, classes).caption
    assert "speaks for the class" not in alone
    assert "Attention and Attention rollout know no class" in alone
    other = Attribution(maps[0].values, maps[0].target, "grad_cam")
    assert "Red speaks for the class" in views.methods_by_samples([maps[0], other], batch, classes).caption
