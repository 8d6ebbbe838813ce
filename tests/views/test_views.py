"""What every view owes its reader: its numbers in words, in a table and in a picture that comes out the same each time."""

import re
import struct
import sys
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import torch
from lxml import etree

from netlens import views
from netlens.behaviour import calibration, performance
from netlens.explain import Attribution, GradCAM, IntegratedGradients, Saliency, SmoothGrad
from netlens.views.base import _render
from tests.views.test_attention import MAKE as ATTENTION
from tests.views.test_behaviour import MAKE as BEHAVIOUR
from tests.views.test_columns import MAKE as COLUMNS
from tests.views.test_comparison import MAKE as COMPARISON
from tests.views.test_features import MAKE as FEATURES
from tests.views.test_internals import MAKE as INSIDE
from tests.views.test_quality import MAKE as QUALITY
from tests.views.test_sequences import MAKE as SEQUENCES
from tests.views.test_series import MAKE as SERIES


@pytest.fixture(scope="module")
def seen(learned, digits):
    """Everything that a view may show, small: a model, its record, answers to a split, and explanations."""
    model, record = learned
    test = digits[1]
    exam = test.all()
    result = performance(model.logits(exam.inputs), exam.labels, model.classes)
    batch = test.take([0, 1, 2])
    return {
        "record": record,
        "test": test,
        "result": result,
        "trust": calibration(result.probabilities, result.labels, simulations=50),
        "batch": batch,
        "worst": test.take(result.mistakes(5)),
        "maps": [method(model, batch.inputs) for method in (Saliency(), SmoothGrad(4), IntegratedGradients(), GradCAM())],
        "layers": [GradCAM(layer)(model, batch.inputs) for layer in ("conv1", "pool2")],
    }


FINDINGS = pd.DataFrame(
    {
        "title": ["Right answers", "Groups"],
        "verdict": ["PASS", "NOT SHOWN"],
        "told": ["2 of 2 passed", "not tested"],
        "more": ["a", "b"],
    }
)
TEXT = Attribution(torch.tensor([[0.0, 1.0, -2.0]]), torch.tensor([1]), "occlusion")
WORDED = replace(
    TEXT,
    params={"words": (("a", "fine", "bore"),), "feature_values": TEXT.values, "feature_spread": torch.tensor([[0.0, 0.6, 0.1]])},
)
MAKE = {
    "samples": lambda seen: views.samples(seen["batch"], seen["test"].classes),
    "mistakes": lambda seen: views.mistakes(seen["worst"], seen["result"]),
    "curves": lambda seen: views.curves(seen["record"]),
    "gradient_flow": lambda seen: views.gradient_flow(seen["record"]),
    "confusion": lambda seen: views.confusion(seen["result"]),
    "forest": lambda seen: views.forest(seen["result"]),
    "outputs": lambda seen: views.outputs(seen["result"]),
    "reliability": lambda seen: views.reliability(seen["trust"]),
    "methods_by_samples": lambda seen: views.methods_by_samples(seen["maps"], seen["batch"], seen["test"].classes),
    "layer_by_layer": lambda seen: views.layer_by_layer(seen["layers"], seen["batch"], seen["test"].classes),
    "steps": lambda _: views.steps([2, 4, 8], [0.3, 0.02, 0.004], tolerance=0.01),
    "verdicts": lambda _: views.verdicts(FINDINGS),
    "class_counts": lambda _: views.class_counts({"a": 5, "b": 9}, {"a": 3, "b": 3}),
    "pictures": lambda seen: views.pictures(seen["batch"].raw, ["+0.5", "a\nb", "0"], "One window is black."),
    "seeds": lambda _: views.seeds([50, 100], {"LIME": [0.25, 0.5], "SHAP": [0.75, 0.97]}),
    "words": lambda _: views.words(TEXT, ["a", "fine", "bore"], subject="praise"),
    "texts": lambda _: views.texts(WORDED, ["poor", "fine"]),
    "methods_by_words": lambda _: views.methods_by_words(
        [WORDED, replace(WORDED, method="lime", values=-WORDED.values)], subject="praise"
    ),
    "cloud": lambda _: views.cloud(["fine", "bore", "fine"], [1.0, -3.0, 2.0], subject="praise"),
    "bars": lambda seen: views.bars(seen["maps"][1], subject="zero"),
    "waterfall": lambda seen: views.waterfall(seen["maps"][2], subject="zero"),
    "force": lambda seen: views.force(seen["maps"][3], subject="zero"),
}


