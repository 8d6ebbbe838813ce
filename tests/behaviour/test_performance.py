"""Performance by hand on three classes, and against scikit-learn."""

import math

import numpy as np
import pytest
import torch
from sklearn import metrics

from netlens.behaviour import performance, wilson
from netlens.errors import ShapeError

CLASSES = ("ant", "bee", "cat")
LABELS = torch.tensor([0, 0, 0, 1, 1, 2])
# The answers are 0, 0, 1, 1, 2, 0; the wrong ones are sample 2 (surest), 5 and 4 (least sure).
LOGITS = torch.tensor([[2.0, 0, 0], [1.0, 0, 0], [0, 9.0, 0], [0, 1.0, 0], [0, 0, 3.0], [5.0, 0, 0]])


@pytest.fixture
def result():
    return performance(LOGITS, LABELS, CLASSES)


def test_counts_by_hand(result):
    assert result.predictions.tolist() == [0, 0, 1, 1, 2, 0]
    assert result.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [1, 0, 0]]
    assert result.accuracy == wilson(3, 6)
    assert result.recall == (wilson(2, 3), wilson(1, 2), wilson(0, 1))
    assert result.precision == (wilson(2, 3), wilson(1, 2), wilson(0, 1))
    assert result.majority == 0.5


def test_probabilities_are_the_softmax(result):
    assert result.probabilities[0].tolist() == pytest.approx([math.e**2 / (math.e**2 + 2), *[1 / (math.e**2 + 2)] * 2])


def test_recall_and_precision_are_not_swapped():
    answers = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    result = performance(answers, torch.tensor([0, 1, 1, 1]), ("a", "b"))
    assert [rate.value for rate in result.recall] == [1, 1 / 3]
    assert [rate.value for rate in result.precision] == [1 / 3, 1]


def test_the_surest_mistakes_come_first(result):
    assert result.mistakes(10) == [2, 5, 4]
    assert result.mistakes(1) == [2]
    assert result.mistakes(0) == []


def test_equally_sure_mistakes_keep_their_order():
    result = performance(torch.tensor([[1.0, 0.0]] * 4), torch.tensor([1, 0, 1, 1]), ("a", "b"))
    assert result.mistakes(3) == [0, 2, 3]


def test_confusions_come_by_count():
    logits = torch.nn.functional.one_hot(torch.tensor([1, 1, 0, 2, 2]), 3).float()
    result = performance(logits, torch.tensor([0, 0, 1, 2, 1]), CLASSES)
    assert result.confusions() == [("ant", "bee", 2), ("bee", "ant", 1), ("bee", "cat", 1)]


def test_a_perfect_model_makes_no_mistake():
    result = performance(10 * torch.eye(3), torch.arange(3), CLASSES)
    assert result.mistakes(3) == []
    assert result.confusions() == []
    assert result.accuracy.value == 1


def test_a_class_without_samples_and_one_without_answers_are_unknown():
    result = performance(torch.tensor([[1.0, 0, 0]]), torch.tensor([1]), CLASSES)
    assert [rate.n for rate in result.recall] == [0, 1, 0]
    assert [rate.n for rate in result.precision] == [1, 0, 0]
    assert math.isnan(result.recall[2].value)
    assert math.isnan(result.precision[1].value)


def test_it_agrees_with_scikit_learn():
    draw = torch.Generator().manual_seed(0)
    logits, labels = torch.randn(300, 5, generator=draw), torch.randint(0, 5, (300,), generator=draw)
    logits[torch.arange(300), labels] += 1
    result = performance(logits, labels, tuple("abcde"))
    answers = logits.argmax(1)
    assert result.accuracy.value == pytest.approx(metrics.accuracy_score(labels, answers))
    assert np.array_equal(result.confusion, metrics.confusion_matrix(labels, answers))
    assert [rate.value for rate in result.recall] == pytest.approx(metrics.recall_score(labels, answers, average=None))
    assert [rate.value for rate in result.precision] == pytest.approx(metrics.precision_score(labels, answers, average=None))


@pytest.mark.parametrize(
    ("logits", "labels", "said"),
    [
        (torch.zeros(3, 3), [0, 1], r"the logits are \(3, 3\)\. Expected \(2, 3\) for these labels and classes"),
        (torch.zeros(2, 4), [0, 1], r"the logits are \(2, 4\)\. Expected \(2, 3\)"),
        (torch.zeros(2, 3, 1), [0, 1], r"the logits are \(2, 3, 1\)\. Expected \(2, 3\)"),
        (torch.zeros(0, 3), [], r"the logits are \(0, 3\)"),
        (torch.zeros(2, 3), [0, 3], r"the labels go from 0 to 3\. Expected 0 to 2"),
        (torch.zeros(2, 3), [-1, 1], r"the labels go from -1 to 1\. Expected 0 to 2"),
    ],
)
def test_shapes_and_labels_that_do_not_fit_are_refused(logits, labels, said):
    with pytest.raises(ShapeError, match=f"^performance: {said}"):
        performance(logits, torch.tensor(labels, dtype=torch.long), CLASSES)
