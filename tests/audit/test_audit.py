"""Audits from end to end: of a clean model, of a perfect one, and of models with planted faults."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from netlens.audit import audit
from netlens.behaviour import wilson
from netlens.errors import OutputError
from netlens.models.architectures import MnistMLP
from netlens.models.model import Model
from tests.audit.conftest import CLASSES, Reader, dataset, model, right_and_wrong


def verdicts(report):
    return {finding.code: finding.verdict for finding in report.findings}


@pytest.fixture
def clean(train):
    """A model that is wrong 12 times in 750 and says so: its confidence is about 0.984."""
    return audit(
        model(Reader(math.log(2 * 0.984 / 0.016))), train, dataset(*right_and_wrong((4, 5, 3))), command="netlens audit x"
    )


def test_a_clean_model_passes_every_check(clean):
    assert set(verdicts(clean).values()) == {"PASS"}
    assert clean.performance.accuracy == wilson(738, 750)
    assert len(clean.worst) == 6
    assert [explanation.method for explanation in clean.explanations] == ["saliency", "integrated_gradients", "grad_cam"]
    assert all(len(explanation.values) == 6 for explanation in clean.explanations)


def test_the_worst_cases_are_wrong_and_their_wrong_answer_is_explained(clean):
    ids = clean.worst.ids
    answers = clean.performance.predictions[ids]
    assert (answers != clean.performance.labels[ids]).all()
    assert all(np.array_equal(explanation.target.numpy(), answers) for explanation in clean.explanations)


class Restless(Reader):
    """Its answers tremble."""

    def forward(self, inputs):
        return super().forward(inputs) + 0.01 * torch.randn(len(inputs), 3)


class Dropping(Reader):
    """Drop-out that nobody can switch off."""

    def forward(self, inputs):
        return nn.functional.dropout(super().forward(inputs), 0.1, training=True)


@pytest.mark.parametrize("net", [Restless, Dropping])
def test_a_model_that_changes_its_answers_is_found(net, train):
    report = audit(model(net(20.0)), train, dataset(*right_and_wrong((0, 0, 0), 60)), n_worst=0)
    assert verdicts(report)["NL101"] == "FAIL"


def test_a_leaked_sample_is_found(train):
    test = dataset(*right_and_wrong((0, 0, 0), 60))
    test.raw[7] = train.raw[3]
    assert verdicts(audit(model(Reader(9.0)), train, test))["NL201"] == "WARN"


def test_a_constant_model_is_found_and_its_explanations_are_empty(train):
    report = audit(model(Reader(0.0, (1.0, 0.0, 0.0))), train, dataset(*right_and_wrong((0, 0, 0), 60)))
    assert verdicts(report)["NL301"] == verdicts(report)["NL302"] == "FAIL"
    assert not any(explanation.values.any() for explanation in report.explanations)
    json.dumps(report.document(), allow_nan=False)


def test_a_starved_class_is_found(train):
    report = audit(model(Reader(5.0)), train, dataset(*right_and_wrong((0, 120, 0))))
    assert verdicts(report)["NL302"] == "FAIL"
    assert "two: 52 of 100" in next(finding.sentence for finding in report.findings if finding.code == "NL302")


def test_an_over_confident_model_is_found(train):
    report = audit(model(Reader(30.0)), train, dataset(*right_and_wrong((50, 50, 50))))
    assert verdicts(report)["NL401"] == "FAIL"


class Cut(Reader):
    """A gradient that lies: it is a tenth of the true one."""

    def forward(self, inputs):
        return super().forward(0.1 * inputs + 0.9 * inputs.detach())


def test_broken_completeness_is_found(train):
    assert verdicts(audit(model(Cut(5.0)), train, dataset(*right_and_wrong((9, 9, 9)))))["NL501"] == "FAIL"


def test_few_samples_show_nothing(train):
    report = audit(model(Reader(5.0)), train, dataset(*right_and_wrong((1, 1, 1), 20)))
    assert {code for code, verdict in verdicts(report).items() if verdict == "NOT SHOWN"} == {"NL301", "NL302", "NL401"}


def test_a_perfect_model_has_nothing_to_explain(train):
    report = audit(model(Reader(30.0)), train, dataset(*right_and_wrong((0, 0, 0))))
    assert report.worst is None
    assert report.explanations == ()
    assert verdicts(report) | {"NL501": "PASS"} == dict.fromkeys(verdicts(report), "PASS")
    assert verdicts(report)["NL501"] == "NOT SHOWN"
    assert report.document()["worst cases"] == []


def test_a_network_without_maps_is_audited_without_grad_cam(digits):
    train, test = digits
    torch.manual_seed(0)
    report = audit(Model(MnistMLP(8).eval(), "mlp", train.classes, train.preprocess), train, test, n_worst=2)
    assert [explanation.method for explanation in report.explanations] == ["saliency", "integrated_gradients"]


def test_the_model_is_left_as_it_was(train):
    net = Reader(5.0)
    subject = model(net)
    net.train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    audit(subject, train, dataset(*right_and_wrong((3, 3, 3), 60)))
    assert all(module.training for module in net.modules())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def numbers(value):
    """Every number in a document."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_the_document_is_strict_json_with_rounded_numbers(clean, tmp_path):
    path = clean.write(tmp_path / "new")
    text = path.read_text(encoding="utf-8")

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    document = json.loads(text, parse_constant=refuse)
    assert document == clean.document()
    assert text.endswith("}\n")
    assert all(number == float(f"{number:.6g}") for number in numbers(document))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["audit.json"]