def key_numbers(name, seen):
    """What the words of a view must say: alt text, then caption; computed here anew."""
    record, result, trust, batch = seen["record"], seen["result"], seen["trust"], seen["batch"]
    wrong = int((result.predictions != result.labels).sum())
    sure = result.probabilities.max(1)
    surest = views.percent(max(sure[result.predictions != result.labels]))
    recall = {rate.value: name for rate, name in zip(result.recall, result.classes, strict=True)}
    last = views.percent(float(record.test_accuracy[-1]))
    medians = np.median(record.gradient_norm, axis=0)
    ink = [views.percent(_ink_share(one, batch), 0) for one in seen["maps"]]
    largest = seen["maps"][1].values[0].flatten()
    total = seen["maps"][2].values[0].sum().item()
    up = seen["maps"][3].values[0].clamp(min=0).sum().item()
    return {
        "samples": (["3 images", ", ".join(str(label) for label in batch.labels.tolist())], ["3 images"]),
        "mistakes": (["The 5 wrong answers", f"{surest} sure"], ["The 5 wrong answers"]),
        "curves": ([f"{len(record.loss)} steps in 3 epochs", f"to {record.test_loss[-1]:.3f}", f"to {last}"], [last]),
        "gradient_flow": (["conv1, conv2, fc1, fc2", f"{medians.max() / medians.min():.1f} times"], [f"{medians.max() / medians.min():.1f}"]),
        "confusion": ([f"10 classes and 359 samples with {wrong} wrong answers"], [f"{wrong} of 359 answers are wrong"]),
        "forest": ([f"lowest for {recall[min(recall)]}, {views.percent(min(recall))}"], [views.percent(result.accuracy.value)]),
        "outputs": ([f"{views.percent(float((sure[result.predictions == result.labels] > 0.95).mean()))} of the right"], [f"its {wrong} wrong"]),
        "reliability": ([views.percent(trust.ece), views.percent(trust.null)], [views.percent(trust.ece), views.percent(trust.null)]),
        "methods_by_samples": (["3 images in columns", "4 explanations", *ink], ink),
        "layer_by_layer": (["3 images", "conv1 (8 by 8)", "pool2 (2 by 2)"], ["2 layers"]),
        "steps": (["30 % with 2 steps", "0.4 % with 8", "below 1 % from 8 steps on"], ["below 1 % from 8 steps on"]),
        "verdicts": (["2 areas", "Right answers: PASS, 2 of 2 passed; Groups: NOT SHOWN, not tested"], ["PASS and FAIL need evidence"]),
        "class_counts": (["2 classes", "from 5 (a) to 9 (b)", "every class has 3 test samples"], ["from 5 (a) to 9 (b)"]),
        "words": (["3 words", "“bore” -2, “fine” +1, “a” +0 logits"], ["“bore” -2, “fine” +1"]),
        "texts": (["1 text with its words", "why “fine”? “bore” -2."], ["one scale for all", "why “fine”? “bore” -2."]),
        "methods_by_words": (
            ["3 words for praise by Occlusion, LIME", "All put “bore” first."],
            ["Lines: two standard errors.", "They differ most on “a”, from +0.00 to +0.00."],
        ),
        "cloud": (["2 words", "“bore” -3, “fine” +1.5 logits"], ["“bore” -3, “fine” +1.5"]),
        "pictures": (["3 images: +0.5; a, b; 0. One window is black."], ["One window is black."]),
        "seeds": (2 * [["LIME: 0.25 with 50 passes, 0.50 with 100; SHAP: 0.75 with 50 passes, 0.97 with 100"]]),
        "bars": (["the 12 largest of 64", f"{max(largest.tolist(), key=abs):+.2f} logits"], ["zero", "all 64 values"]),
        "waterfall": ([f"add up to {total:+.2f} logits"], [f"{total:+.2f}"]),
        "force": ([f"up by {up:.2f}", "0 push it down by 0.00", f"together {up:+.2f}"], [f"{up:+.2f} logits"]),
    }[name]  # fmt: skip


