"""Occlusion against a loop by hand, captum, and the exact values of linear networks."""

import pytest
import torch
from captum.attr import Occlusion as CaptumOcclusion
from torch import nn

from netlens.data import Preprocess
from netlens.errors import ShapeError
from netlens.explain.imputation import imputed
from netlens.explain.occlusion import Occlusion
from netlens.models import Model
from netlens.models.architectures import MnistCNN

GREY = Preprocess((0.1,), (0.3,))


@pytest.fixture
def cnn() -> Model:
    torch.manual_seed(0)
    return Model(MnistCNN(size=12, classes=3), "tiny", ("a", "b", "c"), GREY)


def test_a_loop_by_hand_gives_the_same_falls(cnn: Model) -> None:
    image = torch.randn(1, 1, 12, 12)
    found = Occlusion(patch=5, stride=4, replacement="zero")(cnn, image, 2)
    starts = (0, 4, 7)  # the last window ends at the edge
    falls, total, cover = [], torch.zeros(12, 12), torch.zeros(12, 12)
    for top in starts:
        for left in starts:
            hidden = image.clone()
            hidden[..., top : top + 5, left : left + 5] = 0
            fall = float(cnn.logits(image)[0, 2] - cnn.logits(hidden)[0, 2])
            falls.append(fall)
            total[top : top + 5, left : left + 5] += fall
            cover[top : top + 5, left : left + 5] += 1
    torch.testing.assert_close(found.params["falls"][0].float(), torch.tensor(falls), atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(found.values[0, 0], total / cover / 25, atol=1e-7, rtol=1e-4)


def test_captum_agrees_where_the_windows_fit(cnn: Model) -> None:
    images = torch.randn(3, 1, 12, 12)
    found = Occlusion(patch=4, stride=2, replacement="zero")(cnn, images)
    theirs = CaptumOcclusion(cnn.net.eval()).attribute(images, (1, 4, 4), (1, 2, 2), target=found.target)
    torch.testing.assert_close(found.values * 16, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [(2, 6), (2, 6, 4), (2, 3, 6, 6)])
def test_a_linear_network_gives_weight_times_difference(shape: tuple[int, ...]) -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(int(torch.Size(shape[1:]).numel()), 2))
    model = Model(net, "linear", ("a", "b"), Preprocess((0.1,) * 3, (0.3,) * 3))
    inputs, sample = torch.randn(shape), torch.randn(shape[1:])
    inputs[0, 0] = sample[0]  # what is replaced by itself changes nothing
    found = Occlusion(patch=1, stride=1, replacement=sample)(model, inputs, 1)
    exact = (net[1].weight[1].detach().view(shape[1:]) * (inputs - sample)).double()
    axis = {2: (), 3: (2,), 4: (1,)}[len(shape)]
    torch.testing.assert_close(found.values.sum(axis), exact.sum(axis).float(), atol=1e-6, rtol=1e-4)


def test_windows_that_hide_nothing_cost_no_pass(cnn: Model) -> None:
    image = torch.zeros(1, 1, 12, 12)
    image[..., :3, :3] = 1
    Occlusion(patch=3, stride=3, replacement="zero")(cnn, image, 0)  # the first call also measures how many rows to send
    rows: list[int] = []
    handle = cnn.net.register_forward_hook(lambda _module, inputs, _output: rows.append(len(inputs[0])))
    Occlusion(patch=3, stride=3, replacement="zero")(cnn, image, 0)
    handle.remove()
    assert sum(rows) == 2


def test_an_input_that_is_its_own_replacement_has_no_evidence(cnn: Model) -> None:
    assert (Occlusion(replacement="zero")(cnn, torch.zeros(2, 1, 12, 12), 0).values == 0).all()


@pytest.mark.parametrize(("patch", "stride"), [(0, 1), (13, 1), (4, 5), (4, 0)])
def test_windows_that_leave_gaps_are_refused(cnn: Model, patch: int, stride: int) -> None:
    with pytest.raises(ShapeError, match=r"1 <= stride <= patch <= the side"):
        Occlusion(patch, stride)(cnn, torch.randn(1, 1, 12, 12))


def test_inpainting_a_ramp_hides_nothing_inside_and_something_at_the_edge() -> None:
    ramp = torch.stack([torch.arange(12.0).expand(12, 12), torch.arange(12.0)[:, None].expand(12, 12)]).unsqueeze(0)
    net = nn.Sequential(nn.Flatten(), nn.Linear(2 * 144, 2))
    with torch.no_grad():
        net[1].weight[1] = torch.tensor([1.0, 2.0]).repeat_interleave(144)
    model = Model(net, "linear", ("a", "b"), Preprocess((0.0,) * 2, (1.0,) * 2))
    found = Occlusion(patch=4, stride=4, replacement="inpaint")(model, ramp, 1)
    falls = found.params["falls"].view(3, 3)
    assert found.params["replacement"] == "inpaint"
    assert abs(float(falls[1, 1])) < 2e-2  # of 16 places with values to 33
    assert falls.abs().flatten()[torch.arange(9) != 4].min() > 1


def test_an_inpainted_window_falls_as_by_hand_whatever_lay_under_it(cnn: Model) -> None:
    image = torch.randn(2, 1, 12, 12)
    found = Occlusion(patch=5, stride=3, replacement="inpaint")(cnn, image, 2).params["falls"]
    hidden = torch.zeros(1, 1, 12, 12, dtype=torch.bool)
    hidden[..., 3:8, 6:11] = True  # the windows begin at 0, 3, 6 and 7
    expected = [cnn.logits(row[None])[0, 2] - cnn.logits(imputed(row, hidden))[0, 2] for row in image]
    torch.testing.assert_close(found[:, 1 * 4 + 2].float(), torch.stack(expected), atol=1e-5, rtol=1e-4)


def test_an_image_that_is_hidden_as_a_whole_is_inpainted_with_its_mean(cnn: Model) -> None:
    image = torch.randn(1, 1, 12, 12)
    one, other = (Occlusion(12, 12, replacement=choice)(cnn, image, 1).values for choice in ("inpaint", "mean"))
    torch.testing.assert_close(one, other)


def test_inpainting_is_refused_where_there_is_no_image() -> None:
    model = Model(nn.Linear(6, 2), "table", ("a", "b"), GREY)
    with pytest.raises(ShapeError, match="'inpaint' was asked of inputs shaped"):
        Occlusion(replacement="inpaint")(model, torch.randn(1, 6))
