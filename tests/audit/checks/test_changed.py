"""NL951: silent on the same answers, fires on a model that broke more than it fixed."""

import numpy as np
import pytest

from netlens.audit.checks.changed import CHECK
from tests.audit.checks.planted import CLASSES, answering


def subject(wrong_before, wrong_now, n=400, **changes):
    labels = np.arange(n) % 2
    place = np.arange(n)
    one = answering(np.full(n, 0.9), labels, ~np.isin(place, wrong_now))
    before = np.where(np.isin(place, wrong_before), 1 - labels, labels)
    previous = {
        "schema": one.schema,
        "data": {"test": {"fingerprint": one.test.fingerprint}},
        "model": {"name": one.model.name, "classes": list(CLASSES)},
        "answers": {"predictions": before.tolist()},
    }
    return type(one)(one.model, one.test, previous=previous | changes)


@pytest.mark.parametrize(
    ("before", "now", "verdict", "said"),
    [
        (range(5), range(5), "PASS", "No answer changed from right to wrong or back."),
        (range(31), range(100, 109), "PASS", "31 answers fixed, 9 newly broken. It became better."),
        (range(9), range(100, 131), "FAIL", "9 answers fixed, 31 newly broken. It became worse."),
        (range(3), range(100, 105), "PASS", "3 answers fixed, 5 newly broken. Chance alone could explain the difference."),
        (range(8), [], "PASS", "8 answers fixed, none newly broken. It became better."),
    ],
)
def test_changes(before, now, verdict, said):
    found = CHECK.run(subject(list(before), list(now)))
    assert (found.verdict, found.sentence) == (verdict, said)
    assert found.low <= found.value <= found.high


def test_what_cannot_be_compared():
    one = subject([], [])
    assert CHECK.run(type(one)(one.model, one.test)).missing == ("previous audit",)
    gone = CHECK.run(subject([], [], answers=None))
    assert gone.sentence == "The earlier audit does not hold the answers to these samples."
    other = CHECK.run(subject([], [], model={"classes": ["up", "down"]}))
    assert (other.verdict, other.sentence) == ("NOT SHOWN", "The earlier model has other classes.")


def test_an_audit_of_another_model_is_named():
    found = CHECK.run(subject(list(range(5)), list(range(5)), model={"name": "older", "classes": list(CLASSES)}))
    assert found.verdict == "PASS"
    assert found.sentence.endswith("right to wrong or back. The earlier audit is of a model of another name, older.")
