"""Taking places away: the falls of networks whose answer is known, and maps that foretell them or do not."""

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError
from netlens.explain import Attribution
from netlens.models import Model
from netlens.quality import foretold, removal


@pytest.fixture
def linear():
    """Weights 0 to 35 on the pixels of a 6 x 6 image."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(36, 2, bias=False))
    with torch.no_grad():
        net[1].weight.copy_(torch.stack([torch.arange(36.0), torch.zeros(36)]))
    return Model(net, "linear", ("a", "b"), Preprocess((0.0,), (1.0,)))


def test_the_falls_of_a_linear_network_are_weight_times_what_was_there(linear):
    images = torch.rand(3, 1, 6, 6)
    found = removal(linear, images, (3, 3), 0, by="zero")
    weighted = images * torch.arange(36.0).view(1, 1, 6, 6)
    torch.testing.assert_close(found.falls, 4 * nn.functional.avg_pool2d(weighted, 2).squeeze(1), atol=1e-4, rtol=1e-5)
    assert found.counted.all()


def test_a_map_of_the_falls_foretells_them_and_its_opposite_does_not(linear):
    images = torch.rand(5, 1, 6, 6)
    found = removal(linear, images, (3, 3), 0, by="zero")
    maps = Attribution(found.falls.unsqueeze(1), found.target, "falls")
    assert foretold(maps, found).interval == (pytest.approx(1.0), pytest.approx(1.0), pytest.approx(1.0))
    assert foretold(Attribution(-maps.values, maps.target, "falls"), found).interval[0] == pytest.approx(-1.0)


def test_a_map_of_pixels_is_averaged_over_each_place(linear):
    images = torch.rand(2, 1, 6, 6)
    found = removal(linear, images, (3, 3), 0, by="zero")
    pixels = Attribution(images * torch.arange(36.0).view(1, 1, 6, 6), found.target, "gradient_x_input")
    assert foretold(pixels, found).correlations.tolist() == pytest.approx([1.0, 1.0])


def test_what_is_background_does_not_count(linear):
    images = torch.zeros(1, 1, 6, 6)
    images[0, 0, 2:, 2:] = torch.rand(4, 4) + 0.5
    found = removal(linear, images, (3, 3), 0, by="zero")
    assert found.counted.tolist() == [[[False, False, False], [False, True, True], [False, True, True]]]
    said = torch.arange(9.0).view(1, 1, 3, 3)
    said[0, 0, 0] = 100  # nonsense on the background changes nothing
    assert len(foretold(Attribution(said, found.target, "x"), found).correlations) == 1
    assert foretold(Attribution(said, found.target, "x"), found).correlations[0] > 0.5


def test_images_with_too_little_on_them_are_left_out(linear):
    images = torch.zeros(2, 1, 6, 6)
    images[0, 0, :2, :2] = 1
    images[1] = torch.rand(1, 6, 6)
    found = removal(linear, images, (3, 3), 0, by="zero")
    assert len(foretold(Attribution(found.falls.unsqueeze(1), found.target, "x"), found).correlations) == 1


def test_a_grid_of_what_is_no_image_is_refused(linear):
    with pytest.raises(ShapeError, match=r"a grid \(9, 9\) was asked for on inputs shaped \(1, 1, 6, 6\)"):
        removal(linear, torch.rand(1, 1, 6, 6), (9, 9))
    with pytest.raises(ShapeError, match=r"a grid \(0, 3\) was asked for"):
        removal(linear, torch.rand(1, 1, 6, 6), (0, 3))
    found = removal(linear, torch.rand(2, 1, 6, 6), (3, 3), 0, by="zero")
    with pytest.raises(ShapeError, match="2 images were measured"):
        foretold(Attribution(torch.rand(1, 1, 3, 3), torch.tensor([0]), "x"), found)
