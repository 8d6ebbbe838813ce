"""Views of what is inside a network: the numbers are in the words, in the table and in the picture."""

import re

import numpy as np
import pytest
import torch

from netlens import internals, views
from netlens.capture import activations
from netlens.errors import ShapeError, UsageError
from netlens.internals.similarity import Similarity
from netlens.models.architectures import MnistMLP
from netlens.publish import turning
from netlens.views.base import _render
from netlens.views.projection import PLOTLY


@pytest.fixture(scope="module")
def inside(learned, digits):
    """A small network and everything that was read in it."""
    model, _ = learned
    test = digits[1]
    exam = test.take(80)
    with activations(model, list(model.layers)) as kept, torch.no_grad():
        model.net(exam.inputs)
    deep = {kind: internals.deep(kind, 64, 10, depth=5, width=16) for kind in ("sigmoid", "relu")}
    return {
        "model": model,
        "test": test,
        "batch": exam,
        "kept": kept,
        "plan": internals.architecture(model, exam.inputs[:1]),
        "weights": internals.weights(model),
        "filters": internals.filters(model, exam.inputs),
        "survey": internals.survey(model, exam.inputs, top=4),
        "idle": internals.idle(model, exam.inputs),
        "similarity": internals.similarity(model, exam.inputs),
        "plane": internals.projection(model, test, most=80),
        "space": internals.projection(model, test, axes=3, most=80),
        "flows": {kind: internals.learn(net, exam.inputs, exam.labels, steps=4) for kind, net in deep.items()},
    }


MAKE = {
    "architecture": lambda inside: views.architecture(inside["plan"]),
    "filters": lambda inside: views.filters(inside["filters"]),
    "weight_histograms": lambda inside: views.weight_histograms(inside["weights"]),
    "spectra": lambda inside: views.spectra(inside["weights"]),
    "maps": lambda inside: views.maps(inside["kept"], inside["batch"]),
    "exciting": lambda inside: views.exciting(inside["survey"], inside["test"], "pool2", [0, 5]),
    "idle": lambda inside: views.idle(inside["idle"]),
    "response": lambda inside: views.response(
        inside["kept"]["relu3"][:, 0].tolist(), inside["batch"].labels.tolist(), inside["test"].classes, "unit 0"
    ),
    "similarity": lambda inside: views.similarity(inside["similarity"]),
    "projection": lambda inside: views.projection(inside["plane"]),
    "space": lambda inside: views.space(inside["space"]),
    "flows": lambda inside: views.flows(inside["flows"]),
    "gradient_histograms": lambda inside: views.gradient_histograms(inside["flows"]["relu"], "relu"),
    "steps_over_weights": lambda inside: views.steps_over_weights(inside["flows"]["relu"], "relu"),
}


def key_numbers(name, inside):
    """What the words of a view must say: in alt text and caption alike."""
    plan, idle, space = inside["plan"], inside["idle"], inside["space"]
    first = inside["kept"]["relu1"][0]
    top = first.amax((1, 2)).topk(8).indices
    dead = sum(int((function.awake == 0).sum()) for function in idle.functions)
    norms = inside["model"].net.conv1.weight.detach().flatten(1).norm(dim=1)
    values = inside["similarity"].values.copy()
    np.fill_diagonal(values, np.nan)
    flows = inside["flows"]
    wrong = int((space.answers != space.labels).sum())
    return {
        "architecture": [f"{plan.parameters:,} parameters", f"{plan.multiply_adds:,} multiply-adds"],
        "filters": [f"{norms.min():.2g} (unit {int(norms.argmin())}) to {norms.max():.2g} (unit {int(norms.argmax())})"],
        "weight_histograms": [f"{min(one.spread for one in inside['weights']):.2g}"],
        "spectra": [f"of {min(min(inside['weights'], key=lambda one: one.effective_rank / min(one.matrix)).matrix)}"],
        "maps": [f"relu1 {views.percent(float((first[top] > 0).float().mean()), 0)}"],
        "exciting": ["The 4 of 80 images", "unit 0: ", "unit 5: "],
        "idle": [f"{dead} of {32 + 64 + 500} units never pass a gradient in 80 samples"],
        "response": ["The median is highest for", "of the samples of other classes"],
        "similarity": [f"{np.nanmin(values):.2f}", "on 80 samples".replace("80", str(inside["similarity"].n))],
        "projection": [
            "500 numbers that fc2 receives, for 80 samples",
            f"{views.percent(sum(inside['plane'].kept), 0)} of the variance",
        ],
        "space": [f"{wrong} of them answered wrongly", f"{views.percent(space.agreement, 0)} have the same label"],
        "flows": [f"sigmoid: {flows['sigmoid'].verdict}", f"{flows['relu'].across:.1g} of the last one's"],
        "gradient_histograms": [f"{flows['relu'].gradient[0, 0]:.1g} in", flows["relu"].verdict],
        "steps_over_weights": [f"{np.nanmedian(flows['relu'].ratio, axis=0).max():.1g}"],
    }[name]


@pytest.mark.parametrize("name", MAKE)
def test_the_words_hold_the_numbers(name, inside):
    view = MAKE[name](inside)
    for text in key_numbers(name, inside):
        assert text in view.alt, view.alt
        assert text in view.caption, view.caption
    for words in (view.alt, view.caption):
        assert words.endswith((".", "**"))
        assert not re.search(r"\bnan\b|\binf\b|  ", words)
    assert "`" not in view.alt


@pytest.mark.parametrize("name", MAKE)
def test_a_picture_is_the_same_twice_and_has_a_table(name, inside):
    first, second = (_render(MAKE[name](inside).figure(), "svg") for _ in range(2))
    assert first == second
    assert len(MAKE[name](inside).frame()) > 0


