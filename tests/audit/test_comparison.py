"""Two models on the same samples: counts by hand, McNemar's p by its formula, likeness of maps, and refusals."""

import copy
import json
from dataclasses import replace
from math import comb

import numpy as np
import pytest
import torch

from netlens.audit import comparison
from netlens.audit.sentences import comparison as sentences
from netlens.errors import DataError
from tests.audit.conftest import CLASSES, right_and_wrong


def made(name, wrong, each=100, test=None):
    """A side whose answers are planted."""
    answers, labels = right_and_wrong(wrong, each)
    return comparison.Side(name, name * 4, CLASSES, "planted", "same", labels, answers, test=test)


def real(network, test):
    """A side with a network."""
    answers = network.logits(test.all().inputs).argmax(1).numpy()
    return comparison.Side(
        "learned", network.fingerprint, test.classes, test.name, test.fingerprint, test.labels, answers, network, test
    )


def written(folder, name, verdict, answers=None, **changed):
    """An audit.json with one check."""
    answered, labels = right_and_wrong((5, 0, 0), 10)
    finding = {"code": "NL301", "title": "Right more often", "area": "performance", "verdict": verdict, "value": 0.9, "low": None, "high": None, "n": 30, "rule": "r", "reason": "w", "sentence": "s", "evidence": {}, "missing": []}  # fmt: skip
    content = {
        "schema": "netlens-audit/2",
        "model": {"name": name, "fingerprint": name, "classes": list(CLASSES)},
        "data": {"name": "planted", "test": {"fingerprint": "same"}},
        "answers": {"labels": labels.tolist(), "predictions": (answered if answers is None else answers).tolist()},
        "findings": {"NL301": finding},
        **changed,
    }
    folder.mkdir()
    (folder / "audit.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_fixed_and_broken_answers_are_counted():
    result = comparison.compare(made("old", (9, 0, 0)), made("new", (1, 0, 2)))
    assert (len(result.change.fixed), len(result.change.broken)) == (8, 2)
    tail = sum(comb(10, k) for k in range(3)) / 2**10
    assert result.change.overall.p == pytest.approx(2 * tail)
    assert sentences.flips(result).startswith("On the same 300 samples, the second fixes 8 answers and newly breaks 2;")
    assert "chance alone could explain it" in sentences.difference(result.change.overall)
    table = result.frame().set_index("class")
    assert table.loc["one", ["lost", "gained"]].tolist() == [0, 8]
    assert table.loc["all", "change"] == pytest.approx(6 / 300)


def test_a_clear_difference_is_called_so():
    result = comparison.compare(made("old", (40, 0, 0)), made("new", (2, 0, 0)))
    assert "The difference is +12.7 points" in sentences.summary(result)
    assert "chance hardly explains it" in sentences.summary(result)
    assert sentences.classes(result) == "Changed beyond chance, in points: one +38.0."


def test_the_same_model_differs_in_nothing(learned, digits):
    one = real(learned[0], digits[1])
    result = comparison.compare(one, one, n_explained=6)
    assert result.change.moved == 0
    assert result.drift.values.tolist() == pytest.approx([1.0] * 6)
    assert abs(result.drift.noise) < 0.3
    assert "No answer changed from right to wrong or back." in sentences.summary(result)


def test_a_network_turned_round_has_maps_turned_round(learned, digits):
    net = copy.deepcopy(learned[0].net)
    with torch.no_grad():
        net.fc2.weight.neg_()
        net.fc2.bias.neg_()
    result = comparison.compare(real(learned[0], digits[1]), real(replace(learned[0], net=net), digits[1]), n_explained=6)
    assert result.drift.mean == pytest.approx(-1, abs=1e-6)
    assert result.change.overall.after < 0.1


def test_changed_answers_are_explained_first(learned, digits):
    one = real(learned[0], digits[1])
    answers = one.answers.copy()
    answers[[57, 200]] = (answers[[57, 200]] + 1) % 10
    assert comparison.compare(one, replace(one, answers=answers), n_explained=4).drift.batch.ids.tolist() == [57, 200, 0, 1]


def test_the_document_is_plain_json_and_the_same_twice(learned, digits):
    one = real(learned[0], digits[1])
    texts = [json.dumps(comparison.compare(one, one, n_explained=3).document(), allow_nan=False) for _ in range(2)]
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["report"]["title"] == "learned against learned"


def test_two_audits_are_compared_by_their_answers_and_verdicts(tmp_path):
    old = comparison.side(str(written(tmp_path / "old", "v1", "WARN")))
    right, _ = right_and_wrong((0, 0, 0), 10)
    new = comparison.side(str(written(tmp_path / "new", "v2", "FAIL", right) / "audit.json"))
    result = comparison.compare(old, new)
    assert result.drift is None
    assert len(result.change.fixed) == 5
    assert result.verdicts().to_dict("records") == [
        {"check": "NL301", "what it asks": "Right more often", "before": "WARN", "after": "FAIL"}
    ]
    assert sentences.verdicts(result) == "1 check has another verdict than before."
    assert result.document()["before"]["from_audit"] is True


def test_an_audit_without_answers_is_refused(tmp_path):
    folder = written(tmp_path / "old", "v1", "PASS", schema="netlens-audit/1")
    content = json.loads((folder / "audit.json").read_text())
    del content["answers"]
    (folder / "audit.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"'audit.json' \(netlens-audit/1\) does not hold the answers"):
        comparison.side(str(folder))


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"classes": ("a", "b", "c")}, "classes"),
        ({"data_fingerprint": "other"}, "samples"),
        ({"labels": np.zeros(300, int)}, "labels"),
    ],
)
def test_other_samples_or_classes_are_refused(changed, what):
    one = made("old", (1, 0, 0))
    with pytest.raises(DataError, match=f"'old' and 'old' were asked about different {what}"):
        comparison.compare(one, replace(one, **changed))
