"""Each check: silent on clean, fires on the planted fault, and says NOT SHOWN without evidence; sentences for fixed numbers."""

import math

import numpy as np
import pytest
import torch

from netlens.audit import findings
from netlens.audit.findings import judge
from netlens.behaviour import calibration, performance, wilson
from netlens.data import Dataset
from tests.audit.conftest import CLASSES, dataset, right_and_wrong


def measured(wrong, each=250, classes=CLASSES):
    answers, labels = right_and_wrong(wrong, each)
    logits = torch.nn.functional.one_hot(torch.from_numpy(answers), 3).float()
    return performance(logits, torch.from_numpy(labels), classes)


@pytest.mark.parametrize(
    ("low", "high", "enough", "verdict"),
    [
        (0.6, 0.8, True, "PASS"),
        (0.5, 0.8, True, "PASS"),
        (0.4, 0.6, True, "WARN"),
        (0.4, 0.5, True, "WARN"),
        (0.3, 0.49, True, "FAIL"),
        (0.6, 0.8, False, "NOT SHOWN"),
        (math.nan, math.nan, True, "NOT SHOWN"),
    ],
)
def test_the_whole_interval_must_lie_on_one_side(low, high, enough, verdict):
    assert judge(low, high, 0.5, enough=enough) == verdict


def test_repeatable():
    same, moved = findings.repeatable(0.0, 128), findings.repeatable(0.0123, 128)
    assert (same.verdict, moved.verdict) == ("PASS", "FAIL")
    assert same.sentence == "Asked twice about the same 128 images, the model gave the same numbers."
    assert moved.sentence == "Asked twice about the same 128 images, the model changed an output by 0.012."
    assert findings.repeatable(math.nan, 128).verdict == "FAIL"


def leaked(count):
    """A training split that holds `count` of 200 test samples."""
    labels = np.arange(200) % 3
    test, train = dataset(labels, labels), dataset(labels, labels, "train", seed=1)
    raw = train.raw.copy()
    raw[:count] = test.raw[-count:] if count else raw[:0]
    return Dataset("planted", "train", CLASSES, raw, labels, train.preprocess), test


@pytest.mark.parametrize(
    ("count", "verdict", "sentence"),
    [
        (0, "PASS", "None of the 200 test images is an exact copy of a training image."),
        (1, "WARN", "One of the 200 test images is an exact copy of a training image."),
        (2, "WARN", "2 of the 200 test images are exact copies of training images."),
        (3, "FAIL", "3 of the 200 test images are exact copies of training images."),
    ],
)
def test_leakage(count, verdict, sentence):
    found = findings.leakage(*leaked(count))
    assert (found.verdict, found.sentence) == (verdict, sentence)
    assert (found.value, found.n) == (count / 200, 200)
    assert (found.low, found.high) == (wilson(count, 200).low, wilson(count, 200).high)


def test_one_pixel_makes_a_sample_new():
    train, test = leaked(1)
    train.raw[0, 0, 0] ^= 1
    assert findings.leakage(train, test).verdict == "PASS"


@pytest.mark.parametrize(
    ("wrong", "each", "verdict"),
    [
        ((0, 0, 0), 250, "PASS"),
        ((250, 250, 0), 250, "FAIL"),
        ((140, 140, 140), 250, "WARN"),
        ((0, 0, 0), 33, "NOT SHOWN"),
    ],
)
def test_beats_majority(wrong, each, verdict):
    found = findings.beats_majority(measured(wrong, each))
    assert found.verdict == verdict
    assert "accuracy at least 43.3%: the commonest class has 33.3%, plus 10%" in found.rule


def test_a_model_that_always_answers_the_same_fails():
    logits = torch.tensor([[1.0, 0.0, 0.0]] * 300)
    result = performance(logits, torch.arange(300) % 3, CLASSES)
    assert findings.beats_majority(result).verdict == "FAIL"
    assert findings.weakest_class(result).verdict == "FAIL"


@pytest.mark.parametrize(
    ("hits", "n", "sentence"),
    [
        (913, 1000, "On 1,000 images held back from training, this model was right 91 times in 100 (89 to 93)."),
        (100, 100, "On 100 images held back from training, this model was right 100 times in 100 (96 to 100)."),
        (9999, 10000, "On 10,000 images held back from training, this model was right over 99 times in 100 (100 to 100)."),
        (1, 1000, "On 1,000 images held back from training, this model was right under 1 time in 100 (0 to 1)."),
        (1, 100, "On 100 images held back from training, this model was right 1 time in 100 (0 to 5)."),
        (0, 50, "On 50 images held back from training, this model was right 0 times in 100 (0 to 7)."),
    ],
)
def test_an_accuracy_in_words(hits, n, sentence):
    assert findings.right_in_hundred(wilson(hits, n)) == sentence