def _ink_share(attribution, batch):
    """The mean share of a map that lies on the ink, pixel by pixel."""
    shares = []
    for values, raw in zip(attribution.values.double().sum(1).abs().numpy(), batch.raw, strict=True):
        stretched = np.kron(values, np.ones((raw.shape[0] // values.shape[0], raw.shape[1] // values.shape[1])))
        shares.append(stretched[raw > 127.5].sum() / stretched.sum())
    return float(np.mean(shares))


@pytest.mark.parametrize("name", MAKE)
def test_the_words_hold_the_numbers(name, seen):
    view = MAKE[name](seen)
    in_alt, in_caption = key_numbers(name, seen)
    assert [text for text in in_alt if text not in view.alt] == [], view.alt
    assert [text for text in in_caption if text not in view.caption] == [], view.caption
    for words in (view.alt, view.caption):
        assert words.endswith((".", "**"))
        assert not re.search(r"\bnan\b|\binf\b|  ", words)


@pytest.mark.parametrize("name", MAKE)
def test_a_view_is_shown_for_screens_for_print_and_in_words(name, seen):
    view = MAKE[name](seen)
    before = dict(mpl.rcParams)
    data, metadata = view._repr_mimebundle_()
    assert set(data) == {"image/png", "image/svg+xml", "text/plain"}
    assert metadata["netlens"] == {"alt": view.alt, "caption": view.caption}
    assert data["text/plain"] == view.alt
    assert struct.unpack(">II", data["image/png"][16:24])[0] > 1.9 * metadata["image/png"]["width"]
    root = etree.fromstring(data["image/svg+xml"].encode())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert dict(mpl.rcParams) == before
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


@pytest.mark.parametrize("name", MAKE)
def test_a_picture_is_the_same_twice(name, seen):
    first, second = (_render(MAKE[name](seen).figure(), "svg") for _ in range(2))
    assert first == second


def test_every_view_is_tested():
    names = {name for name in views.__all__ if callable(getattr(views, name)) and name[0].islower()}
    tables = {"table", "rates", "policy", "ranking", "stamps", "layers", "weight_table"}
    made = set(MAKE).union(ATTENTION, BEHAVIOUR, COLUMNS, COMPARISON, FEATURES, INSIDE, QUALITY, SEQUENCES, SERIES)
    assert names - {"claim", "say", "percent", "name_of"} - tables == made, (
        "give the new view a place in MAKE and its words in key_numbers"
    )


def test_text_in_a_figure_for_print_stays_text(seen):
    svg = etree.fromstring(_render(MAKE["curves"](seen).figure(), "svg"))
    words = {"".join(node.itertext()).strip() for node in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"Loss (cross-entropy, nats)", "Accuracy", "step"} <= words


def test_tables_hold_what_is_drawn(seen):
    result, record = seen["result"], seen["record"]
    assert np.array_equal(MAKE["confusion"](seen).frame().to_numpy(), result.confusion)
    forest = MAKE["forest"](seen).frame()
    assert forest["recall low"].tolist() == [rate.low for rate in result.recall]
    assert forest["precision n"].tolist() == [rate.n for rate in result.precision]
    outputs = MAKE["outputs"](seen).frame()
    assert outputs["right"].sum() == result.accuracy.hits
    assert outputs["right"].sum() + outputs["wrong"].sum() == result.accuracy.n
    curves = MAKE["curves"](seen).frame()
    assert curves["test accuracy"].tolist() == record.test_accuracy.tolist()
    assert curves["training accuracy"].tolist() == pytest.approx(record.accuracy.reshape(3, -1).mean(1).tolist())
    flow = MAKE["gradient_flow"](seen).frame()
    assert flow["weight norm, start"].tolist() == record.weight_norm[0].tolist()
    assert flow["gradient norm, last 10 steps"].tolist() == pytest.approx(record.gradient_norm[-10:].mean(0).tolist())
    reliable = MAKE["reliability"](seen).frame()
    assert reliable["samples"].sum() == 359
    assert reliable["accuracy"].tolist() == [rate.value for rate in seen["trust"].accuracy if rate.n]
    assert MAKE["mistakes"](seen).frame()["sample"].tolist() == result.mistakes(5)
    assert MAKE["class_counts"](seen).frame().to_numpy().tolist() == [["a", 5, 3], ["b", 9, 3]]
    assert len(MAKE["methods_by_samples"](seen).frame()) == 4 * 3
    assert MAKE["layer_by_layer"](seen).frame()["size"].tolist() == ["8x8"] * 3 + ["2x2"] * 3


def test_a_table_may_be_changed_without_changing_the_view(seen):
    view = MAKE["confusion"](seen)
    frame = view.frame()
    frame.iloc[:] = 0
    assert view.frame().to_numpy().sum() == 359


@pytest.mark.parametrize(("suffix", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_a_view_can_be_saved_and_is_the_same_twice(tmp_path, seen, suffix, start):
    view = MAKE["steps"](seen)
    first, second = (view.save(tmp_path / f"{number}.{suffix}").read_bytes() for number in (1, 2))
    assert first == second
    assert first.startswith(start)