def test_tables_hold_what_is_drawn(inside):
    blocks = MAKE["architecture"](inside).frame()
    assert blocks["multiply-adds"].sum() == inside["plan"].multiply_adds
    assert MAKE["exciting"](inside).frame()["peak"].max() == pytest.approx(inside["survey"]["pool2"].highest[[0, 5]].max())
    shown = MAKE["similarity"](inside).frame().drop(columns="layer").to_numpy()
    np.testing.assert_array_equal(shown, inside["similarity"].values)
    assert MAKE["response"](inside).frame()["samples"].sum() == 80
    labelled = MAKE["projection"](inside).frame()
    assert labelled["label"].tolist() == [inside["test"].classes[label] for label in inside["batch"].labels.tolist()]


def test_where_a_picture_would_mean_nothing_words_stand_in_its_place(inside):
    said = views.filters(internals.filters(inside["model"], inside["batch"].inputs, "fc1"))
    assert "A picture would mean nothing here" in said.text
    vectors = {"fc": torch.rand(3, 5)}
    assert "No layer of this network has maps" in views.maps(vectors, inside["batch"]).text


def test_maps_with_signs_have_colours_with_signs(inside):
    figure = views.maps({"conv1": inside["kept"]["conv1"], "relu1": inside["kept"]["relu1"]}, inside["batch"]).figure()
    images = [axes.images[0] for axes in figure.axes if axes.images]
    colours = {(image.get_cmap().name, image.get_clim()[0] < 0) for image in images[1:]}
    assert colours == {("RdBu_r", True), ("viridis", False)}
    for image in images[1:]:
        low, high = image.get_clim()
        assert low in (0, -high)


def test_of_many_layers_some_are_shown_from_the_first_to_the_last(inside):
    many = {f"layer{place}": inside["kept"]["conv1"] for place in range(30)}
    view = views.maps(many, inside["batch"], channels=[0])
    assert view.frame()["layer"].tolist()[::8] == ["layer0", "layer29"]
    assert "9 of the 30 layers with maps" in view.caption


def test_chosen_channels_are_shown(inside):
    frame = views.maps(inside["kept"], inside["batch"], channels=[3, 60]).frame()
    assert frame[frame["layer"] == "relu1"]["channel"].tolist() == [3]
    assert frame[frame["layer"] == "relu2"]["channel"].tolist() == [3, 60]


def test_colour_filters_and_large_tables_are_drawn(wrap_colour):
    found = internals.filters(wrap_colour, torch.rand(2, 3, 8, 8))
    view = views.filters(found, most=10)
    assert "the channels are the colours" in view.caption
    assert "The first 10 are shown" in view.caption
    many = tuple(f"layer{place}" for place in range(30))
    view = views.similarity(Similarity(many, many, np.eye(30), 64, ("a", "a")))
    assert _render(view.figure(), "png").startswith(b"\x89PNG")


@pytest.fixture
def wrap_colour():
    from netlens.data import Preprocess
    from netlens.models import Model

    net = torch.nn.Sequential(torch.nn.Conv2d(3, 20, 3), torch.nn.Flatten(), torch.nn.Linear(720, 3))
    return Model(net, "colour", ("a", "b", "c"), Preprocess((0.5,) * 3, (0.2,) * 3))


def test_a_scene_stands_beside_the_picture(inside):
    data, metadata = MAKE["space"](inside)._repr_mimebundle_()
    scene = data[PLOTLY]
    assert sum(len(trace["x"]) for trace in scene["data"]) == 80
    assert {trace["type"] for trace in scene["data"]} == {"scatter3d"}
    assert "image/png" in data
    assert "nearest class" in metadata["netlens"]["scene_table"]


def test_a_page_turns_the_scene_with_a_program_of_its_own(inside, tmp_path):
    data, metadata = MAKE["space"](inside)._repr_mimebundle_()
    page = turning.scene({"data": data, "metadata": metadata})
    assert not re.search(r"(?:https?:)?//", page)
    assert page.count("<table") == 1
    assert 'role="img" aria-label="Points in space' in page
    turning.copy_program([{"cells": [page]}], tmp_path)
    assert (tmp_path / turning.PROGRAM).stat().st_size > 1e6
    assert turning.scene({"data": {"image/png": ""}}) == ""


def test_no_program_is_copied_where_no_page_turns(tmp_path):
    turning.copy_program([{"cells": ["text"]}], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_deep_network_is_drawn_in_two_rows():
    import torchvision.models

    view = views.architecture(internals.architecture(torchvision.models.resnet18(weights=None), torch.rand(1, 3, 32, 32)))
    assert len(view.figure().axes) == 4
    assert view.frame()["layers"].tolist()[3] == "2 × BasicBlock"


def test_the_table_of_layers_is_whole():
    found = internals.architecture(MnistMLP(8), torch.rand(1, 1, 8, 8))
    assert views.layers(found).frame["parameters"].tolist()[1] == f"{64 * 256 + 256:,}"


def test_bad_questions_are_refused(inside):
    with pytest.raises(UsageError, match="pool2 has no unit 64"):
        views.exciting(inside["survey"], inside["test"], "pool2", [64])
    with pytest.raises(UsageError, match="kept no samples"):
        views.exciting(internals.survey(inside["model"], inside["batch"].inputs, top=0), inside["test"], "pool2", [1])
    with pytest.raises(ShapeError, match="the points have 2 axes"):
        views.space(inside["plane"])
    with pytest.raises(ShapeError, match="as many, and at least one"):
        views.response([1.0], [], ("a",), "unit")
