"""Views of how a model behaves: made from the evidence of a check, with its numbers in words."""

import json
import re

import numpy as np
import pytest

from netlens import views
from netlens.behaviour import wilson
from netlens.data import Dataset, Preprocess
from netlens.views.base import _render


def rate(hits, n):
    return dict(vars(wilson(hits, n)))


RAW = np.random.default_rng(0).integers(0, 256, (6, 8, 8)).astype(np.uint8)
DATA = Dataset("few", "test", ("a", "b"), RAW, np.arange(6) % 2, Preprocess((0.0,), (1.0,)))
SLICES = {
    "accuracy": 0.9,
    "segments": 12,
    "too small": 2,
    "weakest": [
        {"name": "brightness: low", "value": 0.7, "low": 0.6, "high": 0.79, "n": 90, "q": 0.001},
        {"name": "class: b", "value": 0.85, "low": 0.75, "high": 0.92, "n": 80, "q": 0.4},
    ],
}
COVERAGE = {
    "coverage": [0.5, 0.8, 1.0],
    "error": [rate(0, 100), rate(8, 160), rate(24, 200)],
    "area": 0.04,
    "best": 0.01,
    "blind": 0.12,
    "wrong": 24,
}
JUNK = {
    "kinds": {
        "noise": {"sure": rate(3, 10), "auroc": {"value": 0.9}, "histogram": [0, 7, 0, 3]},
        "foreign images": {"sure": rate(1, 10), "auroc": {"value": 0.95}, "histogram": [4, 5, 0, 1]},
    },
    "familiar": [0, 0, 1, 9],
    "sure": 0.9,
}
CORRUPTED = {
    "clean": 0.95,
    "n": 200,
    "kinds": {
        "blur": {
            "accuracy": [0.9, 0.8, 0.57],
            "kept": [0.95, 0.84, 0.6],
            "low": [0.9, 0.8, 0.5],
            "high": [1, 0.9, 0.7],
            "verdict": "FAIL",
        },
        "noise": {
            "accuracy": [0.95, 0.95, 0.93],
            "kept": [1, 1, 0.98],
            "low": [0.97, 0.97, 0.95],
            "high": [1, 1, 1],
            "verdict": "PASS",
        },
    },
}
ATTACKED = {
    "clean": rate(58, 60),
    "curve": [
        {"epsilon": 0.01, "noise": rate(58, 60), "one step": rate(50, 60), "many steps": rate(45, 60)},
        {"epsilon": 0.1, "noise": rate(57, 60), "one step": rate(30, 60), "many steps": rate(6, 60)},
    ],
    "huge": 0.0,
    "zero": 0.0,
    "faults": [],
}
GROUPS = {
    "attributes": {"sex": {"right": {"men": rate(450, 500), "women": rate(400, 500), "unknown": rate(0, 0)}}},
    "too few": [["sex", "right", "unknown"]],
    "gaps": [{"attribute": "sex", "rate": "right", "lower": "women", "higher": "men", "difference": [-0.1, -0.15, -0.05], "ratio": [0.89, 0.8, 0.95]}],
}  # fmt: skip
MASKED = {
    "sides": [{"side": 0.5, "accuracy": rate(120, 200)}, {"side": 0.75, "accuracy": rate(30, 200)}],
    "chance": 0.1,
    "decisive": 0.75,
    "recognised": {"ship": [0.4, 0.2, 0.6], "cat": [0.0, -0.1, 0.1]},
}
DEAD = {"layers": {"relu1": {"dead": 0, "units": 32}, "relu2": {"dead": 16, "units": 64}}, "bound": 0.003}
MEMBERS = {
    "auc": {"value": 0.61, "low": 0.57, "high": 0.65},
    "chance": 0.53,
    "caught": rate(12, 300),
    "caught by chance": 0.02,
    "false": [0.0, 0.5, 1.0],
    "true": [0.0, 0.68, 1.0],
}
CHANGED = {
    "overall": {"gained": 31, "lost": 9, "before": 0.9, "after": 0.92, "p": 0.00068},
    "by class": {
        "a": {"before": 0.9, "after": 0.95, "fixed": 30, "broken": 1},
        "b": {"before": 0.9, "after": 0.88, "fixed": 1, "broken": 8},
    },
    "fixed": [1],
    "broken": [2],
    "moved": 0.05,
}
WRONG = {
    "likely wrong": 5,
    "test samples": 6,
    "positions": [3, 1],
    "label": ["b", "b"],
    "suggested": ["a", "a"],
    "margin": [0.9, 0.8],
}
NEAR = {"near copies": 2, "test samples": 6, "pairs": [[0, 5], [2, 4]], "distance": [0.08, 0.2]}