def test_the_document_holds_the_numbers(clean):
    document = clean.document()
    assert document["schema"] == "netlens-audit/1"
    assert document["performance"]["accuracy"]["hits"] == 738
    assert document["performance"]["confusion"] == [[246, 4, 0], [0, 245, 5], [3, 0, 247]]
    assert document["performance"]["recall"]["two"]["value"] == pytest.approx(245 / 250)
    assert document["data"]["train"] == {"samples": 60, "by class": dict.fromkeys(CLASSES, 20)}
    assert document["calibration"]["ece"] == pytest.approx(clean.calibration.ece, rel=1e-5)
    assert [one["code"] for one in document["findings"]] == ["NL101", "NL201", "NL301", "NL302", "NL401", "NL501"]
    case = document["worst cases"][0]
    assert case["sample"] == clean.worst.ids[0]
    assert case["label"] != case["answer"]
    assert case["probability"] + 2 * case["probability of the label"] == pytest.approx(1, abs=1e-5)


def test_the_title_page(clean):
    page = clean.title_page()
    assert (page["title"], page["subtitle"]) == ("Audit of reader", "Measured on 750 test images of planted")
    assert dict(page["facts"])["Model"] == "reader, 52 parameters"
    assert dict(page["facts"])["Data"] == "planted: 60 training and 750 test images"
    assert dict(page["facts"])["Model fingerprint"] == clean.model.fingerprint
    assert "does not say that the model is safe" in page["notice"]


def test_the_tables(clean):
    frame = clean.frame()
    assert frame.columns.tolist() == ["check", "what it asks", "verdict", "what was found"]
    assert frame["verdict"].tolist() == ["PASS"] * 6
    assert clean.rules()["check"].tolist() == frame["check"].tolist()


def test_provenance_has_fingerprints_versions_and_no_path(clean):
    facts = clean.provenance
    assert facts["model fingerprint"] == clean.model.fingerprint
    assert facts["test data fingerprint"] == clean.test.fingerprint
    assert (facts["command"], facts["seed"], facts["card digest"]) == ("netlens audit x", "0", "no card")
    assert facts["torch"] == torch.__version__.split("+")[0] or facts["torch"] == torch.__version__
    assert not any("/" in value for value in facts.values())


def test_one_seed_one_report(train):
    subject, test = model(Reader(3.0)), dataset(*right_and_wrong((5, 5, 5), 60))
    first, again, other = (audit(subject, train, test, seed=seed).document() for seed in (1, 1, 2))
    assert first == again
    assert first["calibration"]["null"] != other["calibration"]["null"]


def test_a_folder_that_cannot_be_written_is_told(clean, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OutputError, match=r"^audit: '.*file' cannot be written \(.*\)\. Choose another folder\.$"):
        clean.write(tmp_path / "file")


def test_a_write_that_breaks_leaves_the_old_report(clean, tmp_path, monkeypatch):
    from pathlib import Path

    path = clean.write(tmp_path)
    before = path.read_bytes()

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OutputError, match="No space left on device"):
        clean.write(tmp_path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["audit.json"]
