"""Agreement: each similarity by hand, the foreground, and why two methods differ."""

import pytest
import torch
from scipy.stats import spearmanr

from netlens.errors import ShapeError, UsageError
from netlens.explain import Attribution, GradientXInput, Saliency
from netlens.quality.agreement import ClassConsistency, agreement, between_models, diagnosis, foreground, similarity

ONE = torch.tensor([[4.0, 3.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, -9.0]])
TWO = torch.tensor([[8.0, 6.0, 4.0, 2.0, 0.0, 1.0, -1.0, 0.0, 1.0, -9.0]])


def maps(values, method="saliency", target=0):
    values = torch.as_tensor(values, dtype=torch.float32)
    return Attribution(values, torch.full((len(values),), target), method)


@pytest.mark.parametrize("kind", ["rank", "cosine", "top_k", "sign"])
def test_a_map_is_like_itself_at_any_scale(kind):
    assert similarity(ONE, 100 * ONE, kind).item() == pytest.approx(1)


def test_rank_correlation_is_spearmans_with_ties():
    draws = torch.randint(5, (4, 30)).double(), torch.randint(5, (4, 30)).double()
    expected = [spearmanr(one, two).statistic for one, two in zip(*draws, strict=True)]
    assert similarity(*draws).tolist() == pytest.approx(expected)


def test_the_other_similarities_by_hand():
    cosine = (4 * 8 + 3 * 6 + 2 * 4 + 1 * 2 - 1 + 81) / (
        (16 + 9 + 4 + 1 + 1 + 81) ** 0.5 * (64 + 36 + 16 + 4 + 1 + 1 + 1 + 81) ** 0.5
    )
    assert similarity(ONE, TWO, "cosine").item() == pytest.approx(cosine)
    assert similarity(ONE, TWO, "sign").item() == pytest.approx(5 / 6)  # both are not zero at 6 places, the signs differ at one
    assert similarity(ONE, TWO, "top_k").item() == 1  # a tenth of 10 is one place: the −9


def test_places_of_size_zero_are_named_by_nobody():
    """Two maps of a few places each share most of their zeros: that is no agreement."""
    one, two = torch.zeros(2, 100), torch.zeros(2, 100)
    one[:, [3, 50]], two[:, [80, 90]] = torch.tensor([2.0, -1.0]), torch.tensor([1.0, 1.0])
    two[1, 50] = 3.0
    assert similarity(one, two, "top_k").tolist() == pytest.approx([0, 1 / 3])
    assert similarity(one, 3 * one, "top_k").tolist() == [1, 1]


def test_a_similarity_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="there is no kind 'kendall'"):
        similarity(ONE, TWO, "kendall")
    with pytest.raises(ShapeError, match="1 names were given"):
        agreement([maps(ONE), maps(TWO)], ONE, names=["one"])


def test_only_the_places_that_are_asked_for_count():
    where = torch.tensor([[True] * 4 + [False] * 6])
    assert similarity(ONE, -TWO, "rank", where).item() == pytest.approx(-1)


@pytest.mark.parametrize("kind", ["rank", "cosine", "top_k", "sign"])
def test_a_constant_map_is_like_nothing(kind):
    assert similarity(torch.zeros(1, 10), ONE, kind).item() == 0


def test_maps_of_different_shapes_are_refused():
    with pytest.raises(ShapeError, match=r"maps shaped \(1, 10\) and \(1, 9\) are compared"):
        similarity(ONE, ONE[:, 1:])


def test_the_foreground_is_what_differs_from_the_usual_value():
    images = torch.full((3, 1, 4, 4), -0.4)
    images[0, 0, 1, :] = 2.0
    images[1] = torch.randn(1, 4, 4)  # no usual value: a photograph
    seen = foreground(images)
    assert seen[0].nonzero().flatten().tolist() == [4, 5, 6, 7]
    assert seen[1].all()
    assert seen[2].all()  # nothing but background
    assert foreground(torch.zeros(2, 5)).all()


def test_a_pixel_is_foreground_when_one_channel_is():
    images = torch.zeros(1, 3, 4, 4)
    images[0, 2, 0, 0] = 1
    assert foreground(images)[0].nonzero().flatten().tolist() == [0]


def test_the_matrix_holds_each_pair_and_its_interval():
    inputs = torch.rand(6, 10)
    one, two = torch.randn(6, 10), torch.randn(6, 10)
    result = agreement([maps(one), maps(one * 3, "scaled"), maps(-one, "turned"), maps(two, "other")], inputs)
    assert result.matrix[0, :3].tolist() == pytest.approx([1, 1, -1])
    expected = similarity(one, two)
    assert result.matrix[0, 3] == result.matrix[3, 0] == pytest.approx(expected.mean().item())
    assert result.low[0, 3] < result.matrix[0, 3] < result.high[0, 3]
    frame = result.frame()
    assert len(frame) == 6
    assert set(frame.iloc[0][["method", "other"]]) == {"saliency", "scaled"}
    assert frame["similarity"].is_monotonic_decreasing


def test_a_shared_background_makes_methods_alike():
    images = torch.zeros(4, 1, 8, 8)
    images[:, :, 2:5, 2:5] = 1
    noise = [maps(torch.rand(4, 1, 8, 8) * images) for _ in range(2)]
    everywhere = agreement(noise, images, everywhere=True).matrix[0, 1]
    assert everywhere > 0.8
    assert abs(agreement(noise, images).matrix[0, 1]) < 0.5


def test_methods_must_explain_the_same_classes():
    with pytest.raises(ShapeError, match="2 attributions were given, for 2 targets"):
        agreement([maps(ONE), maps(ONE, target=1)], ONE)


@pytest.mark.parametrize(
    ("other", "remedy"),
    [
        (lambda values: values * torch.where(torch.rand_like(values) < 0.5, -1, 1), "sizes"),
        (lambda values: values.roll(1, 3), "coarse"),
    ],
)
def test_the_diagnosis_finds_the_planted_difference(other, remedy):
    images = torch.randn(8, 1, 28, 28)
    blobs = torch.nn.functional.interpolate(torch.randn(8, 1, 7, 7), (28, 28))
    values = blobs + torch.randn(8, 1, 28, 28) * 1.5
    table = diagnosis(maps(values), maps(other(values)), images).set_index("compared")["mean"]
    assert table[remedy] > table["as it is"] + 0.3
    assert table.idxmax() == remedy


def test_maps_that_follow_the_class_are_consistent(learned):
    labels = torch.tensor([0, 0, 1, 1])
    patterns = torch.randn(2, 20)
    given = Attribution(patterns[labels], labels, "saliency")
    score = ClassConsistency()(learned[0], given, torch.rand(4, 20))
    assert score.own.tolist() == pytest.approx([1] * 4)
    assert score.mean == pytest.approx(1 - similarity(patterns[:1], patterns[1:]).item())


def test_consistency_needs_two_of_a_class(learned):
    with pytest.raises(ShapeError, match="have no two of one class beside one of another"):
        ClassConsistency()(learned[0], Attribution(torch.randn(2, 5), torch.tensor([0, 1]), "saliency"), torch.rand(2, 5))


def test_one_network_agrees_with_itself_and_not_with_another(learned, digits):
    from netlens.models import Model
    from netlens.models.architectures import MnistCNN

    model, inputs = learned[0], digits[1].take(6).inputs
    stranger = Model(MnistCNN(size=8).eval(), "stranger", model.classes, model.preprocess)
    assert between_models(Saliency(), model, model, inputs).tolist() == pytest.approx([1] * 6)
    assert between_models(GradientXInput(), model, stranger, inputs).mean().item() < 0.5