def test_no_class_is_weak():
    found = findings.weakest_class(measured((2, 3, 1)))
    assert found.verdict == "PASS"
    assert found.sentence == "The class found least often is two: 99 of 100 (97 to 100). Over all samples it is 99."
    assert (found.value, found.n) == (247 / 250, 250)


def test_a_starved_class_fails_and_is_named():
    found = findings.weakest_class(measured((0, 100, 0)))
    assert found.verdict == "FAIL"
    assert found.sentence == "The class found least often is two: 60 of 100 (54 to 66). Over all samples it is 87."


def test_a_class_that_may_be_weak_by_chance_is_a_caution():
    assert findings.weakest_class(measured((0, 6, 0), each=60)).verdict == "WARN"


def test_the_interval_is_widened_for_looking_at_every_class():
    found, rate = findings.weakest_class(measured((0, 20, 0))), wilson(230, 250)
    assert found.low < rate.low
    assert found.high > rate.high
    assert findings._bonferroni_z(1) == pytest.approx(1.959964)
    assert findings._bonferroni_z(10) == pytest.approx(2.807034)


def test_a_class_with_many_samples_decides_over_one_that_only_looks_worse():
    labels = np.repeat([0, 1, 2], [30, 2000, 8000])
    answers = labels.copy()
    answers[:6] = 2  # 24 of 30: it may be chance
    answers[30 : 30 + 360] = 2  # 1,640 of 2,000: it is not
    logits = torch.nn.functional.one_hot(torch.from_numpy(answers), 3).float()
    found = findings.weakest_class(performance(logits, torch.from_numpy(labels), CLASSES))
    assert found.verdict == "FAIL"
    assert found.sentence == "The class that decides is two: 82 of 100 (80 to 84). Over all samples it is 96."


def test_classes_with_few_samples_are_not_judged():
    found = findings.weakest_class(measured((0, 20, 0), each=29))
    assert found.verdict == "NOT SHOWN"
    assert found.sentence == "No class has the 30 samples that a judgement needs."
    assert found.n == 0


def simulated(n, gap, seed=0):
    """Answers that are right `gap` less often than their probability says."""
    draw = np.random.default_rng(seed)
    sure = draw.uniform(0.6, 1, n)
    right = draw.random(n) < sure - gap
    return calibration(np.stack([sure, 1 - sure], 1), np.where(right, 0, 1))


@pytest.mark.parametrize(
    ("n", "gap", "verdict"), [(1000, 0.0, "PASS"), (1000, 0.06, "WARN"), (1000, 0.2, "FAIL"), (99, 0.2, "NOT SHOWN")]
)
def test_calibrated(n, gap, verdict):
    assert findings.calibrated(simulated(n, gap), n).verdict == verdict


def test_calibration_in_words():
    good, bad = simulated(1000, 0.0), simulated(1000, 0.2)
    assert findings.calibrated(good, 1000).sentence == (
        f"Its stated confidence and its rate of right answers differ by {100 * good.ece:.1f} points on average, "
        "no more than chance explains."
    )
    assert findings.calibrated(bad, 1000).sentence == (
        f"Its stated confidence and its rate of right answers differ by {100 * bad.ece:.1f} points on average; "
        f"chance alone explains {100 * bad.null:.1f}."
    )


@pytest.mark.parametrize(
    ("errors", "verdict", "sentence"),
    [
        ([0.01, 0.002], "PASS", "The explanations of the 2 worst cases miss at most 1.0 % of what they explain."),
        ([0.01, 0.2], "FAIL", "The explanations of the 2 worst cases miss at most 20.0 % of what they explain."),
        ([0.05, 0.0], "FAIL", "The explanations of the 2 worst cases miss at most 5.0 % of what they explain."),
        ([0.013], "PASS", "The explanation of the worst case misses 1.3 % of what it explains."),
        ([], "NOT SHOWN", "No wrong answer was explained."),
    ],
)
def test_completeness(errors, verdict, sentence):
    found = findings.complete(errors)
    assert (found.verdict, found.sentence, found.n) == (verdict, sentence, len(errors))


def test_verdicts_are_counted():
    found = [findings.repeatable(0, 1), findings.repeatable(1, 1), findings.complete([]), findings.repeatable(0, 1)]
    assert findings.counts(found) == {"PASS": 2, "WARN": 0, "FAIL": 1, "NOT SHOWN": 1}


def test_each_check_has_its_own_code_and_a_rule_and_a_reason():
    result = measured((0, 0, 0))
    train, test = leaked(0)
    found = [
        findings.repeatable(0, 1), findings.leakage(train, test), findings.beats_majority(result),
        findings.weakest_class(result), findings.calibrated(simulated(200, 0), 200), findings.complete([]),
    ]  # fmt: skip
    assert len({finding.code for finding in found}) == len(found)
    assert all(finding.rule and finding.reason.endswith(".") and finding.sentence.endswith(".") for finding in found)
