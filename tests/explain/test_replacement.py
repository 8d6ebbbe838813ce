"""What stands where a feature is hidden: known colours, the surface of Laplace's equation, and what is refused."""

import pytest
import torch
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError, UsageError
from netlens.explain.features import Grid, Patches, feature_map
from netlens.explain.replacement import Replacement, replacement
from netlens.models import Model

MODEL = Model(nn.Identity(), "colour", ("a",), Preprocess((0.2, 0.4, 0.6), (0.5, 0.5, 0.5)))


def test_black_is_black_before_preprocessing() -> None:
    found, chosen = replacement(None, MODEL, torch.rand(2, 3, 4, 4), None, "test")
    assert chosen == "black"
    torch.testing.assert_close(MODEL.preprocess.invert(found), torch.zeros(2, 3, 4, 4))


def test_without_a_choice_tables_get_zero() -> None:
    found, chosen = replacement(None, MODEL, torch.rand(2, 5), None, "test")
    assert chosen == "zero"
    assert (found == 0).all()


def test_mean_is_each_images_own_colour_and_each_sequences_own_channels() -> None:
    images, sequences = torch.rand(2, 3, 4, 5), torch.rand(2, 6, 3)
    found = replacement("mean", MODEL, images, None, "test")[0]
    torch.testing.assert_close(found, images.mean((2, 3), keepdim=True).expand_as(images))
    found = replacement("mean", MODEL, sequences, None, "test")[0]
    torch.testing.assert_close(found, sequences.mean(1, keepdim=True).expand_as(sequences))


def test_inpainting_continues_a_plane_inside_the_image() -> None:
    down, right = torch.meshgrid(torch.arange(9.0), torch.arange(9.0), indexing="ij")
    plane = torch.stack([down, right, 2 * down - right]).unsqueeze(0)
    features = feature_map(Grid(3), MODEL, plane, "test")
    found = replacement("inpaint", MODEL, plane, features, "test")[0]
    torch.testing.assert_close(found[..., 3:6, 3:6], plane[..., 3:6, 3:6])


def test_an_inpainted_feature_owes_nothing_to_itself() -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 3, 8, 8)
    features = feature_map(Patches(4), MODEL, image, "test")
    other = image.clone()
    other[..., :4, :4] = torch.rand(3, 4, 4)
    one, two = (replacement("inpaint", MODEL, given, features, "test")[0] for given in (image, other))
    torch.testing.assert_close(one[..., :4, :4], two[..., :4, :4])
    assert not torch.allclose(one[..., :4, 4:], two[..., :4, 4:])


def test_noise_is_the_same_at_every_call_and_for_every_row() -> None:
    images = torch.rand(1, 3, 4, 4).expand(2, -1, -1, -1)
    found = replacement("noise", MODEL, images, None, "test")[0]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found, replacement("noise", MODEL, images, None, "test")[0])


def test_a_training_sample_stands_in_for_every_row() -> None:
    sample = torch.rand(3, 4, 4)
    found, chosen = replacement(sample, MODEL, torch.rand(2, 3, 4, 4), None, "test")
    assert chosen == "own"
    assert torch.equal(found, sample.expand(2, 3, 4, 4))


@pytest.mark.parametrize(
    ("choice", "shape", "said"),
    [
        ("black", (2, 5), "Use replacement='zero'"),
        ("black", (2, 1, 4, 4), "'black' was asked of inputs shaped"),
        ("blur", (2, 5, 3), "Use replacement='zero'"),
        ("mean", (2, 5), "columns measure different things"),
        ("inpaint", (2, 3, 4, 4), "features that lie side by side"),
        (torch.zeros(7), (2, 5), r"a shape that broadcasts to \(2, 5\)"),
        (torch.full((5,), torch.nan), (2, 5), "NaN or infinite"),
    ],
)
def test_what_does_not_fit_is_refused(choice: Replacement, shape: tuple[int, ...], said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        replacement(choice, MODEL, torch.rand(shape), None, "test")


def test_an_unknown_name_gives_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'inpaint'"):
        replacement("inpant", MODEL, torch.rand(1, 3, 4, 4), None, "test")  # type: ignore[arg-type]
