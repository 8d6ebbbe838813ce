"""How inputs are cut into features: known cuts, one's own labels, and what is refused."""

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError, UsageError
from netlens.explain.features import Columns, Features, Grid, Patches, Quickshift, Slic, Steps, feature_map
from netlens.models import Model

GREY = Model(nn.Identity(), "grey", ("a",), Preprocess((0.2,), (0.5,)))
COLOUR = Model(nn.Identity(), "colour", ("a",), Preprocess((0.2,) * 3, (0.5,) * 3))


def test_grid_cells_are_rectangles_numbered_row_by_row() -> None:
    cut = feature_map(Grid(2), GREY, torch.zeros(1, 1, 4, 6), "test")
    assert cut.index[0, 0].tolist() == [[0, 0, 0, 1, 1, 1]] * 2 + [[2, 2, 2, 3, 3, 3]] * 2
    assert cut.counts == (4,)
    assert cut.sizes(0, torch.Size([1, 4, 6])).tolist() == [6, 6, 6, 6]


def test_sizes_count_every_channel() -> None:
    cut = feature_map(Grid(2), COLOUR, torch.zeros(1, 3, 4, 4), "test")
    assert cut.sizes(0, torch.Size([3, 4, 4])).tolist() == [12] * 4


def test_a_grid_finer_than_the_image_gives_its_pixels() -> None:
    assert feature_map(Grid(9), GREY, torch.zeros(1, 1, 3, 3), "test").counts == (9,)


def test_patches_at_the_edge_may_be_smaller() -> None:
    cut = feature_map(Patches(2), GREY, torch.zeros(1, 1, 3, 3), "test")
    assert cut.index[0, 0].tolist() == [[0, 0, 1], [0, 0, 1], [2, 2, 3]]


@pytest.mark.parametrize("cut", [Slic(), Slic(compactness=0.1), Quickshift(kernel_size=2, max_dist=8, ratio=1)])
@pytest.mark.parametrize(("model", "channels"), [(GREY, 1), (COLOUR, 3)])
def test_superpixels_follow_an_edge(cut: Features, model: Model, channels: int) -> None:
    image = torch.full((1, channels, 32, 32), -0.4)
    image[..., 11:] = 1.6  # black and white, before preprocessing
    index = feature_map(cut, model, image, "test").index[0, 0]
    assert not set(index[:, :11].unique().tolist()) & set(index[:, 11:].unique().tolist())


def test_superpixels_are_numbered_anew_in_each_row() -> None:
    torch.manual_seed(0)
    images = torch.rand(3, 3, 24, 24)
    cut = feature_map("slic", COLOUR, images, "test")
    for row, count in enumerate(cut.counts):
        assert cut.index[row].unique().tolist() == list(range(count))


def test_columns_steps_and_words() -> None:
    table, sequence = torch.zeros(2, 3), torch.zeros(2, 4, 5)
    assert feature_map(Columns(), GREY, table, "test").index.tolist() == [[0, 1, 2]] * 2
    assert feature_map(Steps(), GREY, sequence, "test").index[0, :, 0].tolist() == [0, 1, 2, 3]
    assert feature_map(Steps(width=3), GREY, sequence, "test").index[0, :, 0].tolist() == [0, 0, 0, 1]
    assert feature_map(Steps(axis=2), GREY, sequence, "test").index[0].tolist() == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize(
    ("shape", "kind", "count"),
    [((1, 5), "Columns", 5), ((1, 6, 2), "Steps", 6), ((1, 1, 28, 28), "Grid", 49), ((1, 3, 64, 80), "Slic", None)],
)
def test_without_a_choice_the_inputs_decide(shape: tuple[int, ...], kind: str, count: int | None) -> None:
    torch.manual_seed(0)
    cut = feature_map(None, COLOUR, torch.rand(shape), "test")
    assert cut.chosen.startswith(kind)
    assert count is None or cut.counts == (count,)


def test_own_labels_are_made_compact_and_broadcast() -> None:
    labels = torch.tensor([[7, 7], [3, -1]])
    cut = feature_map(labels.view(1, 2, 2), GREY, torch.zeros(2, 1, 2, 2), "test")
    assert cut.index.tolist() == [[[[2, 2], [1, 0]]]] * 2
    assert cut.chosen == "own"


@pytest.mark.parametrize("labels", [torch.zeros(5, dtype=torch.int64), torch.zeros(1, 2, 2), torch.arange(9).view(1, 3, 3)])
def test_labels_that_do_not_fit_are_refused(labels: torch.Tensor) -> None:
    with pytest.raises(ShapeError, match=r"whole numbers that broadcast to \(2, 1, 2, 2\)"):
        feature_map(labels, GREY, torch.zeros(2, 1, 2, 2), "test")


def test_one_feature_alone_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"row 0 is one single feature .*Cut it finer"):
        feature_map(torch.zeros(1, 4, 4, dtype=torch.int64), GREY, torch.zeros(2, 1, 4, 4), "LIME")


@pytest.mark.parametrize("image", [torch.full((1, 3, 32, 32), 0.3), torch.rand(1, 3, 32, 32)], ids=["constant", "noise"])
def test_superpixels_of_images_without_edges_work(image: torch.Tensor) -> None:
    assert 10 < feature_map(Slic(20), COLOUR, image, "test").counts[0] < 40


@pytest.mark.parametrize(
    ("choice", "shape", "said"),
    [
        ("grid", (2, 5), "Use features='columns'"),
        ("slic", (2, 5, 3), "Use features='steps'"),
        ("columns", (2, 1, 4, 4), "a table"),
        ("steps", (2, 1, 4, 4), "Use features='grid'"),
        ("columns", (2, 1, 4, 4), "Use features='grid'"),
        ("steps", (2, 1, 4, 4, 4), "Give features of your own"),
        ("slic", (2, 2, 8, 8), "superpixels need colours"),
        (Grid(0), (2, 1, 4, 4), "at least 1"),
    ],
)
def test_features_that_make_no_sense_name_those_that_do(choice: Features, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        feature_map(choice, GREY, torch.rand(shape), "test")


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'quickshift'"):
        feature_map("quickshft", GREY, torch.zeros(1, 1, 8, 8), "test")  # type: ignore[arg-type]