MAKE = {
    "slice_forest": lambda _: views.slice_forest(SLICES),
    "error_coverage": lambda _: views.error_coverage(COVERAGE),
    "unfamiliar_confidence": lambda _: views.unfamiliar_confidence(JUNK),
    "corruption_grid": lambda _: views.corruption_grid(CORRUPTED),
    "attack_curve": lambda _: views.attack_curve(ATTACKED),
    "fairness_rates": lambda _: views.fairness_rates(GROUPS),
    "masking_curve": lambda _: views.masking_curve(MASKED),
    "dead_units": lambda _: views.dead_units(DEAD),
    "membership_roc": lambda _: views.membership_roc(MEMBERS),
    "fixed_and_broken": lambda _: views.fixed_and_broken(CHANGED),
    "label_errors": lambda _: views.label_errors(WRONG, DATA),
    "near_copies": lambda _: views.near_copies(NEAR, DATA, DATA),
}
NUMBERS = {
    "slice_forest": [
        "brightness: low, 70 % (60 % to 79 %, 90 samples)",
        "1 segment is weaker than chance explains",
        "12 segments",
    ],
    "error_coverage": ["0 %", "5 %", "12 %"],
    "unfamiliar_confidence": ["noise", "30 %"],
    "corruption_grid": ["95 %", "blur", "60 %"],
    "attack_curve": ["75 % at 1 %; 10 % at 10 %", "The attack passed its own tests"],
    "fairness_rates": ["women lie 10.0 points below men; chance alone does not explain it"],
    "masking_curve": ["15 % (10.7 % to 20.6 %)", "ship, 40 points above chance"],
    "dead_units": ["relu2", "16 of 64", "16 of 96 units"],
    "membership_roc": ["0.610 (0.570 to 0.650)", "more than chance explains"],
    "fixed_and_broken": ["31 answers fixed, 9 newly broken"],
    "label_errors": [],
    "near_copies": ["2"],
}


@pytest.mark.parametrize("name", MAKE)
def test_the_words_hold_the_numbers(name):
    view = MAKE[name](None)
    for words in (view.alt, view.caption):
        assert [text for text in NUMBERS[name] if text not in words.replace("**", "")] == [], words
        assert words.endswith((".", "?"))
        assert not re.search(r"\bnan\b|\binf\b|  ", words)


@pytest.mark.parametrize("name", MAKE)
def test_a_picture_is_drawn_and_is_the_same_twice(name):
    first, second = (_render(MAKE[name](None).figure(), "svg") for _ in range(2))
    assert first == second
    assert len(MAKE[name](None).frame()) > 0


EVIDENCE = {
    "slice_forest": SLICES,
    "error_coverage": COVERAGE,
    "unfamiliar_confidence": JUNK,
    "corruption_grid": CORRUPTED,
    "attack_curve": ATTACKED,
    "fairness_rates": GROUPS,
    "masking_curve": MASKED,
    "dead_units": DEAD,
    "membership_roc": MEMBERS,
    "fixed_and_broken": CHANGED,
}


@pytest.mark.parametrize("name", EVIDENCE)
def test_evidence_that_went_through_a_file_draws_the_same(name):
    again = getattr(views, name)(json.loads(json.dumps(EVIDENCE[name])))
    assert (again.alt, again.caption) == (MAKE[name](None).alt, MAKE[name](None).caption)


def test_pictures_name_their_samples():
    assert "sample 3, labelled b, rather a" in views.label_errors(WRONG, DATA).alt
    assert views.label_errors(WRONG, DATA).caption.startswith("The 2 likeliest of 5 of 6 test images")
    assert "test 0 and training 5; test 2 and training 4" in views.near_copies(NEAR, DATA, DATA).alt
    assert "at 8 % of the usual distance" in views.near_copies(NEAR, DATA, DATA).caption


def test_chance_is_said():
    calm = {**SLICES, "weakest": [{**row, "q": 0.9} for row in SLICES["weakest"]]}
    assert "chance alone explains the differences" in views.slice_forest(calm).caption
    assert "no more than chance explains" in views.membership_roc({**MEMBERS, "chance": 0.7}).alt
    unclear = {**GROUPS, "gaps": [{**GROUPS["gaps"][0], "difference": [-0.1, -0.25, 0.05]}]}
    assert "chance alone could explain it" in views.fairness_rates(unclear).alt
    assert views.fairness_rates({**GROUPS, "gaps": []}).alt.endswith("No two groups have enough cases to be compared.")


JARGON = re.compile(r"Wilson|McNemar|percentile|AUROC|FGSM|PGD|logarithm|calibrated|softmax|logit|\bp [=<]", re.IGNORECASE)


@pytest.mark.parametrize("name", sorted({*MAKE} - {"masking_curve", "dead_units", "membership_roc"}))
def test_views_of_the_first_pages_of_a_report_speak_plainly(name):
    view = MAKE[name](None)
    assert not JARGON.search(view.caption), view.caption
    assert not JARGON.search(_render(view.figure(), "svg").decode())


@pytest.mark.parametrize(
    ("p", "often"), [(0.00068, "in fewer than 0.1 of 100 cases"), (0.0124, "in 1.2 of 100 cases"), (1.0, "in 100 of 100 cases")]
)
def test_a_p_value_is_said_in_words(p, often):
    view = views.fixed_and_broken({**CHANGED, "overall": {**CHANGED["overall"], "p": p}})
    assert often in view.caption
    assert ("p < 0.001" if p < 0.001 else f"p = {p:.2g}") in view.alt


def test_without_a_change_chance_is_not_asked():
    still = views.fixed_and_broken({**CHANGED, "overall": {**CHANGED["overall"], "gained": 0, "lost": 0, "p": 1.0}})
    assert "of 100 cases" not in still.caption


def test_a_void_attack_is_stamped():
    void = views.attack_curve({**ATTACKED, "faults": ["for 100 % of the images the gradient is zero"]})
    assert "The attack is void: for 100 % of the images" in void.caption
    assert b"VOID" in _render(void.figure(), "svg")
    empty = views.attack_curve({**ATTACKED, "curve": [], "faults": ["nothing to attack"]})
    assert "after 20 steps nothing" in empty.alt
    assert empty.figure().axes
