"""Views of what was measured of explanations: numbers in words, verdicts in the picture, every picture drawn."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from lxml import etree

from netlens import views
from netlens.errors import UsageError
from netlens.explain import LIME, GradCAM, GradientXInput, GuidedBackprop, Saliency
from netlens.quality.base import Curve, Score
from netlens.quality.faithfulness import Insertion
from netlens.quality.known_answers import known_answers
from netlens.quality.planted import planted_patch, table_formula, trigger_token
from netlens.quality.ranking import Ranked, rank
from netlens.quality.sanity import randomise
from netlens.quality.stamp import Policy
from netlens.views.base import _render
from netlens.views.believed import _apart


@pytest.fixture(scope="module")
def measured(learned, digits):
    model, batch = learned[0], digits[1].take(12)
    methods = [Saliency(), GuidedBackprop(), GradCAM(), GradientXInput()]
    ranking = rank(model, batch, methods)
    return {
        "model": model,
        "batch": batch,
        "ranking": ranking,
        "gaps": {one.method: one.faithfulness for one in ranking.methods},
        "stamps": {one.method: one.stamp for one in ranking.methods},
        "sanity": [randomise(one, model, batch.inputs, draws=1) for one in (Saliency(), GuidedBackprop())],
        "known": known_answers([Saliency(), GradCAM()], [table_formula(6), trigger_token(6)]),
        "planted": known_answers([Saliency(), GradCAM(), LIME()], [planted_patch(6)]),
    }


MAKE = {
    "agreement_matrix": lambda seen: views.agreement_matrix(seen["ranking"].agreement),
    "hiding_curves": lambda seen: views.hiding_curves(seen["gaps"]),
    "sanity_curve": lambda seen: views.sanity_curve(seen["sanity"]),
    "broken_rows": lambda seen: views.broken_rows(seen["sanity"], seen["batch"], stamps=seen["stamps"]),
    "known_answers": lambda seen: views.known_answers(seen["known"]),
    "marker_found": lambda seen: views.marker_found(seen["planted"]),
    "pareto": lambda seen: views.pareto(seen["ranking"]),
}


def number(value):
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def first_two(batch):
    """The first two samples of a batch."""
    return replace(batch, inputs=batch.inputs[:2], raw=batch.raw[:2], labels=batch.labels[:2], ids=batch.ids[:2])


def texts(view):
    root = etree.fromstring(_render(view.figure(), "svg"))
    return ["".join(node.itertext()).strip() for node in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", MAKE)
def test_a_picture_is_the_same_twice_and_words_are_whole(name, measured):
    view = MAKE[name](measured)
    assert _render(view.figure(), "svg") == _render(MAKE[name](measured).figure(), "svg")
    for words in (view.alt, view.caption):
        assert words.endswith(".")
        assert not re.search(r"\bnan\b|\binf\b|  ", words)
    assert len(view.frame()) > 0


def test_the_matrix_says_who_is_most_and_least_alike(measured):
    view, frame = MAKE["agreement_matrix"](measured), measured["ranking"].agreement.frame()
    assert number(frame["similarity"].max()) in view.alt
    assert number(frame["similarity"].min()) in view.caption
    assert number(frame["similarity"].iloc[2]) in texts(view)


def test_the_curves_hold_the_gap_and_its_interval(measured):
    view, gap = MAKE["hiding_curves"](measured), measured["gaps"]["saliency"]
    said = f"Gradient {number(gap.mean)} ({number(gap.low)} to {number(gap.high)})"
    assert said in view.alt
    drawn = view.frame().query("method == 'Gradient'")
    assert drawn["answer"].tolist() == pytest.approx(gap.curves[0].own.mean(0).tolist())
    assert drawn["share touched"].iloc[[0, -1]].tolist() == pytest.approx([0, 1])


def test_insertion_is_told_as_showing(measured):
    model, batch = measured["model"], measured["batch"]
    view = views.hiding_curves({"saliency": Insertion()(model, Saliency()(model, batch.inputs), batch.inputs)})
    assert "are shown in the order of the map" in view.caption
    assert "share of the pixels that is shown" in texts(view)


def test_curves_of_inputs_with_few_features_are_averaged_at_the_same_shares():
    line = torch.tensor([[4.0, 3.0, 2.0, 1.0, 0.0], [4.0, 0.0, 0.0, 0.0, 0.0]])
    share = torch.tensor([[0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 1.0, 1.0, 1.0, 1.0]], dtype=torch.float64)
    score = Score("deletion", line[:, 0], 4.0, 4.0, 4.0, 2, "higher", curves=(Curve("black", share, line, line),))
    frame = views.hiding_curves({"saliency": score}).frame()
    assert frame["share touched"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert frame["answer"].tolist() == pytest.approx([4, 3, 2, 1, 0])  # both are the same straight line


def test_one_stage_is_told_as_before_and_after(measured):
    sane = [one.sanity for one in measured["ranking"].methods]
    view = views.broken_rows(sane, measured["batch"])
    assert "before and after fc2 … conv2 were made random" in view.alt
    assert view.caption.startswith("On the right the network is random")
    assert texts(view).count("intact") == 1


def test_the_sanity_curve_tells_what_is_kept_beside_the_control(measured):
    view, result = MAKE["sanity_curve"](measured), measured["sanity"][1]
    kept, control = result.kept[result.decisive].mean().item(), result.controls[result.control].mean().item()
    assert f"Guided backprop {number(kept)}, control {number(control)}" in view.alt
    assert {"controls", "intact", "+ conv2"} <= set(texts(view))


def test_a_map_that_is_no_evidence_says_so_in_the_picture(measured):
    assert measured["stamps"]["guided_backprop"].verdict == "not evidence"
    assert texts(MAKE["broken_rows"](measured)).count("not evidence") == 1
    model, batch = measured["model"], measured["batch"]
    maps = [method(model, batch.inputs) for method in (Saliency(), GuidedBackprop())]
    view = views.methods_by_samples(maps, batch, model.classes, stamps={"guided_backprop": measured["stamps"]["guided_backprop"]})
    assert texts(view).count("not evidence") == len(batch)
    assert "Stamped “not evidence”, by measurement: Guided backprop." in view.caption
    shown = views.methods_by_samples(
        [GuidedBackprop()(model, batch.inputs[:2])], first_two(batch), model.classes, stamps=measured["stamps"]
    )
    assert texts(shown).count("not evidence") == 2  # measured on other inputs: the method's verdict
    assert "not evidence" not in texts(views.methods_by_samples(maps, batch, model.classes))


def test_known_answers_show_chance_and_what_does_not_apply(measured):
    view = MAKE["known_answers"](measured)
    assert texts(view).count("does not apply") == 2
    assert "trigger token: 0.08 for all that apply" in view.alt
    assert "chance 0.08" in " ".join(texts(view))
    assert "1.33" not in view.alt
    assert len(views.known_answers(measured["known"], "error").frame()) == 4


def test_a_planted_marker_is_told_with_the_share_inside_and_chance(measured):
    view, table = MAKE["marker_found"](measured), measured["planted"].frame().set_index("method")
    best = table["mass"].idxmax()
    assert view.frame()["method"].iloc[0] == views.name_of(best)
    assert f"{views.name_of(best)} {views.percent(table['mass'][best], 0)}, largest place inside" in view.alt
    assert f"By chance it would be {views.percent(measured['planted'].truths[0].chance)}" in view.caption
    with pytest.raises(UsageError, match=r"2 truths came\. Expected one, of images"):
        views.marker_found(measured["known"])


def test_the_front_is_ringed_and_named(measured):
    view, frame = MAKE["pareto"](measured), measured["ranking"].frame()
    names = [views.name_of(name) for name in frame.sort_values("passes")["method"][frame.sort_values("passes")["pareto"]]]
    assert f"On the front: {', '.join(names)}." in view.caption
    assert "Guided backprop" not in view.caption
    assert views.pareto(measured["ranking"], "seconds").alt.startswith("Scatter plot of faithfulness against seconds")


def test_a_front_of_nobody_is_refused(measured):
    nobody = replace(measured["ranking"], methods=(Ranked("grad_cam", reason="it has no maps"),), agreement=None)
    with pytest.raises(UsageError, match="no method gave an answer"):
        views.pareto(nobody)
    assert views.ranking(nobody).frame["faithfulness"].tolist() == ["–"]


def test_labels_keep_apart():
    placed = _apart(np.array([1.0, 1.1, 1.2, 3.0]), np.array([0.5, 0.5, 0.51, 0.5]))
    assert np.diff(np.sort(placed[:3])).min() > 0.03
    assert placed[3] == 0.5


def test_tables_tell_rules_and_reasons(measured):
    told = views.stamps(list(measured["stamps"].values())).frame.set_index("method")
    assert told.loc["Guided backprop", "stamp"] == "not evidence"
    assert told.loc["Guided backprop", "why"].startswith("sanity 0.")
    ranked = views.ranking(measured["ranking"]).frame
    assert ranked["method"].tolist() == [views.name_of(name) for name in measured["ranking"].frame()["method"]]
    assert views.policy(Policy()).frame["value"].tolist() == [0.0, 0.6, 0.1, 0.4, 4]
