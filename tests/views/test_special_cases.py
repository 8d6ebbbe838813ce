"""Views of unusual results: nothing to see, nothing wrong, too little, or the opposite of what is usual."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from netlens import views
from netlens.behaviour import calibration, performance
from netlens.data import Batch, Dataset, Preprocess
from netlens.explain import Attribution
from netlens.training import Record
from netlens.views.attribution import reduce, unsure_places
from netlens.views.marks import limits
from netlens.views.training import smooth


def texts(view):
    """The words in a figure."""
    figure = view.figure()
    figure.canvas.draw()
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def attribution(values, **more):
    values = torch.as_tensor(values, dtype=torch.float32)
    return Attribution(values, torch.zeros(len(values), dtype=torch.long), "saliency", **more)


@pytest.fixture
def batch():
    """Two images: one with a bright square, one all dark."""
    raw = np.zeros((2, 4, 4), dtype=np.uint8)
    raw[0, 1:3, 1:3] = 255
    return Dataset("x", "test", ("a", "b"), raw, np.array([0, 1]), Preprocess((0.0,), (1.0,))).all()


def test_a_map_without_positive_values_says_so(batch):
    values = torch.zeros(2, 1, 4, 4)
    values[0, 0, 1, 1] = 2
    values[1] = -1
    assert texts(views.methods_by_samples([attribution(values)], batch, ("a", "b"))).count("no positive evidence") == 1
    assert texts(views.methods_by_samples([attribution(0 * values)], batch, ("a", "b"))).count("no positive evidence") == 2
    layered = views.layer_by_layer([attribution(-values.abs(), layer="conv")], batch, ("a", "b"))
    assert texts(layered).count("no positive evidence") == 2


def test_values_that_do_not_add_up_are_stamped(batch):
    whole = attribution(torch.ones(2, 1, 4, 4), delta=torch.tensor([0.0, 8.0]), tolerance=0.01)
    view = views.methods_by_samples([whole], batch, ("a", "b"))
    assert texts(view).count("does not add up") == 1
    assert "Stamped: the values of Gradient do not add up to the answer." in view.alt
    good = views.methods_by_samples([replace(whole, delta=torch.zeros(2))], batch, ("a", "b"))
    assert "does not add up" not in texts(good)
    assert "Stamped" not in good.caption


def test_places_whose_sign_is_not_certain_are_told():
    one = attribution([[[[3.0, 1.9, 0.0, -1.9]]]], spread=torch.tensor([[[[1.0, 1.0, 1.0, 1.0]]]]))
    assert unsure_places(one).tolist() == [[[False, True, False, True]]]
    assert unsure_places(attribution([[[[3.0]]]])) is None


def test_a_dark_image_has_no_outline_and_no_warning(batch):
    views.methods_by_samples([attribution(torch.ones(2, 1, 4, 4))], batch, ("a", "b")).figure().canvas.draw()


def test_a_colour_image_is_shown():
    raw = np.random.default_rng(0).integers(0, 256, (1, 6, 6, 3), dtype=np.uint8)
    batch = Dataset("x", "test", ("a",), raw, np.array([0]), Preprocess((0.0,) * 3, (1.0,) * 3)).all()
    values = torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    view = views.methods_by_samples([attribution(values)], batch, ("a",))
    view.figure().canvas.draw()
    assert view.frame()["sum"][0] == pytest.approx(values.sum().item(), rel=1e-5)


def test_channels_are_summed_with_their_signs():
    assert reduce(attribution([[[[1.0]], [[-3.0]]]])).tolist() == [[[-2.0]]]


def test_the_scale_is_symmetric_and_never_empty():
    assert limits(np.array([-4.0, 1.0])) == pytest.approx(np.percentile([1, 4], 99.5))
    assert limits(np.zeros(3)) == 1


def test_steps_that_fall_unevenly_are_not_said_to_stay_below():
    uneven = views.steps([2, 4, 8, 16], [0.3, 0.005, 0.02, 0.004], tolerance=0.01)
    assert "It is below 1 % from 16 steps on." in uneven.alt
    assert "It never stays below 1 %." in views.steps([2, 4], [0.005, 0.3], tolerance=0.01).alt


def one_class_missing():
    logits = torch.tensor([[2.0, 0, 0], [2.0, 0, 0], [0, 2.0, 0]])
    return performance(logits, torch.tensor([0, 1, 1]), ("ant", "bee", "cat"))


def test_a_class_without_samples_is_drawn_as_a_gap():
    result = one_class_missing()
    view = views.forest(result)
    view.figure().canvas.draw()
    assert "Recall is lowest for bee, 50 %" in view.alt
    assert "cat" not in view.alt
    for make in (views.confusion, views.outputs):
        make(result).figure().canvas.draw()


def test_a_perfect_model_has_no_confusion():
    result = performance(9 * torch.eye(3).repeat(40, 1), torch.arange(3).repeat(40), ("ant", "bee", "cat"))
    confusion = views.confusion(result)
    assert "with 0 wrong answers. Most frequent: none." in confusion.alt
    assert confusion.caption.endswith("0 of 120 answers are wrong.")
    for view in (confusion, views.outputs(result), views.forest(result)):
        view.figure().canvas.draw()
    trust = views.reliability(calibration(result.probabilities, result.labels, simulations=20))
    trust.figure().canvas.draw()
    assert "1 bin that holds samples" in trust.alt


def test_intervals_that_do_not_overlap_are_said_to_differ():
    labels = torch.arange(2).repeat(300)
    logits = torch.nn.functional.one_hot(labels, 2).float()
    logits[1:200:2] = torch.tensor([1.0, 0.0])
    told = views.forest(performance(logits, labels, ("ant", "bee"))).caption
    assert told.endswith("The highest, ant, lies above it by more than chance explains.")
    few = performance(logits[:4], labels[:4], ("ant", "bee"))
    assert "chance alone could explain the gap" in views.forest(few).caption


def test_of_equal_classes_two_are_rarely_said_to_differ():
    labels, names = torch.arange(10).repeat(100), tuple("abcdefghij")
    said = []
    for seed in range(100):
        wrong = torch.rand(1000, generator=torch.Generator().manual_seed(seed)) > 0.9
        answers = torch.where(wrong, (labels + 1) % 10, labels)
        caption = views.forest(performance(torch.nn.functional.one_hot(answers, 10).float(), labels, names)).caption
        said.append("by more than chance explains" in caption)
    assert sum(said) <= 3


def test_no_class_is_the_weakest_when_all_are_found_equally_often():
    perfect = views.forest(performance(9 * torch.eye(3).repeat(40, 1), torch.arange(3).repeat(40), ("ant", "bee", "cat")))
    assert perfect.caption.endswith("right answers over all, 100 %. Every class is found equally often, 100 %.")


def test_the_first_pages_of_a_report_speak_plainly(batch):
    result = one_class_missing()
    found = views.forest(result).caption
    assert "Found least often: **bee**, 50 %" in found
    trust = views.reliability(calibration(result.probabilities, result.labels, simulations=20)).caption
    assert "a model that is right as often as it says shows no more than" in trust
    maps = views.methods_by_samples([attribution(torch.ones(2, 1, 4, 4))], batch, ("a", "b")).caption
    assert "the largest 1 in 200 values have its end colours" in maps
    for words in (found, trust, maps):
        assert not re.search(r"Wilson|percentile|logarithm|calibrated|recall", words)


def test_the_confusions_are_counted_in_words():
    labels = torch.tensor([0, 0, 0, 1, 1, 2])
    answers = torch.tensor([1, 1, 1, 2, 2, 0])
    result = performance(torch.nn.functional.one_hot(answers, 3).float(), labels, ("ant", "bee", "cat"))
    assert (
        "Most frequent: ant read as bee, 3 times; bee read as cat, twice; cat read as ant, once." in views.confusion(result).alt
    )


def test_overconfidence_is_said_and_bins_outside_the_band_are_counted():
    sure = np.full((200, 2), (0.95, 0.05))
    labels = np.repeat([0, 1], 100)
    view = views.reliability(calibration(sure, labels, simulations=50))
    assert "is 45 %, more than chance explains" in view.alt
    assert "1 bin lies outside the band" in view.alt


def record(**changes):
    steps = 6
    usual = {
        "layers": ("conv", "fc"),
        "loss": np.linspace(2, 1, steps),
        "accuracy": np.linspace(0.1, 0.6, steps),
        "gradient_norm": np.tile([1.0, 3.0], (steps, 1)),
        "weight_norm": np.tile([2.0, 5.0], (steps, 1)),
        "test_loss": np.array([1.5, 1.0]),
        "test_accuracy": np.array([0.5, 0.6]),
    }
    arrays = {key: value if key == "layers" else np.asarray(value, dtype=np.float32) for key, value in (usual | changes).items()}
    return Record(**arrays)


def test_curves_say_which_way_they_go():
    better = views.curves(record())
    assert "falls from 1.500 after the first epoch to 1.000; its accuracy rises from 50 % to 60 %." in better.alt
    worse = views.curves(record(test_loss=[1.0, 1.5], test_accuracy=[0.6, 0.5]))
    assert "rises from 1.000 after the first epoch to 1.500; its accuracy falls from 60 % to 50 %." in worse.alt
    same = views.curves(record(test_accuracy=[0.5, 0.5]))
    assert "its accuracy stays at 50 %." in same.alt


@pytest.mark.parametrize("steps", [1, 2])
def test_curves_of_very_few_steps_are_drawn(steps):
    few = record(
        loss=np.ones(steps), accuracy=np.ones(steps), gradient_norm=np.ones((steps, 2)), weight_norm=np.ones((steps, 2)),
        test_loss=np.ones(steps), test_accuracy=np.ones(steps),
    )  # fmt: skip
    for view in (views.curves(few), views.gradient_flow(few)):
        view.figure().canvas.draw()


def test_the_mean_of_the_last_steps():
    assert smooth(np.array([1, 2, 3, 4], dtype=np.float32), 2).tolist() == [1, 1.5, 2.5, 3.5]
    assert smooth(np.array([1, 2, 3, 4], dtype=np.float32), 1).tolist() == [1, 2, 3, 4]


def test_a_healthy_and_a_starved_layer_are_told_apart():
    healthy = views.gradient_flow(record())
    assert "3.0 times less" in healthy.alt
    assert "no layer starves, none explodes" in healthy.caption
    starved = views.gradient_flow(record(gradient_norm=np.tile([0.001, 3.0], (6, 1))))
    assert "factor of 3000: `conv` learns next to nothing beside `fc`" in starved.caption


def test_a_layer_that_does_not_learn_at_all_is_named():
    frozen = views.gradient_flow(record(gradient_norm=np.tile([0.0, 3.0], (6, 1))))
    frozen.figure().canvas.draw()
    assert "No gradient reaches conv." in frozen.alt
    assert "No gradient reaches `conv`" in frozen.caption
    assert not re.search(r"\binf\b|\bnan\b", frozen.alt + frozen.caption)


def test_one_image_has_one_label():
    data = Dataset("x", "test", ("a", "b"), np.zeros((1, 4, 4), np.uint8), np.array([1]), Preprocess((0.0,), (1.0,)))
    assert views.samples(data.all(), data.classes).alt == "1 image, labelled b."


def test_many_areas_fit_in_rows_of_five():
    rows = pd.DataFrame({"title": ["Unfamiliar inputs"] * 7, "verdict": ["FAIL"] * 7, "told": ["0 of 3 passed"] * 7})
    view = views.verdicts(rows)
    assert sum("FAIL" in text for text in texts(view)) == 7


def test_a_colour_image_lies_under_its_map_and_has_no_ink():
    raw = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 3)).astype(np.uint8)
    batch = Batch(torch.zeros(1, 3, 8, 8), raw, torch.tensor([0]), np.arange(1))
    values = torch.zeros(1, 3, 8, 8)
    values[0, :, 2, 3] = 1.0
    view = views.methods_by_samples([Attribution(values, torch.tensor([0]), "saliency")], batch, ("a", "b"))
    assert "ink" not in view.alt + view.caption
    assert "where the pale image shows, the value is about zero" in view.caption
    pale, shown = view.figure().axes[1].images
    assert pale.get_array().min() >= 0.5
    assert (shown.get_alpha() > 0).sum() == 1  # only the place with a value hides the image
