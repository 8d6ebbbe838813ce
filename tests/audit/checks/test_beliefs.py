"""NL551, NL552 and NL553: may explanations be believed?"""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from netlens.audit.checks import complete, faithful, sane, stable
from netlens.audit.checks.beliefs import Measured
from netlens.quality.base import Score
from netlens.quality.ranking import Ranked
from tests.audit.checks.planted import text
from tests.audit.checks.test_complete import Deaf
from tests.audit.conftest import Reader, subject

NONE = math.nan


def ranked(method, mean, low, high):
    """A method of which every measure found the same."""
    score = Score("x", torch.zeros(8), mean, low, high, 8, "higher")
    broken = SimpleNamespace(interval=(mean, low, high), excess=torch.zeros(8))
    return Ranked(method, faithfulness=score, stability=score, sanity=broken)


def asked(check, *methods):
    """A check of methods whose measures are given."""
    one = subject((9, 9, 9), 30)
    one.__dict__["ranking"] = SimpleNamespace(methods=methods)
    return check.run(one)


@pytest.mark.parametrize(
    ("check", "good", "unsure", "bad"),
    [
        (faithful.CHECK, (0.4, 0.3, 0.5), (0.1, -0.1, 0.3), (-0.2, -0.3, -0.1)),
        (stable.CHECK, (0.9, 0.8, 1.0), (0.6, 0.5, 0.7), (0.2, 0.1, 0.3)),
        (sane.CHECK, (0.0, -0.1, 0.1), (0.3, 0.05, 0.6), (0.8, 0.7, 0.9)),
    ],
)
def test_verdicts_over_several_methods(check, good, unsure, bad):
    first, second = ranked("saliency", *good), ranked("grad_cam", *good)
    assert asked(check, first, second).verdict == "PASS"
    assert asked(check, first, ranked("grad_cam", *unsure)).verdict == "WARN"
    mixed = asked(check, first, ranked("grad_cam", *bad))
    assert (mixed.verdict, mixed.value, mixed.n) == ("WARN", bad[0], 8)
    assert mixed.evidence["methods"]["grad_cam"]["verdict"] == "FAIL"
    assert asked(check, ranked("saliency", *bad), ranked("grad_cam", *bad)).verdict == "FAIL"
    unasked = asked(check, Ranked("grad_cam", reason="it has no maps"))
    assert (unasked.verdict, unasked.sentence) == ("NOT SHOWN", "No explanation could be tried.")


def test_not_shown_without_gradients():
    for check in (faithful.CHECK, stable.CHECK, sane.CHECK):
        assert check.run(subject((9, 9, 9), 30, net=Deaf(5.0))).missing == ("gradients",)


def test_of_texts_a_reader_is_told_why_nothing_is_shown():
    for check in (complete.CHECK, faithful.CHECK, stable.CHECK, sane.CHECK):
        found = check.run(text())
        assert (found.verdict, found.missing) == ("NOT SHOWN", ("gradients",))
        assert found.sentence == "This is measured with inputs that can be changed in small steps; words cannot."


def test_a_network_that_reads_what_it_shows_is_believed():
    one = replace(subject((2, 2, 2), 30), profile="quick")
    found = [check.run(one) for check in (faithful.CHECK, stable.CHECK)]
    assert [finding.verdict for finding in found] == ["PASS", "PASS"]
    assert all(finding.n == 4 for finding in found)


def test_the_quick_profile_shakes_each_sample_less_often_and_says_what_that_costs():
    class Counted(Reader):
        rows = 0.0

        def forward(self, inputs):
            Counted.rows += len(inputs) * (3 if torch.is_grad_enabled() and not torch.is_inference_mode_enabled() else 1)
            return super().forward(inputs)

    counted = {}
    for profile in ("quick", "standard"):
        one = subject((1, 1, 1), 2, net=Counted(5.0), profile=profile)
        assert one.finite
        Counted.rows = 0
        assert one.ranking.n == min(6, {"quick": 4, "standard": 12}[profile])
        counted[profile] = Counted.rows / one.ranking.n
    said = {n: stable.CHECK.passes(n) / n for n in (4, 12)}
    assert counted["standard"] - counted["quick"] == pytest.approx(said[12] - said[4], rel=0.1)


def some(**verdicts):
    return [Measured(name, 0, NONE, NONE, 8, verdict) for name, verdict in verdicts.items()]


def test_in_words():
    all_good, none = some(saliency="PASS", grad_cam="PASS"), some(saliency="FAIL", grad_cam="WARN")
    some_good = some(saliency="PASS", grad_cam="FAIL", lime="WARN")
    assert (
        faithful.sentence(all_good)
        == "Hiding what the explanations point at hurts the answer more than chance, for all 2 methods."
    )
    assert faithful.sentence(none) == "No explanation is shown to point at what the answer rests on better than chance does."
    assert faithful.sentence(some_good) == (
        "Hiding what Gradient points at hurts the answer more than chance; for LIME and Grad-CAM this is not shown."
    )
    assert stable.sentence(all_good) == "When the input hardly changes, the explanations stay, for all 2 methods."
    assert stable.sentence(none) == "When the input hardly changes, no explanation is shown to stay the same."
    assert stable.sentence(some_good) == (
        "When the input hardly changes, Gradient tells the same story; for LIME and Grad-CAM this is not shown."
    )
    assert sane.sentence(all_good) == "With its learning undone, the network's explanations change, for all 2 methods."
    assert sane.sentence(some_good) == (
        "With the network's learning undone, Grad-CAM still shows much the same picture: it shows the input, not the network."
    )
    assert sane.sentence(some(lime="WARN")) == "With the network's learning undone, it stays open whether LIME changes."


def test_one_method_and_several_in_words():
    alone, two_of_three = some(saliency="PASS"), some(saliency="PASS", grad_cam="PASS", lime="FAIL")
    assert faithful.sentence(alone).endswith(" more than chance, for the only method that was tried.")
    assert stable.sentence(alone).endswith(" the explanations stay, for the only method that was tried.")
    assert sane.sentence(alone).endswith(" explanations change, for the only method that was tried.")
    assert faithful.sentence(two_of_three).startswith("Hiding what Gradient and Grad-CAM point at hurts the answer")
    assert stable.sentence(two_of_three).startswith("When the input hardly changes, Gradient and Grad-CAM tell the same story")
    assert sane.sentence(some(saliency="FAIL", grad_cam="FAIL")) == (
        "With the network's learning undone, Gradient and Grad-CAM still show much the same pictures: they show the input, not the network."
    )
    assert sane.sentence(some(lime="WARN", grad_cam="WARN")).endswith("it stays open whether LIME and Grad-CAM change.")
